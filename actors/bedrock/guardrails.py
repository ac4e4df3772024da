"""Guardrails: a working DRAFT and numbered versions of it, which never change.

A record's `shown` is the draft as GetGuardrail shows it; a version is a copy under its number. What a policy is
configured with is what it shows, under other names (`_SHOWN`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.bedrock import tagging
from actors.bedrock.engine.expressions import Unsuitable, compiled
from actors.bedrock.errors import ResourceNotFoundException, ServiceQuotaExceededException
from actors.bedrock.paging import page
from actors.bedrock.state import GUARDRAIL, Book, Record, moment
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from schemas.errors import ValidationException

DRAFT = "DRAFT"
VERSIONS_LIMIT = 20                       # https://docs.aws.amazon.com/general/latest/gr/bedrock.html
WORD_LIMIT_WORDS = 3
THRESHOLD_LIMIT = 0.99

# policy's configuration -> policy as shown, with its members' names
_SHOWN: dict[str, tuple[str, dict[str, str]]] = {
    "topicPolicyConfig": ("topicPolicy", {"topicsConfig": "topics", "tierConfig": "tier"}),
    "contentPolicyConfig": ("contentPolicy", {"filtersConfig": "filters", "tierConfig": "tier"}),
    "wordPolicyConfig": ("wordPolicy", {"wordsConfig": "words", "managedWordListsConfig": "managedWordLists"}),
    "sensitiveInformationPolicyConfig": (
        "sensitiveInformationPolicy", {"piiEntitiesConfig": "piiEntities", "regexesConfig": "regexes"}),
    "contextualGroundingPolicyConfig": (
        "contextualGroundingPolicy", {"filtersConfig": "filters", "tierConfig": "tier"}),
}
POLICIES = tuple(policy for policy, _ in _SHOWN.values())
_KEPT = ("name", "description", "blockedInputMessaging", "blockedOutputsMessaging")
_TIMES = ("createdAt", "updatedAt")
_MISSING = "The guardrail with the identifier {} could not be found."

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        shown = _configured(request)
        record = book.create(
            GUARDRAIL, request["name"], {}, f"Another guardrail with the name {request['name']} already exists.",
            versions=0)
        record["tags"] = tagging.as_map(request.get("tags"))
        record["shown"] = {**shown, "guardrailId": record["id"], "guardrailArn": record["arn"], "version": DRAFT,
                           "status": "READY", "createdAt": record["created"], "updatedAt": record["created"]}
        book.save(record)
        return {"guardrailId": record["id"], "guardrailArn": record["arn"], "version": DRAFT,
                "createdAt": moment(record["created"])}

    return once(book, context, request, made)


def update(book: Book, request: Request) -> Answer:
    """The draft becomes what the request says, all of it: a policy that is left out is gone."""
    record = book.get(GUARDRAIL, request["guardrailIdentifier"], _MISSING)
    shown = _configured(request)
    book.rename(record, request["name"], f"Another guardrail with the name {request['name']} already exists.")
    kept = {name: record["shown"][name] for name in ("guardrailId", "guardrailArn", "version", "status", "createdAt")}
    record["shown"] = {**shown, **kept, "updatedAt": book.now()}
    book.save(record)
    return {"guardrailId": record["id"], "guardrailArn": record["arn"], "version": DRAFT,
            "updatedAt": moment(record["shown"]["updatedAt"])}


def create_version(book: Book, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        record = book.get(GUARDRAIL, request["guardrailIdentifier"], _MISSING)
        if sum(1 for _ in book.rows("version", record["id"])) >= VERSIONS_LIMIT:
            raise ServiceQuotaExceededException(
                f"The guardrail {record['id']} has reached the limit of {VERSIONS_LIMIT} versions.")
        record["versions"] += 1
        number = record["versions"]
        shown = {**record["shown"], "version": str(number), "createdAt": book.now(), "updatedAt": book.now()}
        if request.get("description"):
            shown["description"] = request["description"]
        book.put({"shown": shown, "id": f"{number:08}", "name": record["name"], "created": book.now()},
                 "version", record["id"], f"{number:08}")
        book.save(record)
        return {"guardrailId": record["id"], "version": str(number)}

    return once(book, context, request, made)


def get(book: Book, request: Request) -> Answer:
    shown = find(book, request["guardrailIdentifier"], request.get("guardrailVersion") or DRAFT)
    if shown is None:
        raise ResourceNotFoundException(_MISSING.format(_told(request)))
    return {**shown, **{name: moment(shown[name]) for name in _TIMES}}


def find(book: Book, identifier: str, version: str) -> Record | None:
    """A guardrail in that version, as GetGuardrail shows it but for its times; None where there is none."""
    record = book.find(GUARDRAIL, identifier) if identifier.startswith("arn:") else book.row(GUARDRAIL, identifier)
    if record is None or version == DRAFT:
        return None if record is None else record["shown"]
    row = book.row("version", record["id"], version.zfill(8))
    return None if row is None else row["shown"]


def listed(book: Book, request: Request) -> Answer:
    """The drafts of all guardrails, or, where one is named, all its versions."""
    if not request.get("guardrailIdentifier"):
        return page("guardrails", book.rows(GUARDRAIL), request, _summary)
    record = book.get(GUARDRAIL, request["guardrailIdentifier"], _MISSING)
    return page("guardrails", _versions(book, record), request, _summary)


def _versions(book: Book, record: Record) -> Iterator[Record]:
    yield record
    yield from book.rows("version", record["id"])


def _summary(record: Record) -> Answer:
    shown = record["shown"]
    told = {"id": shown["guardrailId"], "arn": shown["guardrailArn"], "status": shown["status"], "name": shown["name"],
            "version": shown["version"], **{name: moment(shown[name]) for name in _TIMES}}
    return {**told, "description": shown["description"]} if "description" in shown else told


def delete(book: Book, request: Request) -> Answer:
    """One version; without a version the guardrail and all of them."""
    record = book.get(GUARDRAIL, request["guardrailIdentifier"], _MISSING)
    version = request.get("guardrailVersion")
    if version:
        if book.row("version", record["id"], version.zfill(8)) is None:
            raise ResourceNotFoundException(_MISSING.format(_told(request)))
        book.drop("version", record["id"], version.zfill(8))
        return {}
    for row in list(book.rows("version", record["id"])):
        book.drop("version", record["id"], row["id"])
    book.remove(record)
    return {}


def _told(request: Request) -> str:
    version = request.get("guardrailVersion")
    return f"{request['guardrailIdentifier']} and version {version}" if version else str(request["guardrailIdentifier"])


# What a request configures

def _configured(request: Request) -> Answer:
    """As GetGuardrail shows it. ValidationException."""
    if request.get("automatedReasoningPolicyConfig"):
        raise ValidationException("Skybus does not evaluate automated reasoning policies.")
    if not any(request.get(config) for config in _SHOWN):
        raise ValidationException("The guardrail must have at least one policy configured.")
    shown = {member: request[member] for member in _KEPT if request.get(member)}
    if request.get("kmsKeyId"):
        shown["kmsKeyArn"] = request["kmsKeyId"]
    for config, (policy, names) in _SHOWN.items():
        given = request.get(config)
        if given:
            shown[policy] = {names[member]: value for member, value in given.items()}
    _check(shown)
    return shown


def _check(shown: Answer) -> None:
    topics = [topic["name"] for topic in shown.get("topicPolicy", {}).get("topics", ())]
    _refuse_repeated(topics, "topic name")
    filters = shown.get("contentPolicy", {}).get("filters", ())
    _refuse_repeated([each["type"] for each in filters], "content filter type")
    for each in filters:
        if each["type"] == "PROMPT_ATTACK" and each["outputStrength"] != "NONE":
            raise ValidationException("The PROMPT_ATTACK content filter strength for response must be NONE.")
    for word in shown.get("wordPolicy", {}).get("words", ()):
        if len(word["text"].split()) > WORD_LIMIT_WORDS:
            raise ValidationException(f"A word may have at most {WORD_LIMIT_WORDS} words: {word['text']}")
    sensitive = shown.get("sensitiveInformationPolicy", {})
    _refuse_repeated([each["type"] for each in sensitive.get("piiEntities", ())], "PII entity type")
    _refuse_repeated([each["name"] for each in sensitive.get("regexes", ())], "regex name")
    for each in sensitive.get("regexes", ()):
        try:
            compiled(each["pattern"])
        except Unsuitable as error:
            raise ValidationException(f"The regex pattern of {each['name']} is invalid: {error}.") from error
    for each in shown.get("contextualGroundingPolicy", {}).get("filters", ()):
        if each["threshold"] > THRESHOLD_LIMIT:
            raise ValidationException(
                f"The contextual grounding threshold must be between 0 and {THRESHOLD_LIMIT}, got {each['threshold']}.")


def _refuse_repeated(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValidationException(f"Duplicate {what} found: {name}")
