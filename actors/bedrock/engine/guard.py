"""A guardrail's policies over texts: what they find, and what may go on.

Policies come as GetGuardrail shows them, findings go out as GuardrailAssessment. Per finding the action of the side it
is on (inputAction, outputAction) decides; one that blocks blocks everything, else what is to be anonymised is masked.
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-how.html
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from actors.bedrock.engine import harm, meaning, personal
from actors.bedrock.engine.expressions import Expression, Match, compiled
from actors.bedrock.engine.words import PROFANITY, WordList

INPUT, OUTPUT = "INPUT", "OUTPUT"
NOTHING, BLOCKED, MASKED = "NONE", "BLOCKED", "ANONYMIZED"
UNIT_CHARACTERS = 1000                    # of a text unit, which usage counts
UNITS = ("topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits",
         "sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits", "contentPolicyImageUnits",
         "automatedReasoningPolicyUnits", "automatedReasoningPolicies")

Entry = Mapping[str, Any]
_ACTIONS = {"BLOCK": BLOCKED, "ANONYMIZE": MASKED, "NONE": NOTHING}


Mask = tuple[Match, str]                  # what is replaced, and by what


class Piece(NamedTuple):
    """A text and what it is: guard_content (the default), grounding_source, query."""

    text: str
    qualifiers: frozenset[str] = frozenset()

    @property
    def guarded(self) -> bool:
        return not self.qualifiers or "guard_content" in self.qualifiers


@dataclass(slots=True)
class Verdict:
    """`texts`: the guarded pieces as they may go on, by their `masks`; meaningless where `action` is BLOCKED."""

    action: str
    texts: list[str]
    masks: list[list[Mask]]
    assessment: dict[str, Any]
    usage: dict[str, int]
    coverage: dict[str, Any]


@dataclass(slots=True)
class _Look:
    """One assessment under way."""

    side: str                             # "input" or "output"
    full: bool                            # also tell what was looked for and not found
    actions: set[str] = field(default_factory=set)
    masks: list[list[Mask]] = field(default_factory=list)     # per text

    def enabled(self, entry: Entry) -> bool:
        return bool(entry.get(f"{self.side}Enabled", True))

    def act(self, entry: Entry, detected: bool = True) -> dict[str, Any]:
        """action and detected of a finding; remembers what it does to the whole."""
        chosen = entry.get(f"{self.side}Action") or entry.get("action") or "BLOCK"
        action = _ACTIONS[chosen] if detected else NOTHING
        self.actions.add(action)
        return {"action": action, "detected": detected}


class Guard:
    """A guardrail, ready. expressions.Unsuitable for a regular expression that cannot be run."""

    def __init__(self, policies: Mapping[str, Any], sense: meaning.Sense | None = None) -> None:
        self._sense = sense or meaning.Sense()
        self._topics: list[Entry] = policies.get("topicPolicy", {}).get("topics", [])
        self._filters: list[Entry] = policies.get("contentPolicy", {}).get("filters", [])
        words = policies.get("wordPolicy", {})
        self._words: list[Entry] = words.get("words", [])
        self._managed: list[Entry] = words.get("managedWordLists", [])
        self._word_entries = {entry["text"]: entry for entry in self._words}
        self._word_list, self._profanity = WordList(self._word_entries), WordList(PROFANITY)
        sensitive = policies.get("sensitiveInformationPolicy", {})
        self._entities: list[Entry] = sensitive.get("piiEntities", [])
        self._regexes: list[tuple[Entry, Expression]] = [
            (entry, compiled(entry["pattern"])) for entry in sensitive.get("regexes", [])]
        self._grounding: list[Entry] = policies.get("contextualGroundingPolicy", {}).get("filters", [])

    async def assess(self, source: str, pieces: Sequence[Piece], *, full: bool = False) -> Verdict:
        """`source`: INPUT or OUTPUT. `full`: as outputScope FULL tells it."""
        texts = [piece.text for piece in pieces if piece.guarded]
        look = _Look("input" if source == INPUT else "output", full, masks=[[] for _ in texts])
        found = {
            "topicPolicy": await self._find_topics(look, texts), "contentPolicy": self._find_harm(look, texts),
            "wordPolicy": self._find_words(look, texts), "sensitiveInformationPolicy": self._find_personal(look, texts),
        }
        if source == OUTPUT:
            found["contextualGroundingPolicy"] = await self._ground(look, pieces)
        action = BLOCKED if BLOCKED in look.actions else MASKED if MASKED in look.actions else NOTHING
        replaced = [masked(text, masks) for text, masks in zip(texts, look.masks, strict=True)]
        assessment = {policy: findings for policy, findings in found.items() if findings}
        characters = sum(map(len, texts))
        coverage = {"textCharacters": {"guarded": characters, "total": sum(len(piece.text) for piece in pieces)}}
        return Verdict(action, replaced, look.masks, assessment, self._usage(source, pieces, characters), coverage)

    async def _find_topics(self, look: _Look, texts: Sequence[str]) -> dict[str, Any]:
        entries = [entry for entry in self._topics if look.enabled(entry)]
        if not entries:
            return {}
        topics = [meaning.Topic(entry["name"], entry["definition"], tuple(entry.get("examples", ())))
                  for entry in entries]
        about: set[str] = set()
        for text in texts:
            about |= await meaning.topics_of(text, topics, self._sense)
        told = [{"name": entry["name"], "type": "DENY", **look.act(entry, entry["name"] in about)}
                for entry in entries if look.full or entry["name"] in about]
        return {"topics": told} if told else {}

    def _find_harm(self, look: _Look, texts: Sequence[str]) -> dict[str, Any]:
        told = []
        for entry in self._filters:
            strength = entry.get(f"{look.side}Strength", "NONE")
            if strength == "NONE" or not look.enabled(entry):
                continue
            confidence = max((harm.rate(entry["type"], text) for text in texts), default=harm.Confidence.NONE)
            detected = harm.intervenes(confidence, strength)
            if detected or look.full:
                told.append({"type": entry["type"], "confidence": confidence.name, "filterStrength": strength,
                             **look.act(entry, detected)})
        return {"filters": told} if told else {}

    def _find_words(self, look: _Look, texts: Sequence[str]) -> dict[str, Any]:
        said = dict.fromkeys(found.phrase for text in texts for found in self._word_list.find(text))
        custom = [{"match": phrase, **look.act(self._word_entries[phrase])}
                  for phrase in said if look.enabled(self._word_entries[phrase])]
        managed: list[dict[str, Any]] = []
        for entry in self._managed:
            if look.enabled(entry):
                profane = dict.fromkeys(found.phrase for text in texts for found in self._profanity.find(text))
                managed += [{"match": phrase, "type": entry["type"], **look.act(entry)} for phrase in profane]
        return {"customWords": custom, "managedWordLists": managed} if custom or managed else {}

    def _find_personal(self, look: _Look, texts: Sequence[str]) -> dict[str, Any]:
        entities: list[dict[str, Any]] = []
        regexes: list[dict[str, Any]] = []
        for entry in self._entities:
            if look.enabled(entry):
                entities += self._matches(look, entry, entry["type"], {"type": entry["type"]}, [
                    list(personal.find(entry["type"], text)) for text in texts])
        for entry, expression in self._regexes:
            if look.enabled(entry):
                shown = {"name": entry["name"], "regex": entry["pattern"]}
                regexes += self._matches(look, entry, entry["name"], shown, [
                    list(expression.find(text)) for text in texts])
        return {"piiEntities": entities, "regexes": regexes} if entities or regexes else {}

    @staticmethod
    def _matches(
        look: _Look, entry: Entry, name: str, shown: dict[str, Any], found: Sequence[Sequence[Match]]
    ) -> list[dict[str, Any]]:
        told = []
        for masks, matches in zip(look.masks, found, strict=True):
            for match in matches:
                outcome = look.act(entry)
                if outcome["action"] == MASKED:
                    masks.append((match, f"{{{name}}}"))
                told.append({**shown, "match": match.text, **outcome})
        return told

    async def _ground(self, look: _Look, pieces: Sequence[Piece]) -> dict[str, Any]:
        answer = "\n".join(piece.text for piece in pieces if piece.guarded)
        source = "\n".join(piece.text for piece in pieces if "grounding_source" in piece.qualifiers)
        query = "\n".join(piece.text for piece in pieces if "query" in piece.qualifiers)
        told = []
        for entry in self._grounding:
            needed = source if entry["type"] == "GROUNDING" else query
            if not needed or not answer or not entry.get("enabled", True):
                continue
            score = await (meaning.grounding if entry["type"] == "GROUNDING" else meaning.relevance)(
                answer, needed, self._sense.embed)
            told.append({"type": entry["type"], "threshold": entry["threshold"], "score": round(score, 2),
                         **look.act(entry, score < entry["threshold"])})
        return {"filters": told} if told else {}

    def _usage(self, source: str, pieces: Sequence[Piece], characters: int) -> dict[str, int]:
        units = math.ceil(characters / UNIT_CHARACTERS)
        total = math.ceil(sum(len(piece.text) for piece in pieces) / UNIT_CHARACTERS)
        grounded = bool(self._grounding) and source == OUTPUT
        return {**dict.fromkeys(UNITS, 0), "topicPolicyUnits": units * bool(self._topics),
                "contentPolicyUnits": units * bool(self._filters),
                "wordPolicyUnits": units * bool(self._words or self._managed),
                "sensitiveInformationPolicyUnits": units * bool(self._entities),
                "sensitiveInformationPolicyFreeUnits": units * bool(self._regexes),
                "contextualGroundingPolicyUnits": total * grounded}


def masked(text: str, masks: Sequence[Mask], start: int = 0, stop: int | None = None) -> str:
    """Each match replaced by its name; of two that overlap the earlier, else the longer, wins. Only what lies between
    `start` and `stop`, at which no match may be under way."""
    parts, end, stop = [], start, len(text) if stop is None else stop
    for match, name in sorted(masks, key=lambda each: (each[0].start, -each[0].end)):
        if match.start >= end and match.end <= stop:
            parts += [text[end:match.start], name]
            end = match.end
        elif match.start < start < match.end:     # of which the beginning went out before it was one
            parts, end = [name], min(match.end, stop)
    return "".join([*parts, text[end:stop]])
