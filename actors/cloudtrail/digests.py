"""Digest files: every hour, per region, the hashes of the log files that were put, signed, chained to the one before:
`aws cloudtrail validate-logs` finds every file that was changed, removed or forged.

    <prefix>/AWSLogs/<account>/CloudTrail-Digest/<region>/yyyy/mm/dd/
        <account>_CloudTrail-Digest_<region>_<trail>_<home region>_<time>.json.gz

The key stands in the shard under  signing  and is made when it is first needed.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any

import orjson

from actors.cloudtrail import buckets, trails
from actors.cloudtrail.errors import InvalidTimeRange
from actors.cloudtrail.trails import Trail
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.client import Client
from bus.codec import pack, unpack

if TYPE_CHECKING:
    from actors.cloudtrail.delivery import File

DIGEST_WAIT_S = 3600.0
KEY_BITS = 2048
KEY_VALID_S = 10 * 365 * 86400.0
ALGORITHM = "SHA256withRSA"
SIGNING = b"signing"

Answer = dict[str, Any]
Place = tuple[str, str, str]


def note(trail: Trail, files: "Sequence[File]", now: float) -> None:
    """Files that the next digest of their region is to have; every region's hour begins with its first."""
    digests = trail["digests"]
    for region in {trail["region"], *(file.region for file in files)}:
        digests.setdefault(region, {"start": now, "files": [], "previous": None})
    for file in files:
        digests[file.region]["files"].append({
            "s3Bucket": trail["bucket"], "s3Object": file.key, "hashValue": file.hash, "hashAlgorithm": "SHA-256",
            "newestEventTime": file.newest, "oldestEventTime": file.oldest})


async def deliver(shard: Shard, client: Client, now: float, place: Place) -> None:
    """Puts the digests that are due; a region whose digest cannot be put keeps its files for the next."""
    trail: Trail | None = shard.read(lambda view: trails.load(view, *place))
    due = [] if trail is None else [region for region, each in trail["digests"].items()
                                    if now - each["start"] >= DIGEST_WAIT_S]
    for region in due:
        assert trail is not None
        signing = await shard.transact(signing_key)
        key, inside, signature = digest(trail, region, now, signing)
        error = await buckets.put(client, trail, key, gzip.compress(inside, mtime=0), "application/json",
                          {"signature": signature, "signature-algorithm": ALGORITHM})
        outcome = {"digest_error": error} if error else {"digest_error": "", "digest_success": now}
        previous = None if error else {"bucket": trail["bucket"], "key": key, "hash": sha256(inside).hexdigest(),
                                       "signature": signature}
        await shard.transact(partial(
            _committed, place=place, region=region, now=now, outcome=outcome, previous=previous))


def _committed(
    transaction: Transaction, place: Place, region: str, now: float, outcome: Answer, previous: Answer | None
) -> None:
    trail = trails.load(transaction, *place)
    if trail is None or region not in trail["digests"]:
        return
    trail["last"] = {**trail["last"], **outcome}
    if previous is not None:
        trail["digests"][region] = {"start": now, "files": [], "previous": previous}
    trails.save(transaction, trail)


def digest(trail: Trail, region: str, now: float, signing: Mapping[str, Any]) -> tuple[str, bytes, str]:
    """(key, JSON, signature) of a region's digest of what was put until `now`."""
    each, account, end = trail["digests"][region], trail["account"], datetime.fromtimestamp(now, UTC)
    previous, files = each["previous"] or {}, each["files"]
    key = (f"{trails.root_of(trail)}CloudTrail-Digest/{region}/{end:%Y/%m/%d}/{account}_CloudTrail-Digest_{region}_"
           f"{trail['name']}_{trail['region']}_{end:%Y%m%dT%H%M%SZ}.json.gz")
    inside = orjson.dumps({
        "awsAccountId": account, "digestStartTime": _moment(each["start"]), "digestEndTime": _moment(now),
        "digestS3Bucket": trail["bucket"], "digestS3Object": key, "digestPublicKeyFingerprint": signing["fingerprint"],
        "digestSignatureAlgorithm": ALGORITHM,
        "newestEventTime": max((file["newestEventTime"] for file in files), default=None),
        "oldestEventTime": min((file["oldestEventTime"] for file in files), default=None),
        "previousDigestS3Bucket": previous.get("bucket"), "previousDigestS3Object": previous.get("key"),
        "previousDigestHashValue": previous.get("hash"), "previousDigestHashAlgorithm": "SHA-256" if previous else None,
        "previousDigestSignature": previous.get("signature"), "logFiles": files,
    })
    to_sign = (f"{_moment(now)}\n{trail['bucket']}/{key}\n{sha256(inside).hexdigest()}\n"
               f"{previous.get('signature') or 'null'}")
    return key, inside, _sign(signing["private"], to_sign.encode())


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The key

def signing_key(transaction: Transaction) -> Answer:
    """{private (PKCS #8, DER), public (PKCS #1, DER), fingerprint, created}."""
    row = transaction.get(SIGNING)
    if row is not None:
        known: Answer = unpack(row)
        return known
    made = {"v": 1, "created": transaction.now(), **_generate()}
    transaction.put(SIGNING, pack(made))
    return made


def public_keys(view: Snapshot, request: Mapping[str, Any]) -> Answer:
    """Those valid at some time between StartTime and EndTime."""
    first, last = request.get("StartTime"), request.get("EndTime")
    if first is not None and last is not None and first > last:
        raise InvalidTimeRange
    row = view.get(SIGNING)
    if row is None:
        return {"PublicKeyList": []}
    key = unpack(row)
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (key["created"], key["created"] + KEY_VALID_S))
    if (last is not None and last < start) or (first is not None and first > end):
        return {"PublicKeyList": []}
    return {"PublicKeyList": [{"Value": key["public"], "ValidityStartTime": start, "ValidityEndTime": end,
                               "Fingerprint": key["fingerprint"]}]}


def _generate() -> Answer:
    from cryptography.hazmat.primitives import serialization as forms  # late: 30 ms, and rarely needed
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(65537, KEY_BITS)
    public = private.public_key().public_bytes(forms.Encoding.DER, forms.PublicFormat.PKCS1)
    secret = private.private_bytes(forms.Encoding.DER, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    return {"private": secret, "public": public, "fingerprint": md5(public, usedforsecurity=False).hexdigest()}


def _sign(private: bytes, text: bytes) -> str:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    key = load_der_private_key(private, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()
