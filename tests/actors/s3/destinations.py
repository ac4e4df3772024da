"""Stand-ins for the services that notifications go to, and who listens on the bus: they keep what they were told."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from actors.runtime.access import Access, Guard
from actors.runtime.actor import ServiceActor, operation
from actors.runtime.context import Context
from actors.runtime.policy import Policy, Use, compile_document
from bus.codec import unpack
from schemas.errors import AwsError
from tests.world import ACCOUNT, World

Request = Mapping[str, Any]


# As https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html has it.
POLICY = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "*", "Resource": "*",
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}}]}


class Destination(ServiceActor):
    """It lets S3 in, for buckets of one account. `heard`: what came, as JSON; `askers`: from whom and of what;
    `error`: what it answers instead."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.askers: list[tuple[str, Mapping[str, str]]] = []
        self.error: AwsError | None = None

    def guard(self, context: Context, access: Access) -> Guard | None:
        return Guard(ACCOUNT, Policy("own", compile_document(json.dumps(POLICY), Use.RESOURCE)))

    def hear(self, context: Context, told: Any) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        self.askers.append((context.principal.arn, context.source))
        self.heard.append(told)
        return {}

    @property
    def records(self) -> list[Any]:
        """Those of all messages but the test event."""
        return [record for each in self.heard for record in each.get("Records", ())]


class Queues(Destination):
    service: ClassVar[str] = "sqs"

    @operation("SendMessage")
    async def send(self, context: Context, request: Request) -> dict[str, Any]:
        return self.hear(context, json.loads(request["MessageBody"]))


class Topics(Destination):
    service: ClassVar[str] = "sns"

    @operation("Publish")
    async def publish(self, context: Context, request: Request) -> dict[str, Any]:
        assert request["Subject"] == "Amazon S3 Notification"
        return self.hear(context, json.loads(request["Message"]))


class Functions(Destination):
    service: ClassVar[str] = "lambda"

    @operation("Invoke")
    async def invoke(self, context: Context, request: Request) -> dict[str, Any]:
        dry = request["InvocationType"] == "DryRun"
        return {"StatusCode": 204 if dry else 202} | self.hear(context, {} if dry else json.loads(request["Payload"]))


class EventBuses(Destination):
    service: ClassVar[str] = "events"

    @operation("PutEvents")
    async def put(self, context: Context, request: Request) -> dict[str, Any]:
        [entry] = request["Entries"]
        return {"FailedEntryCount": 0} | self.hear(context, {**entry, "Detail": json.loads(entry["Detail"])})


def listener(world: World) -> list[tuple[str, dict[str, Any]]]:
    """(subject, message) of all that is published of S3's events from now on."""
    heard: list[tuple[str, dict[str, Any]]] = []
    world.connect_actors().subscribe("evt.s3.>", lambda message: heard.append((message.subject, unpack(message.data))))
    return heard
