"""How each service says no: the codes of its common errors, and where its validation differs from its model.

Pure data. Facts come from AWS's documentation and from public captures of real answers (dynalite's and other
projects' test suites that run against AWS); a service without a row speaks as its protocol does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from schemas.shapes import Operation, Service, Shape


class Constraint(NamedTuple):
    """What a value must satisfy. Bounds are of the length (characters, bytes, entries) or of a number's value."""

    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""                              # in Java's syntax, as the model has it
    enum: tuple[str, ...] = ()
    arn_maximum: int = 0                           # not 0: an ARN may stand here, and this bounds its length instead
    not_null: bool = False                         # a container lists this among what its items must be, too


NO_CONSTRAINT = Constraint()


class Plain(NamedTuple):
    """A broken constraint, for services that quote neither value nor bound: one sentence, and its `Reason`."""

    constraint: str                                # how the constraint's own words begin
    reason: str
    sentence: str


class Words(NamedTuple):
    """How an operation speaks of one of its members where it has words of its own.

    `text`: instead of the whole violation; "": the violation names the member as the model does, and quotes no value,
    where a bound is broken. `bare`: with no count of violations before it, and so alone.
    """

    text: str = ""
    alone: bool = False                            # nothing is said of other members
    bare: bool = False
    only_empty: bool = False                       # of other faults of the member it speaks as ever
    gives_way: bool = False                        # what is wrong elsewhere is said instead


@dataclass(frozen=True, slots=True)
class Dialect:
    """One service's words. Statuses are the HTTP ones where no model gives them."""

    invalid: str = "ValidationException"           # a constraint is broken
    denied: str = "AccessDeniedException"
    throttled: str = "ThrottlingException"
    throttled_status: int = 400
    failed: str = "InternalFailure"                # a bug of ours
    constrains: bool = True                        # False: checks types and presence alone, names a missing parameter
    missing: Mapping[str, str] | None = None       # such a parameter -> what is said of it instead
    malformed: str = ""                            # what lacks something inside a document, where that is no `invalid`
    echoes: bool = True                            # prints the offending value
    encodes: bool = False                          # denials bring a message for STS to decode
    names_all: bool = False                        # a denial says "on resource: *" too, which others leave out
    order: Mapping[str, tuple[str, ...]] | None = None             # structure -> members reported before the others
    constraints: Mapping[str, Constraint] | None = None            # shape -> instead of the model's
    key_constraints: Mapping[str, Constraint] | None = None        # map -> of its keys, instead of the model's
    also_required: Mapping[str, frozenset[str]] | None = None      # structure -> beside the model's
    plain_table_names: frozenset[str] = frozenset()                # operations that check TableName later (see below)
    words: Mapping[str, Mapping[str, Words]] | None = None      # operation -> member, once nothing it needs is missing
    echoes_json: frozenset[str] = frozenset()                      # operations that print values as JSON
    plain: tuple[Plain, ...] = ()                                  # of all violations, the first is told like this

    def constraint(self, shape: Shape) -> Constraint:
        own = self.constraints and self.constraints.get(shape.name)
        if own:
            return own
        traits = shape.traits
        if not self.constrains or not traits:
            return NO_CONSTRAINT
        enum = tuple(traits.get("enum", ()))
        return Constraint(traits.get("min"), traits.get("max"), traits.get("pattern", ""), enum)

    def key_constraint(self, shape: Shape) -> Constraint | None:
        return (self.key_constraints or {}).get(shape.name)

    def required(self, shape: Shape) -> frozenset[str]:
        return shape.required | (self.also_required or {}).get(shape.name, frozenset())

    def members(self, shape: Shape) -> list[str]:
        """The structure's member names in the order the service reports them."""
        first = (self.order or {}).get(shape.name, ())
        return [name for name in first if name in shape.members] + [name for name in shape.members if name not in first]


_XML = Dialect("ValidationError", "AccessDenied", "Throttling", 400)
_BY_PROTOCOL = {
    "json": Dialect(),
    "smithy-rpc-v2-cbor": Dialect(),
    "rest-json": Dialect(throttled_status=429),
    "query": _XML,
    "rest-xml": _XML,
    "ec2": Dialect("MissingParameter", "UnauthorizedOperation", "RequestLimitExceeded", 503, "InternalError", False,
                   encodes=True),
}

# DynamoDB's enum sets as it prints them, and names where it also takes ARNs. Order of sets and members: dynalite's
# validations (https://github.com/architect/dynalite), captured from the service; what has changed since, and Words:
# the public dynamodb-conformance suite, captured in October 2026 (validation-ordering, error-messages).
_NAME = r"[a-zA-Z0-9_.-]+"
_DYNAMODB_CONSTRAINTS = {
    # A name or an ARN. The service checks the name inside an ARN; the model alone would let any 1,024 characters pass.
    "TableArn": Constraint(1, 255, _NAME, arn_maximum=1024),
    # An empty one is refused in words of its own (actors/dynamodb/batches.py).
    "BatchWriteItemRequestMap": Constraint(maximum=25),
    "ReturnValue": Constraint(enum=("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")),
    "ConditionalOperator": Constraint(enum=("OR", "AND")),
    "ScalarAttributeType": Constraint(enum=("B", "N", "S")),
    "ProjectionType": Constraint(enum=("ALL", "INCLUDE", "KEYS_ONLY")),
    "Select": Constraint(enum=("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")),
    "ComparisonOperator": Constraint(enum=(
        "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE",
        "CONTAINS",
    )),
}
_TABLE_KEY = Constraint(3, 255, _NAME, arn_maximum=1024)
# The model leaves these to replicas of global tables, which take them from their source; we have none.
_DYNAMODB_REQUIRED = {"CreateTableInput": frozenset({"AttributeDefinitions", "KeySchema"})}
_DYNAMODB_ORDER = {
    "PutItemInput": (
        "ReturnConsumedCapacity", "TableName", "Item", "ConditionalOperator", "Expected", "ReturnValues",
        "ReturnItemCollectionMetrics",
    ),
    "GetItemInput": ("ReturnConsumedCapacity", "AttributesToGet", "TableName", "Key"),
    "UpdateItemInput": (
        "ReturnConsumedCapacity", "TableName", "ReturnItemCollectionMetrics", "ReturnValues", "ConditionalOperator",
        "Key", "Expected", "AttributeUpdates",
    ),
    "DeleteItemInput": (
        "ReturnConsumedCapacity", "TableName", "ReturnValues", "ReturnItemCollectionMetrics", "Key",
        "ConditionalOperator", "Expected",
    ),
    "QueryInput": (
        "Limit", "ExclusiveStartKey", "KeyConditions", "ReturnConsumedCapacity", "AttributesToGet", "TableName",
        "Select", "IndexName",
    ),
    "ScanInput": (
        "Limit", "TotalSegments", "ReturnConsumedCapacity", "AttributesToGet", "Select", "TableName",
        "ExclusiveStartKey", "Segment", "ScanFilter",
    ),
    "BatchGetItemInput": ("RequestItems", "ReturnConsumedCapacity"),
    "BatchWriteItemInput": ("ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "RequestItems"),
    # dynamodb-conformance, tier3/validation-ordering/transactions
    "TransactWriteItemsInput": (
        "ClientRequestToken", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "TransactItems",
    ),
    "TransactGetItemsInput": ("ReturnConsumedCapacity", "TransactItems"),
    "WriteRequest": ("DeleteRequest", "PutRequest"),
    "CreateTableInput": (
        "AttributeDefinitions", "TableName", "BillingMode", "ProvisionedThroughput", "KeySchema",
        "GlobalSecondaryIndexes", "LocalSecondaryIndexes",
    ),
    "ProvisionedThroughput": ("WriteCapacityUnits", "ReadCapacityUnits"),
}
_SET = "Failed to satisfy constraint: Member must satisfy enum value set: "
_NO_NAME = Words(alone=True, only_empty=True)
_OPERATOR = Words(f"{_SET}[ALL, OR]")
_RETURN_VALUES = Words(f"{_SET}[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]")
_METRICS = Words("ReturnItemCollectionMetrics can only be SIZE or NONE")
_WRITE_WORDS = {
    "TableName": _NO_NAME, "ConditionalOperator": _OPERATOR, "ReturnValues": _RETURN_VALUES,
    "ReturnItemCollectionMetrics": _METRICS,
}
_DYNAMODB_WORDS = {
    "PutItem": _WRITE_WORDS,
    "DeleteItem": _WRITE_WORDS,
    "UpdateItem": {name: words._replace(alone=True) for name, words in _WRITE_WORDS.items()},
    "Query": {"Limit": Words(), "ConditionalOperator": _OPERATOR._replace(alone=True, bare=True)},
    "BatchGetItem": {"RequestItems": Words(), "Keys": Words()},
    "BatchWriteItem": {"RequestItems": Words(gives_way=True)},
}

# Says in words of its own what a path must be (actors/iam/state.py). Source: localstack's captures of IAM's answers.
# The name of who holds an inline policy may have wildcards, says the model beside the pattern that has none.
_IAM_CONSTRAINTS = {
    "AttachmentName": Constraint(1, 128, r"[\w+=,.@*?-]+"), "pathType": Constraint(1, 512),
    "tagKeyType": Constraint(1, 128, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", not_null=True),
}

# Reasons: https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html (InvalidInputException);
# sentences: moto's suite and public reports of Organizations' errors.
_ORGANIZATIONS_PLAIN = (
    Plain("Member must not be null", "INPUT_REQUIRED", "You must include a value for all required parameters."),
    Plain("Member must satisfy enum", "INVALID_ENUM", "You specified an invalid value."),
    Plain("Member must satisfy constraint", "INVALID_LIST_MEMBER",
          "You provided a list to a parameter that contains at least one invalid value."),
    Plain("Member must have length less", "MAX_LENGTH_EXCEEDED",
          "You provided a string parameter that is longer than allowed."),
    Plain("Member must have length greater", "MIN_LENGTH_EXCEEDED",
          "You provided a string parameter that is shorter than allowed."),
    Plain("Member must have value less", "MAX_VALUE_EXCEEDED",
          "You provided a numeric parameter that has a larger value than allowed."),
    Plain("Member must have value greater", "MIN_VALUE_EXCEEDED",
          "You provided a numeric parameter that has a smaller value than allowed."),
    Plain("", "INVALID_PATTERN", "You provided a value that does not match the required pattern."),
)

_JSON = _BY_PROTOCOL["json"]
# Measured: versitygw's issue 915.
NO_ATTRIBUTES = ("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or "
                 "empty")
_S3 = Dialect(
    "InvalidRequest", "AccessDenied", "SlowDown", 503, "InternalError", False, {"ObjectAttributes": NO_ATTRIBUTES},
    malformed="MalformedXML")
_BY_SERVICE = {
    "apigateway": replace(_BY_PROTOCOL["rest-json"], invalid="BadRequestException"),
    "cognito-idp": replace(_JSON, invalid="InvalidParameterException"),
    "dynamodb": replace(
        _JSON, failed="InternalServerError", names_all=True, order=_DYNAMODB_ORDER, constraints=_DYNAMODB_CONSTRAINTS,
        key_constraints={"BatchGetRequestMap": _TABLE_KEY, "BatchWriteItemRequestMap": _TABLE_KEY},
        also_required=_DYNAMODB_REQUIRED,
        plain_table_names=frozenset({
            "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "SearchVectors", "UpdateItem",
        }),
        words=_DYNAMODB_WORDS, echoes_json=frozenset({"BatchGetItem"}),
    ),
    "dynamodbstreams": replace(_JSON, failed="InternalServerError", names_all=True),
    "ecr": replace(_JSON, invalid="InvalidParameterException", names_all=True),
    "ecs": replace(_JSON, invalid="ClientException", failed="ServerException"),
    "iam": replace(_XML, echoes=False, names_all=True, constraints=_IAM_CONSTRAINTS),
    "iot": replace(_BY_PROTOCOL["rest-json"], invalid="InvalidRequestException"),
    "lambda": replace(_BY_PROTOCOL["rest-json"], names_all=True),
    "logs": replace(_JSON, invalid="InvalidParameterException"),
    "organizations": replace(
        _JSON, invalid="InvalidInputException", throttled="TooManyRequestsException", failed="ServiceException",
        plain=_ORGANIZATIONS_PLAIN),
    "route53": replace(_XML, invalid="InvalidInput"),
    "s3": _S3,
    "s3control": _S3,
    "sesv2": replace(_BY_PROTOCOL["rest-json"], invalid="BadRequestException", echoes=False),
    "sqs": replace(_JSON, invalid="InvalidParameterValue", denied="AccessDenied", throttled="RequestThrottled"),
}


def dialect_of(service: Service) -> Dialect:
    return _BY_SERVICE.get(service.name) or _BY_PROTOCOL.get(service.protocol, _JSON)


class Said(NamedTuple):
    """An error as a family of services says it."""

    code: str
    status: int
    message: str


class KeyFaults(NamedTuple):
    """What is wrong with a caller's key, whatever was asked."""

    unknown: Said
    invalid_token: Said                            # missing, or not this key's
    expired_token: Said


_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_JSON_KEY, _REST_JSON_KEY = (Said("UnrecognizedClientException", status, _INVALID) for status in (400, 403))
_QUERY_KEY = Said("InvalidClientTokenId", 403, _INVALID)
_EC2_KEY = Said("AuthFailure", 401, "AWS was not able to validate the provided access credentials")
_KEY_FAULTS = {
    "json": KeyFaults(_JSON_KEY, _JSON_KEY, Said("ExpiredTokenException", 400, _EXPIRED)),
    "rest-json": KeyFaults(_REST_JSON_KEY, _REST_JSON_KEY, Said("ExpiredTokenException", 403, _EXPIRED)),
    "query": KeyFaults(_QUERY_KEY, _QUERY_KEY, Said("ExpiredToken", 403, _EXPIRED)),
    "ec2": KeyFaults(_EC2_KEY, _EC2_KEY, Said("RequestExpired", 400, "Request has expired.")),
    "s3": KeyFaults(
        Said("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."),
        Said("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        Said("ExpiredToken", 400, "The provided token has expired."),
    ),
}


def family_of(service: Service | None) -> str:
    """Whose codes a service has when who asks is in doubt: s3, ec2, query, rest-json, json.

    SQS and CloudWatch speak newer protocols with their query codes, so a service that has query keeps them.
    """
    if service is None:
        return "query"
    if service.protocol == "rest-xml" and service.name in ("s3", "s3control"):
        return "s3"
    if "ec2" in service.protocols:
        return "ec2"
    if "query" in service.protocols or service.protocol == "rest-xml":
        return "query"
    return "rest-json" if service.protocol == "rest-json" else "json"


def key_faults(service: Service | None) -> KeyFaults:
    return _KEY_FAULTS[family_of(service)]


def table_name_fault(operation: Operation, dialect: Dialect, name: object) -> str:
    """What DynamoDB's table operations say about a missing TableName before anything else; "" if nothing.

    Item operations (plain_table_names) report it among the other members. Source: dynalite's tests against AWS.
    """
    if not dialect.plain_table_names or operation.name in dialect.plain_table_names or operation.input is None:
        return ""
    if name is None and "TableName" in operation.input.required:
        return "The parameter 'TableName' is required but was not present in the request"
    return ""
