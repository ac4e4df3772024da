"""Cache points: how much of a request stands before the last of them.

Every prefix is cached where the engine can, marked or not; the points decide what is told as read from the cache and
written to it. The order is AWS's: tools, system prompts, messages.
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from collections.abc import Sequence
from dataclasses import replace

from actors.bedrock_runtime.asking import Ask, Block, Message
from schemas.errors import ValidationException

POINTS_MAX = 4
TTL = "5m"                                # where a point names none
_NOTHING: Message = {"role": "user", "content": [{"text": "x"}]}


def prefix_of(ask: Ask) -> tuple[Ask, str] | None:
    """What stands before the last point, and how long that is kept; None without a point. ValidationException."""
    points = [block["cachePoint"] for block in _all(ask) if "cachePoint" in block]
    if len(points) > POINTS_MAX:
        raise ValidationException(f"The request has {len(points)} cache points; at most {POINTS_MAX} are supported.")
    if not points:
        return None
    ttl = str(points[-1].get("ttl") or TTL)
    for place in range(len(ask.messages) - 1, -1, -1):
        before = _before(ask.messages[place]["content"])
        if before is not None:
            last = {**ask.messages[place], "content": before}
            return replace(ask, messages=[*ask.messages[:place], *([last] if before else [])]), ttl
    return replace(ask, messages=[], system=_before(ask.system) or []), ttl


def counted(prefix: Ask) -> list[Ask]:
    """What is to be counted: templates want a user's turn, so without one it is the difference to that turn alone."""
    if prefix.messages:
        return [prefix]
    return [replace(prefix, messages=[_NOTHING]), Ask([_NOTHING])]


def _all(ask: Ask) -> list[Block]:
    return [*ask.tools, *ask.system, *(block for message in ask.messages for block in message["content"])]


def _before(blocks: Sequence[Block]) -> list[Block] | None:
    """Those before the last point; None: there is none."""
    for place in range(len(blocks) - 1, -1, -1):
        if "cachePoint" in blocks[place]:
            return list(blocks[:place])
    return None
