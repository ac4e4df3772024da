"""Transactions over tables of several shards, as whoever received one coordinates them: two phases, DESIGN.md.

    PrepareTransaction ─► every shard with an item of it: evaluated, locked, kept as an intent
    Decide ─────────────► the shard of its first table in order: from this commit on it has happened
    Settle ─────────────► the others: the rows are put, the locks go; then the caller is answered

The coordinator holds nothing that others wait for: when it dies, intents ask the shard that decides.
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actors.dynamodb.errors import TransactionCanceledException, TransactionConflictException
from actors.dynamodb.transactions import CONFLICT, NONE, TWICE, check_payload
from actors.runtime.parts import Answer, Parts
from schemas.errors import AwsError

READ_ROUNDS = 3                           # of which two, one after the other, must have read the same

_EARLY = frozenset({"ResourceNotFound"})            # of statements: other requests are refused whole for it
_EARLY_OF_SELECTS = _EARLY | {"ValidationError"}

Request = Mapping[str, Any]
Outcome = Answer | BaseException
Places = dict[int, list[int]]             # by shard: the positions of its actions


def places_of(parts: Parts, names: Sequence[str | None]) -> Places:
    """`names`: each action's table; None, where it names none, is any shard's to refuse."""
    places: Places = {}
    for at, name in enumerate(names):
        places.setdefault(0 if name is None else parts.of(name), []).append(at)
    return places


def _split(request: Request, member: str, places: Places, **more: Any) -> dict[int, Answer]:
    asked = {name: value for name, value in request.items() if name != "ClientRequestToken"}
    return {shard: {**asked, member: [request[member][at] for at in found], "Transaction": {**more, "Positions": found}}
            for shard, found in places.items()}


async def write(parts: Parts, request: Request, member: str, names: Sequence[str | None], prepare: str) -> Answer:
    """TransactWriteItems, or ExecuteTransaction of writes: `prepare` names its first phase."""
    places, token = places_of(parts, names), request.get("ClientRequestToken")
    if len(places) < 2:
        return await parts.ask(min(places, default=0), request)
    identity, decider = secrets.token_hex(16), parts.of(min(name for name in names if name is not None))
    if token is not None:
        again = {"Token": token, "Content": request[member]}
        if (await parts.step(decider, "IsRepeated", again))["Repeated"]:
            return {}
    split = _split(request, member, places, Id=identity, Decider=decider)
    prepared = await parts.ask_each(split.items(), prepare)
    try:
        answers = _all_or_none(prepared, places, len(names))
        check_payload(sum(answer["Size"] for answer in answers))
    except BaseException:
        await _settle(parts, places, identity, commit=False)      # who does not hear of it asks
        raise
    content = None if token is None else request[member]
    try:
        await parts.step(decider, "Decide", {
            "Id": identity, "Shards": list(places), "Token": token, "Content": content})
    except AwsError as error:             # so late that its intents were given up
        if error.error_code != TransactionConflictException.code:
            raise
        raise TransactionCanceledException([CONFLICT] * len(names)) from error
    settled = await _settle(parts, [shard for shard in places if shard != decider], identity, commit=True)
    for each in settled:
        if isinstance(each, BaseException):          # it has happened, and cannot be seen everywhere yet
            raise each
    return _told(answer["Told"] for answer in answers)


async def _settle(parts: Parts, shards: Iterable[int], identity: str, *, commit: bool) -> list[Outcome]:
    asked = (parts.step(shard, "Settle", {"Id": identity, "Commit": commit}) for shard in shards)
    return await asyncio.gather(*asked, return_exceptions=True)


def _all_or_none(
    outcomes: Sequence[Outcome], places: Places, count: int, early: frozenset[str] = _EARLY
) -> list[Answer]:
    """The answers of all parts. What one was refused for: of reasons to cancel, all, each where its action stands.
    `early`: codes of reasons that one shard would find before an item that is named twice."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    whole = sorted((error for error in errors if not _cancels(error)), key=_names_twice)
    if whole and not _names_twice(whole[0]):
        raise whole[0]
    if not errors:
        return [outcome for outcome in outcomes if isinstance(outcome, dict)]
    reasons: list[Any] = [NONE] * count
    for found, outcome in zip(places.values(), outcomes, strict=True):
        if isinstance(outcome, AwsError) and _cancels(outcome):
            for at, reason in zip(found, outcome.fields["CancellationReasons"], strict=True):
                reasons[at] = reason
    if whole and early.isdisjoint(reason["Code"] for reason in reasons):
        raise whole[0]
    raise TransactionCanceledException(reasons)


def _cancels(error: BaseException) -> bool:
    return isinstance(error, AwsError) and error.error_code == TransactionCanceledException.code


def _names_twice(error: BaseException) -> bool:
    return isinstance(error, AwsError) and error.message == TWICE


def _told(parts_told: Iterable[Answer]) -> Answer:
    told: Answer = {}
    for each in parts_told:
        told.setdefault("ConsumedCapacity", []).extend(each.get("ConsumedCapacity", ()))
        told.setdefault("ItemCollectionMetrics", {}).update(each.get("ItemCollectionMetrics", {}))
    return {member: value for member, value in told.items() if value}


async def read(parts: Parts, request: Request, member: str, names: Sequence[str | None]) -> Answer:
    """TransactGetItems, or ExecuteTransaction of reads. What two rounds read alike stood there between them."""
    places = places_of(parts, names)
    if len(places) < 2:
        return await parts.ask(min(places, default=0), request)
    split = _split(request, member, places)
    early = _EARLY if member == "TransactItems" else _EARLY_OF_SELECTS
    before: list[Any] = []
    for _ in range(READ_ROUNDS):
        answers = _all_or_none(await parts.ask_each(split.items()), places, len(names), early)
        found = _joined(answers, places, len(names))
        if found == before:
            return {"Responses": found, **_told(answers)}
        changed = [old != new for old, new in zip(before, found, strict=False)]
        before = found
    raise TransactionCanceledException([CONFLICT if each else NONE for each in changed])


def _joined(answers: Sequence[Answer], places: Places, count: int) -> list[Any]:
    found: list[Any] = [None] * count
    for positions, answer in zip(places.values(), answers, strict=True):
        for at, response in zip(positions, answer["Responses"], strict=True):
            found[at] = response
    return found


def tables_of(actions: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Of TransactItems: each action's table."""
    return [next((each["TableName"] for each in action.values() if each), None) for action in actions]
