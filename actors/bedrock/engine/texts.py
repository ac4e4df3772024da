"""Texts as words, sentences and vectors, for whatever compares them.

The vectors here are lexical: what two texts share is words (in a crude stem) and pairs of neighbours, so they know
paraphrases only as far as these use the same words. Whoever has an embedding model hands its function in instead.
"""

import math
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise

# Texts to vectors that `cosine` compares; {feature: weight}.
Vector = Mapping[str | int, float]
Embed = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_ENDINGS = ("ations", "ation", "ingly", "ments", "ment", "ings", "ing", "edly", "ies", "ers", "ed", "er", "es",
            "ly", "s")
_STEM_CHARACTERS = 3                      # never less is left of a word
_PAIR_WEIGHT = 0.5
_EMPTY_WORDS = (
    "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it "
    "its me my no not of on or our she should so such than that the their them then there these they this to was we "
    "were what when where which who why will with would you your about any some please tell")
_EMPTY = frozenset(_EMPTY_WORDS.split())


def words(text: str) -> list[str]:
    """In lower case, in order."""
    return [found.group().lower() for found in _WORD.finditer(text)]


def sentences(text: str) -> list[str]:
    return [sentence for found in _SENTENCE.finditer(text) if (sentence := found.group().strip())]


def stems(text: str) -> list[str]:
    """Of the words that mean something by themselves."""
    return [_stem(word) for word in words(text) if word not in _EMPTY]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_CHARACTERS:
            return word[:-len(ending)]
    return word


async def lexical(texts: Sequence[str]) -> Sequence[Vector]:
    """An Embed that needs no model."""
    return [_lexical(text) for text in texts]


def _lexical(text: str) -> Vector:
    found = stems(text)
    weights: defaultdict[str | int, float] = defaultdict(float)
    for stem in found:
        weights[stem] += 1.0
    for left, right in pairwise(found):
        weights[f"{left} {right}"] += _PAIR_WEIGHT
    return weights


def cosine(one: Vector, other: Vector) -> float:
    """0 to 1; 0 where one of them is empty."""
    if len(other) < len(one):
        one, other = other, one
    product = sum(weight * other.get(feature, 0.0) for feature, weight in one.items())
    lengths = math.sqrt(sum(weight * weight for weight in one.values()) * sum(w * w for w in other.values()))
    return max(0.0, min(1.0, product / lengths)) if lengths else 0.0


def dense(vector: Sequence[float]) -> Vector:
    """An embedding model's vector in this module's form."""
    return dict(enumerate(vector))
