"""What is judged by how near texts are to each other: denied topics, and answers that keep to their sources."""

from collections.abc import Sequence
from typing import NamedTuple

from actors.bedrock.engine.texts import Embed, Vector, cosine, lexical, sentences

TOPIC_THRESHOLD = 0.35                    # of a sentence to an example, or to the definition, by their words
SENTENCES_LIMIT = 512                     # of one text; what is beyond is not looked at


class Sense(NamedTuple):
    """How texts become vectors, and how near two of them must be to be about the same."""

    embed: Embed = lexical
    topic_threshold: float = TOPIC_THRESHOLD


class Topic(NamedTuple):
    name: str
    definition: str
    examples: tuple[str, ...]


async def topics_of(text: str, topics: Sequence[Topic], sense: Sense) -> set[str]:
    """The names of the topics the text, or one of its sentences, is about."""
    spoken = [text, *sentences(text)[:SENTENCES_LIMIT]]
    references = [reference for topic in topics for reference in (topic.definition, *topic.examples)]
    vectors = await sense.embed([*spoken, *references])
    of_text, of_references = vectors[:len(spoken)], iter(vectors[len(spoken):])
    found = set()
    for topic in topics:
        near = [next(of_references) for _ in range(1 + len(topic.examples))]
        if any(cosine(one, other) >= sense.topic_threshold for one in of_text for other in near):
            found.add(topic.name)
    return found


async def grounding(answer: str, source: str, embed: Embed) -> float:
    """0 to 1: how far each sentence of the answer is found in the source, on average."""
    claims, facts = sentences(answer)[:SENTENCES_LIMIT], sentences(source)[:SENTENCES_LIMIT]
    if not claims or not facts:
        return 0.0
    vectors = await embed([*claims, *facts, source])
    of_claims, of_facts = vectors[:len(claims)], vectors[len(claims):]
    return sum(max(_covered(claim, fact) for fact in of_facts) for claim in of_claims) / len(of_claims)


async def relevance(answer: str, query: str, embed: Embed) -> float:
    """0 to 1: how much of what was asked the answer speaks of."""
    asked, answered = await embed([query, answer])
    return _covered(asked, answered)


def _covered(part: Vector, whole: Vector) -> float:
    """How much of `part` is in `whole`: by weight where features are words, by cosine where they are dimensions."""
    if any(isinstance(feature, int) for feature in part):
        return cosine(part, whole)
    total = sum(weight for feature, weight in part.items() if " " not in str(feature))
    held = sum(weight for feature, weight in part.items() if " " not in str(feature) and feature in whole)
    return held / total if total else 0.0
