"""Words and phrases that must not occur: a guardrail's own and the managed list of profanity.

A text is read once as words; each run of as many words as the longest phrase has is looked up. Case does not count,
words count whole: `ass` is not in `class`.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from actors.bedrock.engine.texts import words

# English profanity as most published lists have it; AWS does not publish its own.
_PROFANE = """
arse arsehole ass asshole bastard bitch bitches bollocks bullshit cock cocksucker crap cunt damn dick dickhead douchebag
dumbass fag faggot fuck fucked fucker fucking goddamn horseshit jackass motherfucker motherfucking nigger piss pissed
prick pussy shit shithead shitty slut twat wanker whore
"""
PROFANITY = frozenset(_PROFANE.split())


class Found(NamedTuple):
    """A phrase in a text, as the list has it."""

    phrase: str


class WordList:
    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = {tuple(words(phrase)): phrase for phrase in phrases}
        self._phrases.pop((), None)
        self._longest = max(map(len, self._phrases), default=0)

    def find(self, text: str) -> Iterator[Found]:
        """Each phrase once, in the order in which they occur."""
        spoken = words(text)
        told: set[str] = set()
        for start in range(len(spoken)):
            for length in range(1, min(self._longest, len(spoken) - start) + 1):
                phrase = self._phrases.get(tuple(spoken[start:start + length]))
                if phrase is not None and phrase not in told:
                    told.add(phrase)
                    yield Found(phrase)
