"""S3's POST uploads from HTML forms: who signed the policy, whether the form keeps to it, and what PUT it stands for.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html, …/sigv4-HTTPPOSTConstructPolicy.html;
the messages are those that ceph/s3-tests and LocalStack's snapshots hold.
"""

import json
from base64 import b64decode, b64encode
from calendar import timegm
from collections.abc import Mapping
from hmac import digest as hmac_digest
from time import strptime
from typing import Any
from urllib.parse import quote

from gateway.forms import FILE, FormDecoder
from gateway.protocols.wire import HttpRequest
from gateway.protocols.xml_shapes import escape, local_name, parse_xml
from gateway.sigv2 import V2
from gateway.sigv4 import ALGORITHM, UNSIGNED_PAYLOAD, Claim, Reason, Refusal, Signer, same, signing_key
from schemas.errors import AwsError

# Fields that are headers of the PUT under the same name.
_HEADERS = frozenset({"cache-control", "content-type", "content-disposition", "content-encoding", "expires"})
_RENAMED = {"acl": "x-amz-acl"}
# Fields that no policy needs to name.
_FREE = frozenset({
    "awsaccesskeyid", "signature", "policy", FILE, "x-amz-signature", "x-amz-algorithm", "x-amz-credential",
    "x-amz-date", "x-amz-security-token",
})


def claim_of(fields: Mapping[str, str]) -> Claim | None:
    """Who signed the policy; None: there is none, and nobody asks. Refusal, AwsError."""
    if "policy" not in fields:
        return None
    token = fields.get("x-amz-security-token", "")
    if "x-amz-signature" in fields or "x-amz-algorithm" in fields:
        credential = fields.get("x-amz-credential", "").split("/")
        if fields.get("x-amz-algorithm") != ALGORITHM or len(credential) != 5:
            raise Refusal(Reason.QUERY_PARAMETERS, "The form's x-amz-algorithm or x-amz-credential is not valid.")
        key, date, region, service, _ = credential
        signer = Signer(key, date, region, service, "/".join(credential[1:]))
        return Claim(signer, (), fields.get("x-amz-signature", ""), fields.get("x-amz-date", ""), token, None, False,
                     UNSIGNED_PAYLOAD)
    if "awsaccesskeyid" in fields and "signature" in fields:
        signer = Signer(fields["awsaccesskeyid"], "", "", "s3", V2)
        return Claim(signer, (), fields["signature"], "", token, None, False, UNSIGNED_PAYLOAD)
    missing = "AWSAccessKeyId" if "awsaccesskeyid" not in fields else "Signature"
    raise _missing(missing)


def verify(claim: Claim, secret: str | None, policy: str) -> None:
    """Of the policy's signature. Refusal."""
    if secret is None:
        return
    signer = claim.signer
    if signer.scope == V2:
        expected = b64encode(hmac_digest(secret.encode(), policy.encode(), "sha1")).decode()
    else:
        expected = signing_key(secret, signer.date, signer.region, signer.service).sign(policy)
    if not same(expected, claim.signature):
        raise Refusal(Reason.MISMATCH, AWSAccessKeyId=signer.access_key, SignatureProvided=claim.signature,
                      StringToSign=policy)


class Policy:
    """What a form may hold. `least`, `most`: bytes of the file."""

    def __init__(self, text: str, now: float) -> None:
        """AwsError: it is none, or it has expired."""
        try:
            document = json.loads(b64decode(text, validate=True))
        except ValueError:
            raise _invalid("Invalid JSON.") from None
        if not isinstance(document, dict) or "expiration" not in document:
            raise _invalid("Policy missing expiration.")
        conditions = document.get("conditions")
        if not isinstance(conditions, list):
            raise _invalid("Policy missing conditions.")
        if _epoch_s(document["expiration"]) < now:
            raise denied("Policy expired.")
        self.least, self.most = 0, 5 * 1024**3
        self._conditions: list[tuple[str, str, str, Any]] = []     # kind, field, value, as written
        for condition in conditions:
            self._add(condition)

    def _add(self, condition: Any) -> None:
        if isinstance(condition, dict) and condition:
            for name, value in condition.items():
                self._conditions.append(("eq", str(name).lower(), str(value), {name: value}))
            return
        if not isinstance(condition, list) or len(condition) != 3:
            raise _invalid("Invalid Condition.")
        kind, name, value = condition
        kind = str(kind).lower()
        if kind == "content-length-range":
            try:
                self.least, self.most = int(name), int(value)
            except (TypeError, ValueError):
                raise _invalid("Invalid content-length-range.") from None
            return
        if kind not in ("eq", "starts-with") or not str(name).startswith("$"):
            raise _invalid("Invalid Condition.")
        self._conditions.append((kind, str(name)[1:].lower(), str(value), condition))

    def check(self, fields: Mapping[str, str], bucket: str) -> None:
        """AccessDenied with the condition that failed, or the field that none names."""
        given = {**fields, "bucket": bucket}
        named = set()
        for kind, name, value, written in self._conditions:
            named.add(name)
            actual = given.get(name, "")
            parts = actual.split(",") if name == "content-type" and kind == "starts-with" else [actual]
            held = actual == value if kind == "eq" else all(part.strip().startswith(value) for part in parts)
            if not held:
                raise denied(f"Policy Condition failed: {json.dumps(written)}")
        extra = sorted(name for name in fields
                       if name not in named and name not in _FREE and not name.startswith("x-ignore-"))
        if extra:
            raise denied(f"Extra input fields: {extra[0]}")

    def check_size(self, size: int, *, whole: bool) -> None:
        """EntityTooLarge, and of the whole file EntityTooSmall."""
        if size > self.most:
            raise AwsError("Your proposed upload exceeds the maximum allowed size", code="EntityTooLarge", status=400,
                           ProposedSize=str(size), MaxSizeAllowed=str(self.most))
        if whole and size < self.least:
            raise AwsError("Your proposed upload is smaller than the minimum allowed size", code="EntityTooSmall",
                           status=400, ProposedSize=str(size), MinSizeAllowed=str(self.least))


def put_of(path: str, form: FormDecoder) -> HttpRequest:
    """The PUT that a form to `/bucket` stands for. InvalidArgument without a key."""
    fields = form.fields
    key = fields.get("key", "").replace("${filename}", form.file_name)
    if not key:
        raise _missing("key")
    headers = {name: value for name, value in fields.items()
               if name in _HEADERS or (name.startswith("x-amz-") and name not in _FREE)}
    headers |= {header: fields[name] for name, header in _RENAMED.items() if name in fields}
    if "tagging" in fields:
        headers["x-amz-tagging"] = _tags(fields["tagging"])
    if "content-type" not in headers and form.file_type:
        headers["content-type"] = form.file_type
    return HttpRequest("PUT", f"{path.rstrip('/')}/{quote(key)}", "", headers, None)


def _tags(text: str) -> str:
    """The form's XML as the header has it. MalformedXML."""
    try:
        root = parse_xml(text.encode())
    except AwsError as error:
        raise AwsError("The XML you provided was not well-formed or did not validate against our published schema",
                       code="MalformedXML", status=400) from error
    pairs = [{local_name(child.tag): child.text or "" for child in tag}
             for tag in root.iter() if local_name(tag.tag) == "Tag"]
    return "&".join(f"{quote(pair.get('Key', ''))}={quote(pair.get('Value', ''))}" for pair in pairs)


def answer(
    fields: Mapping[str, str], location: str, bucket: str, key: str, etag: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body that the form asked for."""
    headers = {"Location": location, "ETag": etag}
    redirect = fields.get("success_action_redirect") or fields.get("redirect", "")
    if redirect.startswith(("http://", "https://")) and redirect.isprintable():
        join = "&" if "?" in redirect else "?"
        headers["Location"] = f"{redirect}{join}bucket={quote(bucket)}&key={quote(key, safe='')}&etag={quote(etag)}"
        return 303, headers, b""
    status = fields.get("success_action_status", "")
    if status == "201":
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>{escape(location)}</Location>'
                f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key><ETag>{escape(etag)}</ETag></PostResponse>")
        return 201, {**headers, "content-type": "application/xml"}, body.encode()
    return (200 if status == "200" else 204), headers, b""


def _missing(name: str) -> AwsError:
    return AwsError(f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of "
                    "the fields.", code="InvalidArgument", status=400, ArgumentName=name, ArgumentValue="")


def denied(why: str) -> AwsError:
    return AwsError(f"Invalid according to Policy: {why}", code="AccessDenied", status=403)


def _invalid(why: str) -> AwsError:
    return AwsError(f"Invalid Policy: {why}", code="InvalidPolicyDocument", status=400)


def _epoch_s(text: Any) -> float:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return timegm(strptime(str(text), form))
        except ValueError:
            continue
    raise _invalid(f"Invalid 'expiration' value: '{text}'")
