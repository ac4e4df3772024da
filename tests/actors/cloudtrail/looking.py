"""What CloudTrail knows, asked until it is there: events arrive a moment after the answer to their call."""

import asyncio
import json
from typing import Any

from tests.actors.sts.skies import Who

ATTEMPTS = 200
WAIT_S = 0.1


async def lookup(who: Who, at_least: int = 1, **attributes: str) -> list[dict[str, Any]]:
    """The events, oldest first, with the CloudTrailEvent parsed, once there are `at_least` so many."""
    request = [{"AttributeKey": key, "AttributeValue": value} for key, value in attributes.items()]
    for _ in range(ATTEMPTS):
        answer = await who.call("cloudtrail", "LookupEvents", LookupAttributes=request)
        if len(answer["Events"]) >= at_least:
            return [json.loads(each["CloudTrailEvent"]) for each in reversed(answer["Events"])]
        await asyncio.sleep(WAIT_S)
    raise AssertionError(f"{attributes} found {len(answer['Events'])} of {at_least}")
