"""The policy of an upload by form: who signed it, and what it lets the form hold.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html, …/sigv4-HTTPPOSTForms.html;
messages and statuses as S3 answered them in LocalStack's snapshots (TestS3PresignedPost) and ceph/s3-tests
(test_post_object_*), and in issues of libraries that sign forms; where these are silent, versitygw's tests.
"""

import json
import re
from base64 import b64decode, b64encode
from calendar import timegm
from collections.abc import Mapping
from hmac import digest as hmac_digest
from time import strptime
from typing import Any, NamedTuple

from gateway.s3 import scopes
from gateway.s3.forms import FILE
from gateway.sigv2 import V2
from gateway.sigv4 import ALGORITHM, UNSIGNED_PAYLOAD, Claim, Reason, Refusal, Signer, same, signing_key, told_bytes
from schemas.errors import AwsError

SIZE_LIMIT_BYTES = 5 * 1024**3            # of a file, unless the policy has a lower one
# What signs a form, by version, in the order in which S3 looks for it and as it names it.
_V4_FIELDS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")
_V2_FIELDS = ("AWSAccessKeyId", "Signature")
# Fields that no condition needs to name. A checksum only says more of the same file: it is free too, other than at S3.
_FREE = frozenset({"awsaccesskeyid", "signature", "policy", FILE, "x-amz-signature"})
_FREE_PREFIXES = ("x-ignore-", "x-amz-checksum-")
_DATE = re.compile(r"\d{8}T\d{6}Z")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"$": "$", "v": "\\u000b"}     # AWS's own, beside JSON's


def claim_of(fields: Mapping[str, str]) -> Claim | None:
    """Who signed the policy; None: nobody, or there is none. InvalidArgument."""
    if "policy" not in fields:
        return None
    token = fields.get("x-amz-security-token", "")
    if any(name.lower() in fields for name in _V4_FIELDS):
        _check_fields(fields, _V4_FIELDS)
        return Claim(_signer(fields), (), fields["x-amz-signature"], fields["x-amz-date"], token, None, False,
                     UNSIGNED_PAYLOAD, form=True)
    if any(name.lower() in fields for name in _V2_FIELDS):
        _check_fields(fields, _V2_FIELDS)
        signer = Signer(fields["awsaccesskeyid"], "", "", "s3", V2)
        return Claim(signer, (), fields["signature"], "", token, None, False, UNSIGNED_PAYLOAD, form=True)
    return None


def _check_fields(fields: Mapping[str, str], names: tuple[str, ...]) -> None:
    for name in names:
        if name.lower() not in fields:
            raise missing(name)


def _signer(fields: Mapping[str, str]) -> Signer:
    algorithm, given, date = fields["x-amz-algorithm"], fields["x-amz-credential"], fields["x-amz-date"]
    credential = given.split("/")
    if algorithm != ALGORITHM:
        raise invalid(f"Only {ALGORITHM} is supported", "X-Amz-Algorithm", algorithm)
    fault = scopes.credential_fault(credential, ("s3",))
    if fault:
        raise invalid(fault, "X-Amz-Credential", given)
    if not _DATE.fullmatch(date):
        raise invalid("X-Amz-Date must be formated via ISO8601 Long format", "X-Amz-Date", date)
    key, day, region, service, _ = credential
    return Signer(key, day, region, service, "/".join(credential[1:]))


def verify(claim: Claim, secret: str | None, policy: str) -> None:
    """Of the policy's signature, as the policy was sent. Refusal."""
    if secret is None:
        return
    signer = claim.signer
    if signer.scope == V2:
        expected = b64encode(hmac_digest(secret.encode(), policy.encode(), "sha1")).decode()
    else:
        expected = signing_key(secret, signer.date, signer.region, signer.service).sign(policy)
    if not same(expected, claim.signature):
        raise Refusal(Reason.MISMATCH, AWSAccessKeyId=signer.access_key, StringToSign=policy,
                      SignatureProvided=claim.signature, StringToSignBytes=told_bytes(policy))


class Condition(NamedTuple):
    """`field` as it was written, `$` and all; values are case-sensitive, names are not."""

    kind: str                             # eq, starts-with
    field: str
    value: str

    @property
    def name(self) -> str:
        return self.field[1:].lower() if self.field.startswith("$") else ""

    def holds(self, fields: Mapping[str, str]) -> bool:
        actual = fields.get(self.name, "") if self.name else None
        if actual is None or self.kind == "eq":
            return actual == self.value
        values = actual.split(",") if self.name == "content-type" else [actual]
        return all(value.strip().startswith(self.value) for value in values)


class Policy:
    """What a form may hold. `least`, `most`: bytes of the file."""

    def __init__(self, text: str, now: float) -> None:
        """AwsError: it is none, or it has expired."""
        document = _document(text)
        conditions = document["conditions"]
        if _epoch_s(document["expiration"]) < now:
            raise denied("Policy expired.")
        self.least, self.most = 0, SIZE_LIMIT_BYTES
        self._conditions: list[Condition] = []
        for condition in conditions:
            if isinstance(condition, dict):
                self._conditions.append(_simple(condition))
            elif isinstance(condition, list):
                self._add(condition)
            else:
                raise malformed("Invalid condition test: must be a List or Object.")

    def _add(self, condition: list[Any]) -> None:
        if not condition:
            raise malformed("Invalid Condition: missing operation identifier.")
        kind = str(condition[0]).lower()
        if kind not in ("eq", "starts-with", "content-length-range"):
            raise malformed(f"Invalid Condition: unknown operation '{condition[0]}'.")
        if len(condition) != 3:
            raise malformed(f"Invalid {kind}: wrong number of arguments.")
        bounds = kind == "content-length-range"
        if not all(type(operand) is str or (bounds and type(operand) is int) for operand in condition[1:]):
            raise malformed("Invalid JSON.")
        if bounds:
            self._bound(condition)
        else:
            self._conditions.append(Condition(kind, condition[1], condition[2]))

    def _bound(self, condition: list[Any]) -> None:
        try:
            self.least, self.most = int(condition[1]), int(condition[2])
        except ValueError:
            raise _failed(condition) from None

    def check(self, fields: Mapping[str, str], sent: Mapping[str, str], bucket: str) -> None:
        """AccessDenied with the condition that failed, or the field that none names, of which the bucket is one too.
        `sent`: names as they came."""
        given = {**fields, "bucket": bucket}
        for condition in self._conditions:
            if not condition.holds(given):
                raise _failed(list(condition))
        named = {condition.name for condition in self._conditions} | _FREE
        for name in given:
            if name not in named and not name.startswith(_FREE_PREFIXES):
                raise denied(f"Extra input fields: {sent.get(name, name)}")

    def check_size(self, size: int, *, whole: bool) -> None:
        """EntityTooLarge, and of the whole file EntityTooSmall."""
        if size > self.most:
            raise AwsError("Your proposed upload exceeds the maximum allowed size", code="EntityTooLarge", status=400,
                           ProposedSize=str(size), MaxSizeAllowed=str(self.most))
        if whole and size < self.least:
            raise AwsError("Your proposed upload is smaller than the minimum allowed size", code="EntityTooSmall",
                           status=400, ProposedSize=str(size), MinSizeAllowed=str(self.least))


def _document(text: str) -> dict[str, Any]:
    """With its two members, `conditions` a list. InvalidPolicyDocument."""
    if not text:
        raise malformed("Expecting '{' but found End-of-Input")
    document = _json(text)
    if not isinstance(document, dict):
        raise malformed("Invalid JSON.")
    for member in document:
        if member.lower() not in ("expiration", "conditions"):
            raise malformed(f"Unexpected: '{member.lower()}'")
    for member in ("expiration", "conditions"):
        if member not in document:
            raise malformed(f"Policy missing {member}.")
    if not isinstance(document["expiration"], str):
        raise malformed("Invalid JSON.")
    if not isinstance(document["conditions"], list):
        raise malformed("Invalid 'conditions' value: must be a List.")
    return document


def _json(text: str) -> Any:
    """What the policy holds in Base64, as S3 reads it. InvalidPolicyDocument."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        raise malformed("invalid Base64 encoding.") from None
    try:
        escaped = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), raw.decode())
        return json.loads(escaped, parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError):
        raise malformed("Invalid JSON.") from None


def _no_float(text: str) -> Any:
    raise ValueError(f"{text}: S3 knows whole numbers only")


def _simple(condition: Mapping[str, Any]) -> Condition:
    if len(condition) != 1:
        raise malformed("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
    (name, value), = condition.items()
    if value is None:
        raise malformed("Invalid JSON.")
    if not isinstance(value, str):
        raise malformed("Invalid Simple-Condition: value must be a string.")
    return Condition("eq", f"${name}", value)


def _epoch_s(text: str) -> float:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return timegm(strptime(text, form))
        except ValueError:
            continue
    raise malformed(f"Invalid 'expiration' value: '{text}'")


# What S3 says


def missing(name: str) -> AwsError:
    return invalid(f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of "
                   "the fields.", name, "")


def invalid(message: str, name: str, value: str) -> AwsError:
    return AwsError(message, code="InvalidArgument", status=400, ArgumentName=name, ArgumentValue=value)


def denied(why: str) -> AwsError:
    return AwsError(f"Invalid according to Policy: {why}", code="AccessDenied", status=403)


def malformed(why: str) -> AwsError:
    return AwsError(f"Invalid Policy: {why}", code="InvalidPolicyDocument", status=400)


def _failed(condition: list[Any]) -> AwsError:
    return denied(f"Policy Condition failed: {json.dumps(condition, ensure_ascii=False)}")
