"""What a caller narrows or marks a session with: policies, ARNs of managed ones, tags, and how much of it there may be.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html,
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

from collections.abc import Mapping
from typing import Any

from actors.iam import documents
from actors.iam.state import Book
from actors.runtime.policy import MalformedPolicy, compile_document
from actors.sts.errors import InvalidParameterValue, MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError

POLICY_LIMIT_CHARACTERS = 2048
ARNS_LIMIT = 10
PACKED_LIMIT_CHARACTERS = 4096                # what of policy, ARNs and tags is 100 % of PackedPolicySize

Request = Mapping[str, Any]
Members = dict[str, Any]


def policies(book: Book, request: Request) -> Members:
    """{policies, arns} of a session's record. MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError."""
    text = request.get("Policy")
    arns = [each["arn"] for each in request.get("PolicyArns") or () if each.get("arn")]
    if text is not None:
        if len(text) > POLICY_LIMIT_CHARACTERS:
            raise PackedPolicyTooLarge(f"The session policy exceeds {POLICY_LIMIT_CHARACTERS} characters.")
        try:
            compile_document(text)
        except MalformedPolicy as error:
            raise MalformedPolicyDocument(str(error)) from error
    if len(arns) > ARNS_LIMIT:
        raise ValidationError(f"The number of managed policy ARNs exceeds the limit of {ARNS_LIMIT}")
    for arn in arns:
        if documents.find_policy(book, arn) is None:
            raise MalformedPolicyDocument(f"Policy {arn} does not exist or is not attachable.")
    return {"policies": None if text is None else [["session", text]], "arns": arns}


def tags(request: Request, inherited: Mapping[str, str] | None = None) -> Members:
    """{tags, transitive}: the caller's own, under those that its session hands on."""
    kept = dict(inherited or {})
    made: dict[str, str] = {}
    for tag in request.get("Tags") or ():
        if tag["Key"].lower() in {key.lower() for key in made}:
            raise InvalidParameterValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        made[tag["Key"]] = tag["Value"]
    transitive = list(request.get("TransitiveTagKeys") or ())
    if {key.lower() for key in transitive} - {key.lower() for key in made}:
        raise InvalidParameterValue("The specified transitive tag key must be included in the requested tags.")
    if {key.lower() for key in made} & {key.lower() for key in kept}:
        raise InvalidParameterValue("One of the specified transitive tag keys can't be set because it conflicts with a "
                                    "transitive tag key from the calling session.")
    return {"tags": {**made, **kept}, "transitive": [*kept, *transitive]}


def packed_size(request: Request, session: Members) -> Members:
    """{PackedPolicySize} in per cent, where anything was passed. PackedPolicyTooLarge."""
    if not (request.get("Policy") or session["arns"] or session["tags"]):
        return {}
    size = len(request.get("Policy") or "") + sum(map(len, session["arns"]))
    size += sum(len(key) + len(value) for key, value in session["tags"].items())
    percent = max(1, size * 100 // PACKED_LIMIT_CHARACTERS)
    if percent > 100:
        raise PackedPolicyTooLarge("Packed size of session tags and session policy exceeds the limit.")
    return {"PackedPolicySize": percent}
