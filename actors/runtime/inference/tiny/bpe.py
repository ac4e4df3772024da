"""Byte-pair encoding as GPT-2 does it, in the form that llama.cpp's tokenizer "gpt2" reads.

Learned on the corpus, pair by pair; bytes are written as the printable characters GPT-2 chose for them:
https://github.com/openai/gpt-2/blob/master/src/encoder.py.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
_SAME = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]


def byte_characters() -> list[str]:
    """The character each byte is written as."""
    others = iter(range(256, 512))
    same = set(_SAME)
    return [chr(byte) if byte in same else chr(next(others)) for byte in range(256)]


CHARACTERS = byte_characters()


def words(text: str) -> list[str]:
    """The pieces no token reaches across, in written bytes."""
    return ["".join(CHARACTERS[byte] for byte in word.encode()) for word in _WORDS.findall(text)]


def learn(texts: Iterable[str], merges: int) -> list[tuple[str, str]]:
    """The pairs to merge, most frequent first; ties by the pair itself."""
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        counts.update(tuple(word) for word in words(text))
    learned: list[tuple[str, str]] = []
    while len(learned) < merges:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in counts.items():
            for pair in pairwise(word):
                pairs[pair] += count
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        learned.append(best)
        merged: Counter[tuple[str, ...]] = Counter()
        for word, count in counts.items():
            merged[_merge(word, best)] += count
        counts = merged
    return learned


def _merge(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    at = 0
    while at < len(word):
        if word[at : at + 2] == pair:
            out.append(word[at] + word[at + 1])
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


class Tokenizer:
    """Specials first, then bytes, then merges: ids in that order."""

    def __init__(self, specials: tuple[str, ...], merges: list[tuple[str, str]]) -> None:
        self.specials = specials
        self.merges = merges
        self.tokens = [*specials, *CHARACTERS, *(a + b for a, b in merges)]
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._split = re.compile("(" + "|".join(map(re.escape, specials)) + ")")
        self.word = lru_cache(maxsize=100_000)(self._word)

    def encode(self, text: str) -> list[int]:
        found: list[int] = []
        for part in self._split.split(text):
            if part in self.specials:
                found.append(self.ids[part])
            else:
                for word in words(part):
                    found += self.word(word)
        return found

    def _word(self, word: str) -> list[int]:
        pieces = tuple(word)
        while len(pieces) > 1:
            best = min(pairwise(pieces), key=lambda pair: self._ranks.get(pair, 1 << 30))
            if best not in self._ranks:
                break
            pieces = _merge(pieces, best)
        return [self.ids[piece] for piece in pieces]
