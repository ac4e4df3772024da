"""MalformedPolicyDocument, sentence by sentence.

Expected: what IAM answered, as the public suites of moto and versitygw recorded it (facts; for identity policies), and
IAM's answers for role trust policies from AWS's documentation and support threads.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.policy import MalformedPolicy, Use, compile_document, size_of

SYNTAX, LEGACY = "Syntax errors in policy.", "The policy failed legacy parsing"
VERSION = "Policy document must be version 2012-10-17 or greater."
ACTIONS, RESOURCES = "Policy statement must contain actions.", "Policy statement must contain resources."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
SID = "Statement IDs (SID) in a single policy must be unique."
BUCKET = "arn:aws:s3:::example_bucket"


def statement(**elements: Any) -> dict[str, Any]:
    """A good one but for `elements`; None leaves one out."""
    made = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET, **elements}
    return {name: value for name, value in made.items() if value is not None}


def document(*statements: Any, **top: Any) -> dict[str, Any]:
    made = {"Version": "2012-10-17", "Statement": list(statements), **top}
    return {name: value for name, value in made.items() if value is not None}


def dated(value: str) -> dict[str, Any]:
    return {"DateLessThanEquals": {"a": value}}


def partition(name: str, arn: str) -> str:
    return f'Partition "{name}" is not valid for resource "{arn}".'


CASES: list[tuple[Any, str]] = [
    ("This is not a json document", SYNTAX), ({}, SYNTAX), ([], SYNTAX), ("[" * 100_000, SYNTAX),
    ('{"a": NaN}', SYNTAX),
    (document(statement(), Version="2013-10-17"), SYNTAX), (document(statement(), Version=None), VERSION),
    (document(statement(), Version="2008-10-17"), VERSION), (document(), SYNTAX), ({"Version": "2012-10-17"}, SYNTAX),
    (document("afd"), SYNTAX), (document(statement(), Extra="value"), SYNTAX), (document(statement(Extra="v")), SYNTAX),
    (document(statement(), Id=["x"]), SYNTAX), (document(statement(), Id={}), SYNTAX),
    (document(statement(Effect="invalid")), SYNTAX), (document(statement(Effect=None)), SYNTAX),
    (document(statement(Sid={})), SYNTAX), (document(statement(Sid=[])), SYNTAX),
    (document(statement(Action=123)), SYNTAX), (document(statement(Action={})), SYNTAX),
    (document(statement(Action=[[]])), SYNTAX), (document(statement(Resource={"a": BUCKET})), SYNTAX),
    (document(statement(Resource=["adfdf", {}])), SYNTAX), (document(statement(NotResource=[])), SYNTAX),
    (document(statement(NotAction="s3:a")), SYNTAX), (document(statement(Condition=[])), SYNTAX),
    (document(statement(Condition="a")), SYNTAX), (document(statement(Condition={"a": "b"})), SYNTAX),
    (document(statement(Condition={"DateGreaterThan": {"a": {}}})), SYNTAX),
    (document(statement(Condition={"x": {"a": "1"}})), SYNTAX),
    (document(statement(Condition={"ForAnyValue::StringEqualsIfExists": {"a": "b"}})), SYNTAX),
    ('{"Version":"2012-10-17","Version":"2012-10-17","Statement":{}}', SYNTAX),
    (document(statement(Principal="*")), "Policy document should not specify a principal."),
    (document(statement(Effect="denY")), LEGACY), (document(statement(Effect="denY"), Version=None), VERSION),
    (document(statement(Condition=dated("234-13"))), LEGACY),
    (document(statement(Condition=dated("2016-12-13t2:00:00.593194+1"))), LEGACY),
    (document(statement(Condition=dated("2016-12-13t2:00:00.1999999999+10:59"))), LEGACY),
    (document(statement(Condition=dated("9223372036854775808"))), LEGACY),
    (document(statement(Condition=dated("x"), Resource="arn:error:s3:::example_bucket")), LEGACY),
    (document(statement(Resource="arn:aws:s3::example_bucket")), LEGACY),
    (document(statement(Resource="arn:aws:s3::example_bucket", Action=None)), LEGACY),
    (document(statement(Resource="arn:aws::::example_bucket")), LEGACY),
    (document(statement(Resource="arn:aws::fdsasf")), LEGACY),
    (document(statement(Resource="arn:awss3::example-bucket/*", Action="s3:GetObject")), LEGACY),
    (document(statement(Sid="sdf"), {"Sid": "sdf", "Effect": "Allow"}), SID),
    (document(statement(Sid="a-b")), "Statement IDs (SID) must be alpha-numeric. "
     "Check that your input satisfies the regular expression [0-9A-Za-z]*"),
    (document({"Effect": "Allow"}), ACTIONS), (document(statement(Action=None)), ACTIONS),
    (document(statement(Action=[])), ACTIONS), (document({"Effect": "Deny"}, statement()), ACTIONS),
    (document(statement(Resource=None)), RESOURCES), (document(statement(Resource=[])), RESOURCES),
    (document(statement(Resource=None, Action="invalid")), RESOURCES),
    (document(statement(Action="invalid")), VENDOR), (document(statement(Action="")), VENDOR),
    (document(statement(Action="a a:ListBucket")), "Vendor a a is not valid"),
    (document(statement(Action=":GetObject")), "Vendor  is not valid"),
    (document(statement(Action="s3:List:Bucket")), "Actions/Condition can contain only one colon."),
    (document(statement(Resource="invalid resource")), 'Resource invalid resource must be in ARN format or "*".'),
    (document(statement(Resource="")), 'Resource  must be in ARN format or "*".'),
    (document(statement(Resource="sdfsadf", Action="s:3:ListBucket")),
     'Resource sdfsadf must be in ARN format or "*".'),
    (document(statement(Resource="a:bsdf")), partition("bsdf", "arn:bsdf:*:*:*:*")),
    (document(statement(Resource="a:b:cadfsdf")), partition("b", "arn:b:cadfsdf:*:*:*")),
    (document(statement(Resource="a:b:c:d:e:f:g:h")), partition("b", "arn:b:c:d:e:f:g:h")),
    (document(statement(Resource="s3::example-bucket/*")), partition("", "arn::example-bucket/*:*:*:*")),
    (document(statement(Resource="aws:s3:::example_bucket")), partition("s3", "arn:s3:::example_bucket:*")),
    (document(statement(Resource=["arn:error:s3:::b", "arn:error:s3::b"])), partition("error", "arn:error:s3:::b")),
    (document(statement(Resource="arn:aws")), "Resource vendor must be fully qualified and cannot contain regexes."),
    (document(statement(Resource="arn:aws:s3:us-east-1::b")), "Resource arn:aws:s3:us-east-1::b can not contain region "
     "information."),
    (document(statement(Resource="arn:aws:iam:us-east-1::b")), "IAM resource arn:aws:iam:us-east-1::b cannot contain "
     "region information."),
    (document(statement(Resource="arn:aws:iam:::b")), 'IAM resource path must either be "*" or start with user/, '
     "federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, "
     "oidc-provider/, report/, access-report/."),
]


@pytest.mark.parametrize(("given_document", "message"), CASES)
def test_what_iam_refuses(given_document: Any, message: str) -> None:
    text = given_document if isinstance(given_document, str) else json.dumps(given_document)
    with pytest.raises(MalformedPolicy) as caught:
        compile_document(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("elements", [
    {}, {"Action": "*"}, {"Action": "iam: asdf safdsf af "}, {"Resource": ["*", BUCKET]}, {"Condition": {}},
    {"Resource": "arn:aws:fdsasf"}, {"Resource": "arn:aws:s33:::b"}, {"Resource": "arn:aws:iam:::user/b"},
    {"Resource": "arn:aws:invalid-service:us-east-1::b"}, {"Resource": "arn:aws:iam::111111111111:root"},
    {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "Department"}}}, {"Condition": {"DateGreaterThan": {}}},
    {"Condition": {"DateGreaterThan": {"a": []}}}, {"Condition": {"a": {}}}, {"Condition": dated("2017")},
    {"Condition": dated("2017-07-01T00:00:00Z")}, {"Condition": dated("2016-12-13t12:00:00.59+10:59")},
    {"Condition": dated("01T")}, {"Condition": dated("2016-12-13t2:00:00.593194+23")}, {"Action": "s3.s:ListBucket"},
    {"Condition": dated("1500000000")}, {"Condition": {"Bool": {"aws:SecureTransport": False}}},
    {"Condition": {"NumericLessThan": {"s3:max-keys": 10}}},
])
def test_what_iam_takes(elements: dict[str, Any]) -> None:
    assert len(compile_document(json.dumps(document(statement(**elements)))).statements) == 1


@pytest.mark.parametrize(("elements", "message"), [
    ({"Resource": "*"}, "Has prohibited field Resource"),
    ({"Principal": None}, "Missing required field Principal cannot be empty!"),
    ({"Action": "s3:GetObject"}, "AssumeRole policy may only specify STS AssumeRole actions."),
    ({"Action": None}, "Missing required field Action"), ({"Effect": None}, "Missing required field Effect"),
    ({"Principal": {"AWS": "x"}}, 'Invalid principal in policy: "AWS":"x"'), ({"Principal": {"Who": "x"}}, SYNTAX),
])
def test_trust_policies(elements: dict[str, Any], message: str) -> None:
    good = statement(Resource=None, Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    compile_document(json.dumps(document(good)), Use.TRUST)
    bad = {name: value for name, value in {**good, **elements}.items() if value is not None}
    with pytest.raises(MalformedPolicy) as caught:
        compile_document(json.dumps(document(bad)), Use.TRUST)
    assert str(caught.value) == message


# A document is read or refused, whatever it holds: no other error comes out.
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(
    ["Allow", "s3:*", "*", BUCKET, "2012-10-17", "arn:", "${", "a:b:c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["Version", "Statement", "Effect", "Action", "NotAction", "Resource", "Principal", "Condition", "StringLike",
         "DateEquals", "AWS", "Sid"]), inner, max_size=5), max_leaves=20), st.sampled_from(Use))
def test_any_json_is_read_or_refused(value: Any, use: Use) -> None:
    try:
        compile_document(json.dumps(value), use)
    except MalformedPolicy as error:
        assert str(error)  # noqa: PT017 - that nothing else is raised is the point


def test_white_space_is_free() -> None:
    assert size_of(' {\n\t"Version": "2012-10-17" } ') == len('{"Version":"2012-10-17"}')
