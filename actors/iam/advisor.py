"""The access advisor: which services, and which of their actions, were used last by whom a policy may let use them.

    account \0 advice \0 <job id>     {arn, actions, created, by}: a report that was asked for, at most REPORTS_LIMIT

What was used when stands in usage.py. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html and the pages of its operations.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actors.iam import documents, shapes, simulation, usage
from actors.iam.errors import NoSuchEntity
from actors.iam.paging import Answer, after, page
from actors.iam.state import GROUP, POLICY, ROLE, USER, Book, Record
from actors.runtime.context import Context
from actors.runtime.policy.grammar import StatementSource, Use, parse
from actors.runtime.policy.patterns import glob

REPORTS_LIMIT = 100                           # of an account; beyond it the oldest goes
# What is here, by the name and namespace that the service authorization reference has.
SERVICES = {
    "bedrock": "Amazon Bedrock", "cloudtrail": "AWS CloudTrail", "dynamodb": "Amazon DynamoDB",
    "iam": "AWS Identity and Access Management", "organizations": "AWS Organizations", "s3": "Amazon S3",
    "sts": "AWS Security Token Service",
}
_ACTION_LEVEL, _SERVICE_LEVEL = "ACTION_LEVEL", "SERVICE_LEVEL"
_DIGITS = 17                                  # of microseconds, for the order of entities, the latest first

Request = Mapping[str, Any]


def generate(book: Book, context: Context, request: Request) -> Answer:
    """GenerateServiceLastAccessedDetails."""
    arn = request["Arn"]
    _subject(book, arn)
    there = sorted((row["created"], job) for job, row in book.rows("advice"))
    for _, job in there[:max(0, len(there) - REPORTS_LIMIT + 1)]:
        book.drop("advice", job)
    job = str(uuid.uuid4())
    actions = request.get("Granularity") == _ACTION_LEVEL
    book.put({"arn": arn, "actions": actions, "created": context.now, "by": _asker(context)}, "advice", job)
    return {"JobId": job}


def details(book: Book, context: Context, request: Request) -> Answer:
    """GetServiceLastAccessedDetails: of every service that the policies let in, in order of namespace."""
    job = _job(book, context, request)
    subject = _subject(book, job["arn"])
    entities = list(_entities(book, subject, job["arn"]))
    texts = [text for _, text in _texts(book, subject)]
    granted = (namespace for namespace in SERVICES if grants(texts, namespace))
    rows = ((namespace, namespace) for namespace in sorted(granted) if namespace > after(request))
    level = _ACTION_LEVEL if job["actions"] else _SERVICE_LEVEL
    shown = page("ServicesLastAccessed", rows, request,
                 lambda namespace: _service(book, namespace, entities, context.now, actions=job["actions"]))
    return {**_completed(job), "JobType": level, **shown}


def entities(book: Book, context: Context, request: Request) -> Answer:
    """GetServiceLastAccessedDetailsWithEntities: the latest first."""
    job = _job(book, context, request)
    namespace = request["ServiceNamespace"]
    found = {}
    for entity in _entities(book, _subject(book, job["arn"]), job["arn"]):
        use = usage.of_namespace(book, entity, namespace, context.now)
        ago = 10**_DIGITS - 1 - int((use["at"] if use else 0.0) * 1_000_000)
        found[f"{ago:0{_DIGITS}}{entity['id']}"] = entity, use
    rows = ((key, found[key]) for key in sorted(found) if key > after(request))
    return {**_completed(job), **page("EntityDetailsList", rows, request, lambda row: _entity(book, *row))}


def policies(book: Book, request: Request) -> Answer:
    """ListPoliciesGrantingServiceAccess: a user's groups' policies are its own."""
    record = simulation.find_principal(book, request["Arn"])
    held = list(documents.held_by(book, record))
    rows = ((f"{number:04}", namespace) for number, namespace in enumerate(request["ServiceNamespaces"]))
    rest = (row for row in rows if row[0] > after(request))
    return page("PoliciesGrantingServiceAccess", rest, request, lambda namespace: {
        "ServiceNamespace": namespace,
        "Policies": [_policy(each) for each in held if grants([each.text], namespace.lower())]})


# Who and what a report is about

def _subject(book: Book, arn: str) -> Record:
    return documents.get_policy(book, arn) if ":policy/" in arn else simulation.find_principal(book, arn)


def _texts(book: Book, subject: Record) -> Iterable[documents.Text]:
    if subject["kind"] == POLICY:
        return [("", documents.default_document(book, subject))]
    return documents.texts_of(book, subject)


def _entities(book: Book, subject: Record, arn: str) -> Iterator[Record]:
    """The users and roles that have its policies, each once."""
    if subject["kind"] in (USER, ROLE):
        yield subject
    elif subject["kind"] == GROUP:
        yield from (book.by_id(user) for user, _ in book.rows("member", subject["id"]))
    else:
        holders = (book.by_id(holder) for holder, _ in book.rows("attached", arn))
        found = {each["id"]: each for holder in holders for each in _entities(book, holder, arn)}
        yield from found.values()


def _policy(held: documents.Held) -> Answer:
    if held.managed:
        return {"PolicyName": held.name.rpartition("/")[2], "PolicyType": "MANAGED", "PolicyArn": held.name}
    return {"PolicyName": held.name, "PolicyType": "INLINE", "EntityType": held.holder["kind"].upper(),
            "EntityName": held.holder["name"]}


# Jobs

def _asker(context: Context) -> str:
    """The user, or the role of whichever session: a report is for who asked for it."""
    return str(context.principal.record.get("source") or context.principal.arn)


def _job(book: Book, context: Context, request: Request) -> Record:
    job = book.row("advice", request["JobId"])
    if job is None or job["by"] != _asker(context):
        raise NoSuchEntity(f"Job {request['JobId']} cannot be found.")
    return job


def _completed(job: Record) -> Answer:
    created = shapes.moment(job["created"])
    return {"JobStatus": "COMPLETED", "JobCreationDate": created, "JobCompletionDate": created}


# What they show

def _service(book: Book, namespace: str, entities: list[Record], now: float, *, actions: bool) -> Answer:
    uses = [(use, entity) for entity in entities
            if (use := usage.of_namespace(book, entity, namespace, now)) is not None]
    shown: Answer = {"ServiceName": SERVICES[namespace], "ServiceNamespace": namespace,
                     "TotalAuthenticatedEntities": len(uses)}
    if uses:
        use, entity = max(uses, key=lambda each: float(each[0]["at"]))
        shown |= {"LastAuthenticated": shapes.moment(use["at"]), "LastAuthenticatedEntity": book.arn(entity),
                  "LastAuthenticatedRegion": use["region"]}
    if actions:
        shown["TrackedActionsLastAccessed"] = _actions(book, namespace, entities, now)
    return shown


def _actions(book: Book, namespace: str, entities: list[Record], now: float) -> list[Answer]:
    latest: dict[str, tuple[Record, Record]] = {}
    for entity in entities:
        for action, use in usage.of_actions(book, entity, namespace, now):
            if action not in latest or latest[action][0]["at"] < use["at"]:
                latest[action] = use, entity
    return [{"ActionName": action, "LastAccessedEntity": book.arn(entity), "LastAccessedTime": shapes.moment(use["at"]),
             "LastAccessedRegion": use["region"]} for action, (use, entity) in sorted(latest.items())]


def _entity(book: Book, record: Record, use: Record | None) -> Answer:
    info = {"Arn": book.arn(record), "Name": record["name"], "Type": record["kind"].upper(), "Id": record["id"],
            "Path": record["path"]}
    return {"EntityInfo": info, **({"LastAuthenticated": shapes.moment(use["at"])} if use else {})}


# Which services a policy lets use

def grants(texts: Iterable[str], namespace: str) -> bool:
    """Does some statement allow some action of the service, and none deny all of them?"""
    statements = [statement for text in texts for statement in parse(text, Use.IDENTITY)[1]]
    return any(each.allow and _names(each, namespace) for each in statements) and not any(
        not each.allow and _covers(each, namespace) and not each.conditions and "*" in each.resources
        and not each.not_resource for each in statements)


def _names(statement: StatementSource, namespace: str) -> bool:
    """Some action of the service."""
    if statement.not_action:
        return not any(_is_of(action, namespace) and _is_all(action) for action in statement.actions)
    return any(_is_of(action, namespace) for action in statement.actions)


def _covers(statement: StatementSource, namespace: str) -> bool:
    """All of its actions."""
    if statement.not_action:
        return not any(_is_of(action, namespace) for action in statement.actions)
    return any(_is_of(action, namespace) and _is_all(action) for action in statement.actions)


def _is_of(action: str, namespace: str) -> bool:
    return action == "*" or glob(action.partition(":")[0].lower())(namespace, {})


def _is_all(action: str) -> bool:
    return action == "*" or action.endswith(":*")
