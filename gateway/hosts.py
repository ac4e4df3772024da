"""What a host name says: which service, which region, which bucket of S3's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from schemas.index import Entry, Index
from schemas.models import index

# Hosts end in one of these; what stands before names bucket, service and region.
DOMAINS = ("localhost.localstack.cloud", "amazonaws.com.cn", "amazonaws.com", "api.aws", "localhost")
REMEMBERED = 4096
LIMIT_CHARACTERS = 260                    # a longer one is no name of DNS

# S3's words for its hosts; a region may follow the word: `s3-eu-west-1`.
_POINTS = ("s3-accesspoint", "s3-accesspoint-fips")
_S3_WORDS = ("s3-website", "s3-accelerate", "s3-fips", *_POINTS, "s3")
_POINT = re.compile("(.+)-([0-9]{12})")


@dataclass(frozen=True, slots=True)
class Host:
    """`bucket.s3.eu-west-1.amazonaws.com`. Empty where it says nothing. `bucket`: or an access point's ARN, in the form
    without a slash."""

    entries: tuple[Entry, ...] = ()
    region: str = ""
    bucket: str = ""


def host_of(headers: Mapping[str, str], *, s3: bool = False) -> Host:
    """What a request's Host says; what is no name of DNS says nothing."""
    host = headers.get("host", "")
    return _remembered(host, s3) if len(host) <= LIMIT_CHARACTERS else Host()


@lru_cache(REMEMBERED)
def _remembered(host: str, s3: bool) -> Host:
    return parse_host(host, index(), s3=s3)


def parse_host(host: str, known: Index, *, s3: bool = False) -> Host:
    """`[bucket.]s3[.dualstack][.region]`, `name-account.s3-accesspoint[…]`, `[prefix.]service[.region]` before one of
    DOMAINS; an address or a bare domain is nothing. `s3`: the request is S3's, so that `bucket.localhost` is a bucket
    too."""
    name = host.rpartition(":")[0] if host[-1:].isdigit() and ":" in host else host
    name = name.lower()
    domain = next((domain for domain in DOMAINS if name.endswith(domain)), "")
    if not domain or not name.endswith(f".{domain}"):
        return Host()
    labels = name[:-len(domain) - 1].split(".")
    region = labels.pop() if len(labels) > 1 and _is_region(labels[-1]) else ""
    before = labels[:-1] if labels[-1] == "dualstack" else labels
    word, dashed = _s3_label(before[-1]) if before else ("", "")
    if word:
        bucket = ".".join(before[:-1])
        return Host(known.by_endpoint_prefix("s3"), region or dashed,
                    _point(bucket, region) if word in _POINTS else bucket)
    if s3:
        return Host((), region, ".".join(labels))
    for start in range(len(labels)):
        entries = known.by_endpoint_prefix(".".join(labels[start:]))
        if entries:
            return Host(entries, region)
    return Host((), region)


def _point(label: str, region: str) -> str:
    """The ARN of the access point that `<name>-<account>` is; one that nothing has for another label."""
    found = _POINT.fullmatch(label)
    name, account = found.groups() if found else (label, "")
    return f"arn:aws:s3:{region}:{account}:accesspoint:{name}"


def _s3_label(label: str) -> tuple[str, str]:
    """S3's word in a label and the region behind it, "" for none."""
    for word in _S3_WORDS:
        if label == word:
            return word, ""
        if label.startswith(f"{word}-") and _is_region(label[len(word) + 1:]):
            return word, label[len(word) + 1:]
    return "", ""


def _is_region(label: str) -> bool:
    """`eu-west-1`, `us-gov-east-1`, `us-iso-b-1` …: words and a number."""
    words = label.split("-")
    return len(words) >= 3 and words[-1].isdigit() and all(word.isalpha() for word in words[:-1]) \
        and len(words[0]) <= 4
