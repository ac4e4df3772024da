"""Trails' buckets, as cloudtrail.amazonaws.com meets them: it asks S3 for a trail, and the bucket's policy decides.

A policy may say for which trail (aws:SourceArn, aws:SourceAccount) and that the bucket's owner is to have what is put
(s3:x-amz-acl). Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""

from functools import partial
from typing import Any

from actors.cloudtrail import trails
from actors.cloudtrail.errors import InsufficientS3BucketPolicy, S3BucketDoesNotExist
from actors.cloudtrail.trails import Trail
from actors.runtime.principals import SERVICE_PREFIX
from bus.client import Client
from bus.subjects import SERVICE
from bus.transport import BusError
from schemas import checksums
from schemas.envelope import Identity
from schemas.errors import AwsError

OWNER_ACL = "bucket-owner-full-control"
_GONE = frozenset({"NoSuchBucket", "NotFound", "404"})
_REFUSED = frozenset({"AccessDenied", "AllAccessDisabled"})


async def put(client: Client, trail: Trail, key: str, body: bytes, kind: str, metadata: dict[str, str]) -> str:
    """"" when S3 has it, else why not, as LatestDeliveryError has it: S3's code."""
    return await _asked(client, trail, "PutObject", {
        **_object(key), **_body(body), "ContentType": kind, "ContentEncoding": "gzip", "Metadata": metadata})


async def check(client: Client, trail: Trail) -> None:
    """Is the bucket there, and are log files let in? S3BucketDoesNotExist, InsufficientS3BucketPolicy.

    S3 is asked to put under a condition that it knows for reads alone: it says so to whoever may put, and nothing is
    put. A condition that names an ETag would ask for more, for leave to read. S3's absence shows when files are put.
    """
    probe = {**_object(f"{trails.root_of(trail)}CloudTrail/{trail['region']}/"), **_body(b""), "IfMatch": "*"}
    for operation, params in (("GetBucketAcl", {}), ("PutObject", probe)):
        code = await _asked(client, trail, operation, params)
        if code in _GONE:
            raise S3BucketDoesNotExist(trail["bucket"])
        if code in _REFUSED:
            raise InsufficientS3BucketPolicy(trail["bucket"])


def _object(key: str) -> dict[str, Any]:
    return {"Key": key, "ServerSideEncryption": "AES256", "ACL": OWNER_ACL}


def _body(body: bytes) -> dict[str, Any]:
    """With the digest that a bucket with a lock asks for."""
    return {"Body": body, "ContentMD5": checksums.md5_text(body)}


async def _asked(client: Client, trail: Trail, operation: str, params: dict[str, Any]) -> str:
    """S3's code, "" for its consent. The bucket may be in another region than the trail."""
    ask = partial(
        client.call, "s3", operation, {"Bucket": trail["bucket"], **params},
        identity=Identity(SERVICE, trail["account"], f"{SERVICE_PREFIX}cloudtrail"),
        source={"arn": trails.arn(trail), "account": trail["account"]})
    try:
        try:
            await ask(region=trail["region"])
        except AwsError as error:
            region = error.fields.get("Headers", {}).get("x-amz-bucket-region")
            if error.error_code != "PermanentRedirect" or not region:
                raise
            await ask(region=region)
    except AwsError as error:
        return error.error_code
    except BusError:
        return "ServiceUnavailable"
    return ""
