"""AWS's own managed policies: those people attach most. Documents by AWS's published meaning, not its latest text.

Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

CREATED_S = 1_423_159_200.0                   # 6 February 2015, when the first of them came
PREFIX = "arn:aws:iam::aws:policy"

_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_READ = ("*:Describe*", "*:Get*", "*:List*", "*:BatchGet*", "*:Search*", "*:Query", "*:Scan", "*:Lookup*", "*:View*")


def _full(*services: str) -> tuple[str, ...]:
    return tuple(f"{service}:*" for service in services)


def _reading(*services: str) -> tuple[str, ...]:
    return tuple(f"{service}:{verb}*" for service in services for verb in ("Get", "List", "Describe", "BatchGet"))


_ACTIONS: dict[str, tuple[str, ...]] = {
    "/AdministratorAccess": ("*",),
    "/ReadOnlyAccess": _READ,
    "/IAMFullAccess": (*_full("iam"), *_reading("organizations")),
    "/IAMReadOnlyAccess": ("iam:GenerateCredentialReport", "iam:Get*", "iam:List*", "iam:Simulate*"),
    "/AmazonS3FullAccess": _full("s3", "s3-object-lambda"),
    "/AmazonS3ReadOnlyAccess": _reading("s3", "s3-object-lambda"),
    "/AmazonDynamoDBFullAccess": _full("dynamodb", "dax", "application-autoscaling"),
    "/AmazonDynamoDBReadOnlyAccess": (*_reading("dynamodb", "dax"), "dynamodb:Query", "dynamodb:Scan",
                                      "dynamodb:PartiQLSelect"),
    "/AmazonSQSFullAccess": _full("sqs"),
    "/AmazonSQSReadOnlyAccess": _reading("sqs"),
    "/AmazonSNSFullAccess": _full("sns"),
    "/AmazonEC2FullAccess": _full("ec2", "elasticloadbalancing", "cloudwatch", "autoscaling"),
    "/AmazonEC2ReadOnlyAccess": (*_reading("ec2", "elasticloadbalancing", "autoscaling"), "cloudwatch:Get*"),
    "/AmazonRDSFullAccess": _full("rds"),
    "/AmazonKinesisFullAccess": _full("kinesis"),
    "/AmazonBedrockFullAccess": _full("bedrock"),
    "/AWSLambda_FullAccess": (*_full("lambda"), *_reading("logs", "iam"), "iam:PassRole"),
    "/AWSLambda_ReadOnlyAccess": _reading("lambda", "logs"),
    "/CloudWatchFullAccess": _full("cloudwatch", "logs", "sns", "autoscaling"),
    "/CloudWatchLogsFullAccess": _full("logs", "cloudwatch"),
    "/CloudWatchLogsReadOnlyAccess": (*_reading("logs"), "logs:FilterLogEvents", "logs:StartQuery", "logs:StopQuery"),
    "/SecretsManagerReadWrite": _full("secretsmanager"),
    "/AmazonSSMReadOnlyAccess": _reading("ssm"),
    "/service-role/AWSLambdaBasicExecutionRole": _LOGS,
    "/service-role/AWSLambdaDynamoDBExecutionRole": (
        "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams", *_LOGS),
    "/service-role/AWSLambdaKinesisExecutionRole": (
        "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator",
        "kinesis:ListShards", "kinesis:ListStreams", "kinesis:SubscribeToShard", *_LOGS),
    "/service-role/AWSLambdaSQSQueueExecutionRole": (
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *_LOGS),
    "/service-role/AWSLambdaVPCAccessExecutionRole": (
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface", *_LOGS),
    "/service-role/AmazonECSTaskExecutionRolePolicy": (
        "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer",
        "ecr:BatchGetImage", "logs:CreateLogStream", "logs:PutLogEvents"),
}
_NOT_ACTIONS = {"/PowerUserAccess": ("iam:*", "organizations:*", "account:*")}


def arn(record: dict[str, Any]) -> str:
    return f"{PREFIX}{record['path']}{record['name']}"


@cache
def find(policy_arn: str) -> dict[str, Any] | None:
    """The record of an AWS policy, in the form of the account's own, with its one document."""
    name = policy_arn.removeprefix(PREFIX)
    if policy_arn == name or (name not in _ACTIONS and name not in _NOT_ACTIONS):
        return None
    element, actions = ("Action", _ACTIONS[name]) if name in _ACTIONS else ("NotAction", _NOT_ACTIONS[name])
    statement = {"Effect": "Allow", element: list(actions), "Resource": "*"}
    path, _, plain = name.rpartition("/")
    return {
        "kind": "policy", "aws": True, "name": plain, "path": f"{path}/", "id": _identity(name), "default": 1,
        "created": CREATED_S, "updated": CREATED_S, "description": "", "tags": {},
        "document": json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2),
    }


def arns() -> Iterable[str]:
    """Of all, in order of name."""
    return (f"{PREFIX}{name}" for name in sorted((*_ACTIONS, *_NOT_ACTIONS), key=lambda name: name.rpartition("/")[2]))


def _identity(name: str) -> str:
    """The same everywhere and always, as AWS's are."""
    import base64
    import hashlib

    return "ANPA" + base64.b32encode(hashlib.blake2b(name.encode(), digest_size=10).digest()).decode()[:17]
