"""Policies of uploads by form. Expected codes and messages are S3's: LocalStack's snapshots (TestS3PresignedPost),
issues of libraries that sign forms; ceph/s3-tests (test_post_object_*) for statuses; versitygw's tests where these say
nothing."""

import json
from base64 import b64encode
from typing import Any

import pytest

from gateway.s3.post_policies import Policy, claim_of, verify
from schemas.errors import AwsError

NOW = 1_700_000_000.0
LATER, EARLIER = "2099-01-01T00:00:00Z", "2001-01-01T00:00:00.000Z"
SIGNED = {"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": "AKID/20151229/us-east-1/s3/aws4_request",
          "x-amz-date": "20151229T000000Z", "x-amz-signature": "0", "policy": "p"}


def policy(document: Any) -> Policy:
    text = document if isinstance(document, str) else json.dumps(document)
    return Policy(b64encode(text.encode()).decode(), NOW)


def of(*conditions: Any) -> Policy:
    return policy({"expiration": LATER, "conditions": [{"bucket": "b"}, ["starts-with", "$key", "foo"], *conditions]})


@pytest.mark.parametrize(("document", "code", "message"), [
    ("{", "InvalidPolicyDocument", "Invalid Policy: Invalid JSON."),
    ("[]", "InvalidPolicyDocument", "Invalid Policy: Invalid JSON."),
    ({"conditions": []}, "InvalidPolicyDocument", "Invalid Policy: Policy missing expiration."),
    ({"EXPIRATION": LATER, "conditions": []}, "InvalidPolicyDocument", "Invalid Policy: Policy missing expiration."),
    ({"expiration": LATER}, "InvalidPolicyDocument", "Invalid Policy: Policy missing conditions."),
    ({"expiration": LATER, "CONDITIONS": []}, "InvalidPolicyDocument", "Invalid Policy: Policy missing conditions."),
    ({"expiration": LATER, "conditions": {}}, "InvalidPolicyDocument",
     "Invalid Policy: Invalid 'conditions' value: must be a List."),
    ({"expiration": True, "conditions": []}, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON."),
    ({"Statement": [], "expiration": LATER}, "InvalidPolicyDocument", "Invalid Policy: Unexpected: 'statement'"),
    ({"expiration": "2015-10-17 03:15:59 UTC", "conditions": []}, "InvalidPolicyDocument",
     "Invalid Policy: Invalid 'expiration' value: '2015-10-17 03:15:59 UTC'"),
    ({"expiration": EARLIER, "conditions": []}, "AccessDenied", "Invalid according to Policy: Policy expired."),
])
def test_refused_documents(document: Any, code: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        policy(document)
    error = refused.value
    assert (error.error_code, error.message, error.status) == (code, message, 403 if code == "AccessDenied" else 400)


@pytest.mark.parametrize(("condition", "message"), [
    ({}, "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."),
    ({"a": "b", "c": "d"}, "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."),
    ({"Content-Length": 6199034}, "Invalid Simple-Condition: value must be a string."),
    ({"success_action_redirect": None}, "Invalid JSON."), (["content-length-range", 0, 512.0], "Invalid JSON."),
    ([], "Invalid Condition: missing operation identifier."),
    (["matches", "$a", "b"], "Invalid Condition: unknown operation 'matches'."),
    (["content-length-range", 0], "Invalid content-length-range: wrong number of arguments."),
    (["content-length-range", 0, True], "Invalid JSON."), (["eq", "$a", True], "Invalid JSON."),
    (["eq", "$a"], "Invalid eq: wrong number of arguments."),
    ("x", "Invalid condition test: must be a List or Object."),
])
def test_refused_conditions(condition: Any, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        of(condition)
    assert (refused.value.error_code, refused.value.message) == ("InvalidPolicyDocument", f"Invalid Policy: {message}")


# Names are case-insensitive, values are not; `\\$` is AWS's own escape, but not behind an escaped backslash.
@pytest.mark.parametrize(("condition", "fields", "why"), [
    ({"aCl": "private"}, {"acl": "private"}, ""), (["StArTs-WiTh", "$AcL", "pri"], {"acl": "private"}, ""),
    (["eq", "$success_Action_REDIRECT", "http://x"], {"success_action_redirect": "HTTP://x"},
     'Policy Condition failed: ["eq", "$success_Action_REDIRECT", "http://x"]'),
    ({"acl": "pri"}, {"acl": "private"}, 'Policy Condition failed: ["eq", "$acl", "pri"]'),
    (["eq", "acl", "private"], {"acl": "private"}, 'Policy Condition failed: ["eq", "acl", "private"]'),
    (["starts-with", "$Content-Type", "image/"], {"content-type": "image/jpg,image/png"}, ""),
    (["starts-with", "$Content-Type", "image/"], {"content-type": "image/jpg,text/plain"},
     'Policy Condition failed: ["starts-with", "$Content-Type", "image/"]'),
    (["starts-with", "$x-amz-meta-a", "bar"], {}, 'Policy Condition failed: ["starts-with", "$x-amz-meta-a", "bar"]'),
    (["starts-with", "$x-amz-server-side-encryption", ""], {}, ""),
    (["eq", "$x-amz-meta-foo", ""], {"x-amz-meta-foo": "barclamp"},
     'Policy Condition failed: ["eq", "$x-amz-meta-foo", ""]'),
    (["eq", "$Content-Disposition", 'filename="é"'], {"content-disposition": "x"},
     'Policy Condition failed: ["eq", "$Content-Disposition", "filename=\\"é\\""]'),
    ({"bucket": "other"}, {}, 'Policy Condition failed: ["eq", "$bucket", "other"]'),
    ({"acl": "private"}, {"acl": "private", "x-amz-meta-a": "b"}, "Extra input fields: X-Amz-Meta-A"),
    ({"acl": "private"}, {"acl": "private", "x-amz-date": "d"}, "Extra input fields: X-Amz-Date"),
    ({"acl": "private"}, {"acl": "private", "x-ignore-a": "b", "policy": "", "signature": "", "awsaccesskeyid": "",
                          "x-amz-signature": "", "x-amz-checksum-crc32": ""}, ""),
])
def test_conditions(condition: Any, fields: dict[str, str], why: str) -> None:
    made = of(condition)
    given = {"key": "foo.txt", **fields}
    sent = {name: name.title() for name in given}
    if not why:
        made.check(given, sent, "b")
        return
    with pytest.raises(AwsError) as refused:
        made.check(given, sent, "b")
    error = refused.value
    assert (error.error_code, error.message) == ("AccessDenied", f"Invalid according to Policy: {why}")


def test_what_is_no_document() -> None:
    for text, message in [("", "Expecting '{' but found End-of-Input"), ("no_base64", "invalid Base64 encoding.")]:
        with pytest.raises(AwsError) as refused:
            Policy(text, NOW)
        assert (refused.value.error_code, refused.value.message) == (
            "InvalidPolicyDocument", f"Invalid Policy: {message}")


# The bucket is a field too, though it stands in the URL (ceph/s3-tests, versitygw).
def test_the_bucket_is_to_be_named() -> None:
    made = policy({"expiration": LATER, "conditions": [["starts-with", "$key", "foo"]]})
    with pytest.raises(AwsError) as refused:
        made.check({"key": "foo"}, {"key": "key"}, "b")
    assert refused.value.message == "Invalid according to Policy: Extra input fields: bucket"


def test_escapes() -> None:
    text = '{"expiration": "%s", "conditions": [{"bucket": "b"}, ["starts-with", "$key", "%s"]]}'
    policy(text % (LATER, r"\$a\v\u00e9")).check({"key": "$a\vé!"}, {}, "b")
    policy(text % (LATER, r"\\$foo")).check({"key": r"\$foo.txt"}, {}, "b")


# Bounds are inclusive, numbers may be texts; what is no number is a condition that fails.
def test_sizes() -> None:
    for bounds in ([5, 10], ["5", "10"]):
        made = of(["content-length-range", *bounds])
        made.check_size(5, whole=True)
        made.check_size(10, whole=True)
        made.check_size(4, whole=False)
        for size, code in [(4, "EntityTooSmall"), (11, "EntityTooLarge")]:
            with pytest.raises(AwsError) as refused:
                made.check_size(size, whole=True)
            error = refused.value
            assert (error.error_code, error.fields["ProposedSize"], error.status) == (code, str(size), 400)
    with pytest.raises(AwsError) as refused:
        of(["content-length-range", "test", "10"])
    assert refused.value.message == \
        'Invalid according to Policy: Policy Condition failed: ["content-length-range", "test", "10"]'


MISSING = "Bucket POST must contain a field named '{}'.  If it is specified, please check the order of the fields."


@pytest.mark.parametrize(("change", "name", "message"), [
    ({"x-amz-signature": None}, "X-Amz-Signature", MISSING.format("X-Amz-Signature")),
    ({"x-amz-algorithm": None, "x-amz-credential": None}, "X-Amz-Algorithm", MISSING.format("X-Amz-Algorithm")),
    ({"x-amz-algorithm": "AWS4"}, "X-Amz-Algorithm", "Only AWS4-HMAC-SHA256 is supported"),
    ({"x-amz-credential": "AKID"}, "X-Amz-Credential",
     'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'),
    ({"x-amz-credential": "AKID/20151229/us-east-1/sns/aws4_request"}, "X-Amz-Credential",
     'incorrect service "sns". This endpoint belongs to "s3".'),
    ({"x-amz-date": "2015"}, "X-Amz-Date", "X-Amz-Date must be formated via ISO8601 Long format"),
    ({"x-amz-credential": "/20151229/us-east-1/s3/aws4_request"}, "X-Amz-Credential",
     "a non-empty Access Key (AKID) must be provided in the credential."),
])
def test_refused_claims(change: dict[str, str | None], name: str, message: str) -> None:
    fields = {name: value for name, value in {**SIGNED, **change}.items() if value is not None}
    with pytest.raises(AwsError) as refused:
        claim_of(fields)
    error = refused.value
    assert (error.error_code, error.message, error.fields["ArgumentName"]) == ("InvalidArgument", message, name)


def test_claims() -> None:
    assert claim_of({"key": "k", "policy": "p"}) is None
    with pytest.raises(AwsError) as refused:
        claim_of({"policy": "p", "awsaccesskeyid": "AKID"})
    assert refused.value.fields["ArgumentName"] == "Signature"


# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html, its policy, key and signature.
def test_the_example_of_aws() -> None:
    text = """{ "expiration": "2015-12-30T12:00:00.000Z",
  "conditions": [
    {"bucket": "sigv4examplebucket"},
    ["starts-with", "$key", "user/user1/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    {"x-amz-server-side-encryption": "AES256"},
    ["starts-with", "$x-amz-meta-tag", ""],

    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    {"x-amz-date": "20151229T000000Z" }
  ]
}""".replace("\n", "\r\n")
    encoded = b64encode(text.encode()).decode()
    claim = claim_of({**SIGNED, "x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
                      "x-amz-signature": "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"})
    assert claim is not None
    verify(claim, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", encoded)
