"""The operations on notification configurations. Destinations are asked first: are they there, do they let S3 in?

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3.access import bucket_of
from actors.s3.delivering import TIMEOUT_S, Place, as_s3, asked, place_of
from actors.s3.errors import InvalidArgument, S3Error
from actors.s3.events import moment
from actors.s3.notifications import KIND, LISTS, WATCHED, checked, destinations
from bus.client import Client
from bus.transport import BusError
from schemas.errors import AwsError

_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "KMS.AccessDeniedException")

Request = Mapping[str, Any]
Answer = dict[str, Any]


class InvalidDestinations(S3Error):
    code, words = "InvalidArgument", "Unable to validate the following destination configurations"


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    return dict(bucket_of(context, snapshot, request).configuration(KIND) or {})


async def put(shard: Shard, client: Client, context: Context, request: Request) -> Answer:
    """Its destinations are asked before it is kept, unless the request says not to. InvalidArgument, MalformedXML."""
    document = checked(request["NotificationConfiguration"])
    owner = shard.read(lambda snapshot: bucket_of(context, snapshot, request).owner)
    if any(place_of(arn).region != context.region for arn in destinations(document)):
        raise InvalidArgument("The notification destination service region is not valid for the bucket location "
                              "constraint")
    if not request.get("SkipDestinationValidation"):
        await validate(client, context, owner, request["Bucket"], destinations(document))
    await shard.transact(lambda transaction: _keep(context, transaction, request, document))
    return {}


def _keep(context: Context, transaction: Transaction, request: Request, document: Answer) -> None:
    bucket = bucket_of(context, transaction, request)
    bucket.record[WATCHED] = bool(document)
    bucket.configure(KIND, document or None)


async def validate(client: Client, context: Context, owner: str, bucket: str, arns: list[str]) -> None:
    """Sends SQS and SNS AWS's test event, and asks Lambda for a dry run. InvalidArgument, naming all that fail."""
    failed: dict[str, Any] = {}
    for arn in arns:
        place = place_of(arn)
        operation, params = _test(place, bucket, context)
        try:
            await client.call(place.service, operation, params, timeout_s=TIMEOUT_S, **as_s3(place, bucket, owner))
        except (BusError, AwsError) as error:
            number = len(failed) // 2 + 1
            name, value = _refusal(place, error)
            failed |= {f"ArgumentName{number}": name, f"ArgumentValue{number}": value}
    if failed:
        raise InvalidDestinations(**failed)


def _test(place: Place, bucket: str, context: Context) -> tuple[str, dict[str, Any]]:
    if place.service == "lambda":
        return "Invoke", {"FunctionName": place.arn, "InvocationType": "DryRun"}
    return asked(place, {
        "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": moment(context.now), "Bucket": bucket,
        "RequestId": context.request_id, "HostId": context.request_id})


def _refusal(place: Place, error: BusError | AwsError) -> tuple[str, str]:
    if place.service == "lambda":
        return f"{place.arn}, null", f"Not authorized to invoke function [{place.arn}]"
    what = "queue" if place.service == "sqs" else "topic"
    if isinstance(error, AwsError) and error.error_code in _DENIED:
        return place.arn, (f"Permissions on the destination {what} do not allow S3 to publish notifications from this "
                           "bucket")
    return place.arn, f"The destination {what} does not exist"


# Their older forms: at most one configuration of each kind


_OLDER = {"TopicConfiguration": "Topic", "QueueConfiguration": "Queue", "CloudFunctionConfiguration": "CloudFunction"}


def get_older(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    found, answer = get(context, snapshot, request), {}
    for (older, arn), (name, (member, _, _)) in zip(_OLDER.items(), LISTS.items(), strict=True):
        for each in found.get(name, ())[:1]:
            answer[older] = {"Id": each["Id"], "Events": each["Events"], "Event": each["Events"][0], arn: each[member]}
    return answer


def of_older(request: Request) -> Answer:
    """PutBucketNotification's request as PutBucketNotificationConfiguration's."""
    given, document = request["NotificationConfiguration"], {}
    for (older, arn), (name, (member, _, _)) in zip(_OLDER.items(), LISTS.items(), strict=True):
        each = given.get(older)
        if each:
            events = each.get("Events") or ([each["Event"]] if each.get("Event") else [])
            document[name] = [{"Id": each.get("Id"), "Events": events, member: each.get(arn)}]
    return {**request, "NotificationConfiguration": document}
