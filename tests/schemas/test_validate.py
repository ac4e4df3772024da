"""Validation of services other than DynamoDB, and of anything at all."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import AwsError
from schemas.models import compile_service, load
from schemas.validate import validator


def refused(service: str, operation: str, request: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as error:
        validator(load(service).operations[operation])(request)
    return error.value


# Each with the code its service uses: captured in public error reports (Cognito: AWS SDK issues; KMS, ACM, ECS, SES and
# Lambda: the same form with their own codes; EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
@pytest.mark.parametrize(
    ("service", "operation", "request_", "code", "message"),
    [
        ("kms", "GetPublicKey", {"KeyId": ""}, "ValidationException",
         "1 validation error detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length "
         "greater than or equal to 1"),
        ("cognito-idp", "InitiateAuth", {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "!"},
         "InvalidParameterException", "1 validation error detected: Value at 'clientId' failed to satisfy constraint: "
         "Member must satisfy regular expression pattern: [\\w+]+"),
        ("lambda", "CreateAlias", {"FunctionName": "f", "Name": "a", "FunctionVersion": "1", "RoutingConfig": {
            "AdditionalVersionWeights": {"x": 0.5}}}, "ValidationException",
         "1 validation error detected: Value '{x=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
         "constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member "
         "must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"),
        ("lambda", "CreateFunctionUrlConfig", {"FunctionName": "f", "AuthType": "NONE", "Cors": {
            "AllowMethods": ["GET", "OPTIONS"]}}, "ValidationException",
         "1 validation error detected: Value '[GET, OPTIONS]' at 'cors.allowMethods' failed to satisfy constraint: "
         "Member must satisfy constraint: [Member must have length less than or equal to 6, Member must have length "
         "greater than or equal to 0, Member must satisfy regular expression pattern: .*]"),
        ("iam", "ListVirtualMFADevices", {"AssignmentStatus": "11111"}, "ValidationError",
         "1 validation error detected: Value at 'assignmentStatus' failed to satisfy constraint: Member must "
         "satisfy enum value set: [Assigned, Unassigned, Any]"),
        ("sts", "GetAccessKeyInfo", {"AccessKeyId": "AKIA0123"}, "ValidationError",
         "1 validation error detected: Value 'AKIA0123' at 'accessKeyId' failed to satisfy constraint: Member must "
         "have length greater than or equal to 16"),
        ("ec2", "TerminateInstances", {}, "MissingParameter", "The request must contain the parameter InstanceIds"),
    ],
)
def test_messages(service: str, operation: str, request_: dict[str, Any], code: str, message: str) -> None:
    error = refused(service, operation, request_)
    assert (error.error_code, error.message) == (code, message)


# Organizations names neither value nor bound; its Reason says what kind of fault it is, and the first fault is told.
@pytest.mark.parametrize(("operation", "request_", "reason", "message"), [
    ("DescribePolicy", {"PolicyId": "x"}, "INVALID_PATTERN",
     "You provided a value that does not match the required pattern."),
    ("ListPolicies", {"Filter": "MOTO"}, "INVALID_ENUM", "You specified an invalid value."),
    ("ListPolicies", {}, "INPUT_REQUIRED", "You must include a value for all required parameters."),
    ("ListRoots", {"MaxResults": 21}, "MAX_VALUE_EXCEEDED",
     "You provided a numeric parameter that has a larger value than allowed."),
    ("CreateAccount", {"Email": "me", "AccountName": "a"}, "MIN_LENGTH_EXCEEDED",
     "You provided a string parameter that is shorter than allowed."),
    ("ListCreateAccountStatus", {"States": ["X"]}, "INVALID_LIST_MEMBER",
     "You provided a list to a parameter that contains at least one invalid value."),
])
def test_plain_words(operation: str, request_: dict[str, Any], reason: str, message: str) -> None:
    error = refused("organizations", operation, request_)
    assert (error.error_code, error.message, error.fields) == ("InvalidInputException", message, {"Reason": reason})


# EC2 and S3 check their constraints themselves, in words that no model gives; here they are held to types alone.
def test_services_without_constraints() -> None:
    validator(load("s3").operations["ListObjectsV2"])({"Bucket": "b", "EncodingType": "no-such"})
    assert refused("s3", "ListObjectsV2", {"Bucket": "b", "MaxKeys": "1"}).error_code == "SerializationException"
    assert refused("s3", "HeadObject", {"Bucket": "b"}).message == "The request must contain the parameter Key"


# What streams past is not in the request: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
def test_streams_are_not_asked_for() -> None:
    validator(load("s3").operations["PutObject"])({"Bucket": "b", "Key": "k"})
    validator(load("bedrock-runtime").operations["InvokeModelWithBidirectionalStream"])({"modelId": "amazon.nova"})


# Secrets are not echoed: the model marks them sensitive.
def test_sensitive_values_are_not_echoed() -> None:
    request = {"UserPoolId": "us-east-1_aaaaaaaaa", "Username": "u", "Password": "two words\n", "Permanent": True}
    message = refused("cognito-idp", "AdminSetUserPassword", request).message
    assert "two words" not in message
    assert "Value at 'password' failed to satisfy constraint" in message


def shapes(**members: Any) -> Any:
    """The operation Do of a made-up json service whose input has these members."""
    named = {f"{name}Shape": shape for name, shape in members.items()}
    return compile_service("made", {
        "metadata": {"protocol": "json", "endpointPrefix": "made", "serviceId": "Made", "apiVersion": "1"},
        "operations": {"Do": {"name": "Do", "http": {}, "input": {"shape": "Input"}}},
        "shapes": {
            **named,
            "Input": {"type": "structure", "members": {name: {"shape": f"{name}Shape"} for name in members}},
            "Text": {"type": "string"},
        },
    }).operations["Do"]


def message_of(operation: Any, request: dict[str, Any]) -> str:
    try:
        validator(operation)(request)
    except AwsError as error:
        return error.message
    return ""


# Exactly one member, in DynamoDB's words for its own union.
def test_unions() -> None:
    text = {"shape": "Text"}
    operation = shapes(Choice={"type": "structure", "union": True, "members": {"A": text, "B": text}})
    assert message_of(operation, {"Choice": {"A": "x"}}) == ""
    assert message_of(operation, {"Choice": {"A": "x", "B": None}}) == ""
    assert message_of(operation, {"Choice": {}}) == (
        "Supplied ChoiceShape is empty, must contain exactly one of the supported datatypes"
    )
    assert message_of(operation, {"Choice": {"A": "x", "B": "y"}}) == (
        "Supplied ChoiceShape has more than one datatypes set, must contain exactly one of the supported datatypes"
    )


# A list of nulls is well-formed only where the model says sparse.
def test_null_items() -> None:
    operation = shapes(
        Full={"type": "list", "member": {"shape": "Text"}},
        Sparse={"type": "list", "member": {"shape": "Text"}, "sparse": True},
    )
    assert message_of(operation, {"Sparse": ["a", None]}) == ""
    assert message_of(operation, {"Full": ["a", None]}) == (
        "1 validation error detected: Value null at 'full.2.member' failed to satisfy constraint: "
        "Member must not be null"
    )


# 32 and 64 bits, whatever the model says.
@settings(deadline=None)
@given(st.integers())
def test_integers_fit_their_bits(number: int) -> None:
    operation = shapes(Small={"type": "integer"}, Large={"type": "long"})
    assert (message_of(operation, {"Small": number}) == "") is (-(2**31) <= number < 2**31)
    assert (message_of(operation, {"Large": number}) == "") is (-(2**63) <= number < 2**63)


KEYS = st.text(max_size=8) | st.integers()
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=20),
    st.just(datetime(2024, 1, 1, tzinfo=UTC)),
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)
OPERATIONS = [
    load(service).operations[name]
    for service, name in [
        ("dynamodb", "TransactWriteItems"), ("dynamodb", "CreateTable"), ("lambda", "CreateFunction"),
        ("sqs", "SendMessage"), ("iam", "CreateRole"), ("ec2", "RunInstances"),
        ("s3", "PutBucketLifecycleConfiguration"), ("bedrock-runtime", "Converse"), ("cloudwatch", "PutMetricData"),
    ]
]


@st.composite
def junk(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """An operation, and a request with its members' names but anything for values, at two levels."""
    operation = draw(st.sampled_from(OPERATIONS))
    assert operation.input is not None
    members = list(operation.input.members.values())
    request = {}
    for member in draw(st.lists(st.sampled_from(members), max_size=4, unique_by=id)):
        inner = list(member.shape.members)
        nested = st.dictionaries(st.sampled_from(inner), ANYTHING, max_size=4) if inner else ANYTHING
        request[member.name] = draw(ANYTHING | nested | st.lists(nested, max_size=2))
    return operation, request


# Whatever a direct publisher sends is let through or refused in AWS's words; it never breaks us. (Inside, an assertion
# holds the two halves of validation to the same verdict.)
@settings(deadline=None)
@given(junk())
def test_anything_is_judged(case: tuple[Any, dict[str, Any]]) -> None:
    operation, request = case
    message_of(operation, request)
    message_of(operation, request)                 # and again, the nulls gone
