"""Service-linked roles: a service's own, which nobody else changes."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from actors.iam import shapes
from actors.iam.errors import InvalidInput, NoSuchEntity
from actors.iam.paging import Answer
from actors.iam.principals import LINKED_PATH, SESSION_S
from actors.iam.state import ROLE, Book
from actors.runtime.context import Context

Request = Mapping[str, Any]

# Source: each service's page behind
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
_NAMES = {
    "autoscaling.amazonaws.com": "AutoScaling", "batch.amazonaws.com": "Batch", "ecs.amazonaws.com": "ECS",
    "eks.amazonaws.com": "AmazonEKS", "elasticbeanstalk.amazonaws.com": "ElasticBeanstalk",
    "elasticache.amazonaws.com": "ElastiCache",
    "elasticloadbalancing.amazonaws.com": "ElasticLoadBalancing", "kafka.amazonaws.com": "Kafka",
    "lambda.amazonaws.com": "Lambda", "lex.amazonaws.com": "LexBots", "opensearchservice.amazonaws.com":
    "AmazonOpenSearchService", "organizations.amazonaws.com": "Organizations", "rds.amazonaws.com": "RDS",
    "replication.dynamodb.amazonaws.com": "DynamoDBReplication", "spot.amazonaws.com": "EC2Spot",
    "support.amazonaws.com": "Support",
}


# What application auto scaling scales, by the first part of its principals.
_SCALED = {
    "appstream": "AppStreamFleet", "cassandra": "CassandraTable", "comprehend": "ComprehendEndpoint",
    "dynamodb": "DynamoDBTable", "ec2": "EC2SpotFleetRequest", "ecs": "ECSService", "elasticache": "ElastiCacheRG",
    "elasticmapreduce": "EMRInstanceGroup", "kafka": "KafkaCluster", "lambda": "LambdaConcurrency",
    "neptune": "NeptuneCluster", "rds": "RDSCluster", "sagemaker": "SageMakerEndpoint",
    "workspaces": "WorkSpacesPool",
}


def create(book: Book, context: Context, request: Request) -> Answer:
    service = request["AWSServiceName"]
    if not service.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        raise InvalidInput(f"{service} is not a valid service name.")
    plain = _name_of(service)
    suffix = f"_{request['CustomSuffix']}" if request.get("CustomSuffix") else ""
    name = f"AWSServiceRoleFor{plain}{suffix}"
    if book.find(ROLE, name) is not None:
        raise InvalidInput(f"Service role name {name} has been taken in this account, please try a different suffix.")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": [service]}, "Action": ["sts:AssumeRole"]}]}
    record = book.create(
        ROLE, name, f"{LINKED_PATH}{service}/", context.now, policies=[], boundary="", trust=json.dumps(trust),
        description=request.get("Description") or "", session_limit_s=SESSION_S,
    )
    return {"Role": shapes.new_role(book, record)}


def _name_of(service: str) -> str:
    """Behind AWSServiceRoleFor."""
    first, _, rest = service.partition(".")
    plain = "".join(part.capitalize() for part in first.split("-"))
    if rest == "application-autoscaling.amazonaws.com":
        return f"ApplicationAutoScaling_{_SCALED.get(first, plain)}"
    return _NAMES.get(service) or plain


def delete(book: Book, request: Request) -> Answer:
    """Gone at once; the task that AWS names has succeeded by the time one asks."""
    record = book.get(ROLE, request["RoleName"])
    if not record["path"].startswith(LINKED_PATH):
        raise InvalidInput(f"The role {record['name']} is not a service-linked role.")
    book.remove(record)
    return {"DeletionTaskId": f"task{record['path']}{record['name']}/{uuid.uuid4()}"}


def deletion_status(book: Book, request: Request) -> Answer:
    task, path, _, name, *rest = (request["DeletionTaskId"].split("/") + [""] * 4)[:5]
    if task != "task" or f"/{path}/" != LINKED_PATH or not rest[0] or book.find(ROLE, name) is not None:
        raise NoSuchEntity(f"Deletion task {request['DeletionTaskId']} cannot be found.")
    return {"Status": "SUCCEEDED"}
