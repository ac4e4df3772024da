"""Keys and records: where an account's entities stand in the shard.

    account \\0 <kind> \\0 name in lower case       an entity: user, group, role, policy, profile, oidc, saml, mfa,
                                                  certificate (Record)
    account \\0 id \\0 <unique id>                  its kind and name
    account \\0 inline \\0 <id> \\0 policy          an inline policy's document
    account \\0 version \\0 <id> \\0 0001           a version of a managed policy
    account \\0 attached \\0 <arn> \\0 <id>         who a managed policy is attached to
    account \\0 bounded \\0 <arn> \\0 <id>          whose boundary it is
    account \\0 member \\0 <group id> \\0 <user id> and groups \\0 <user id> \\0 <group id>
    account \\0 inprofile \\0 <role id> \\0 <profile id>
    account \\0 key \\0 <user id> \\0 AKIA…         an access key; \\0key \\0 AKIA… says whose
    account \\0 service \\0 <user id> \\0 ACCA…     a service-specific credential, ssh APKA…, signing <certificate id>
    account \\0 login \\0 <user id>               a password; account \\0 passwords its policy
    account \\0 device \\0 <user id> \\0 <MFA id>   which MFA devices are a user's
    \\0 sealed \\0 <name>                           {account, parts}: where a secret stands that is sealed for that name
    \\0session \\0 ASIA…                              temporary credentials (sessions.py); \\0expiry \\0 time \\0 ASIA…
    account \\0 preferences                        {token_version}: what STS's global endpoint gives out
    account \\0 alias                              the account's alias; \\0alias \\0 name says whose

Rows that belong to an entity stand under its unique id, so renaming one rewrites two rows. Names are unique in lower
case.
"""

import base64
import os
import re
from collections.abc import Iterator
from typing import Any, cast

from actors.iam.errors import EntityAlreadyExists, NoSuchEntity, ValidationError
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import pack, unpack

RECORD_VERSION = 1
USER, GROUP, ROLE, POLICY, PROFILE = "user", "group", "role", "policy", "profile"
OIDC, SAML, MFA, CERTIFICATE = "oidc", "saml", "mfa", "certificate"

Record = dict[str, Any]

# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
_ID_PREFIXES = {USER: "AIDA", GROUP: "AGPA", ROLE: "AROA", POLICY: "ANPA", PROFILE: "AIPA", CERTIFICATE: "ASCA",
                OIDC: "AOIP", SAML: "ASPR", MFA: "AMFA"}     # the last three are never shown
ID_CHARACTERS = 21
_PATH = re.compile(r"/([!-~]+/)?\Z")
_CHANCE_BYTES = 15                            # 24 characters, of which the first are used
ARN_WORDS = {USER: "user", GROUP: "group", ROLE: "role", POLICY: "policy", PROFILE: "instance-profile",
             OIDC: "oidc-provider", SAML: "saml-provider", MFA: "mfa", CERTIFICATE: "server-certificate"}
_WHOLE = (OIDC, MFA)                          # their names are all that stands in the ARN behind the kind
_MISSING = {
    USER: "The user with name {} cannot be found.", GROUP: "The group with name {} cannot be found.",
    ROLE: "The role with name {} cannot be found.", PROFILE: "Instance Profile {} cannot be found.",
    POLICY: "Policy {} was not found.",
    OIDC: "OpenIDConnect Provider not found for arn {}", SAML: "Manifest not found for arn {}",
    MFA: "MFA Device with serial number {} does not exist.",
    CERTIFICATE: "The Server Certificate with name {} cannot be found.",
}
_THERE = {
    USER: "User with name {} already exists.", GROUP: "Group with name {} already exists.",
    ROLE: "Role with name {} already exists.", PROFILE: "Instance Profile {} already exists.",
    POLICY: "A policy called {} already exists. Duplicate names are not allowed.",
    OIDC: "Provider with url https://{} already exists.", SAML: "SAMLProvider {} already exists.",
    MFA: "MFA device already exists.",
    CERTIFICATE: "The Server Certificate with name {} already exists.",
}


def new_id(prefix: str) -> str:
    """A unique id: A-Z and 2-7 by chance, 80 bits and more, behind the prefix that says of what kind."""
    return prefix + base64.b32encode(os.urandom(_CHANCE_BYTES)).decode()[:ID_CHARACTERS - len(prefix)]


def checked_path(kind: str, path: str) -> str:
    """ValidationError where it is none. A managed policy's is told by the model, a provider's is always "/"."""
    if not _PATH.match(path) and kind != POLICY:
        raise ValidationError("The specified value for path is invalid. It must begin and end with / and contain only "
                              "alphanumeric characters and/or / characters.")
    return path


class Book:
    """One account's entities, in one transaction or snapshot."""

    def __init__(self, view: Snapshot, account: str) -> None:
        self.account = account
        self._view = view

    # Rows

    def row(self, *parts: str) -> Record | None:
        found = self._view.get(_key(self.account, *parts))
        return None if found is None else cast("Record", unpack(found))

    def put(self, record: Record, *parts: str) -> None:
        self._transaction().put(_key(self.account, *parts), pack({"v": RECORD_VERSION, **record}))

    def drop(self, *parts: str) -> None:
        self._transaction().delete(_key(self.account, *parts))

    def rows(self, *parts: str, after: str = "") -> Iterator[tuple[str, Record]]:
        """(last part of the key, record) of what stands under `parts`, in order, behind `after`."""
        start = _key(self.account, *parts, "")
        stop = start[:-1] + b"\1"
        for key, value in self._view.scan(start + after.encode() + b"\0" if after else start, stop):
            yield key[len(start):].decode(), cast("Record", unpack(value))

    def any(self, *parts: str) -> bool:
        return next(self.rows(*parts), None) is not None

    def elsewhere(self, account: str) -> "Book":
        """Another account's, "" for what all accounts share."""
        return Book(self._view, account)

    def _transaction(self) -> Transaction:
        return cast("Transaction", self._view)

    # Entities

    def find(self, kind: str, name: str) -> Record | None:
        found = self.row(kind, name.lower())
        return found if found is not None and found["name"] == name else None

    def get(self, kind: str, name: str) -> Record:
        found = self.find(kind, name)
        if found is None:
            raise NoSuchEntity(_MISSING[kind].format(name))
        return found

    def find_id(self, unique_id: str) -> Record | None:
        pointer = self.row("id", unique_id)
        return None if pointer is None else self.row(pointer["kind"], pointer["name"])

    def find_arn(self, kind: str, arn: str) -> Record | None:
        """The entity of that very ARN, its path included."""
        word = f":{ARN_WORDS[kind]}/"
        rest = arn.partition(word)[2]
        record = self.find(kind, rest) if kind in _WHOLE else None
        record = record or self.find(kind, rest.rpartition("/")[2])
        return record if record is not None and self.arn(record) == arn else None

    def get_arn(self, kind: str, arn: str) -> Record:
        found = self.find_arn(kind, arn)
        if found is None:
            raise NoSuchEntity(_MISSING[kind].format(arn))
        return found

    def by_id(self, unique_id: str) -> Record:
        """Of one that is there."""
        found = self.find_id(unique_id)
        assert found is not None, unique_id
        return found

    def create(self, kind: str, name: str, path: str, created: float, **members: Any) -> Record:
        """EntityAlreadyExists when the name is taken, in whatever case."""
        checked_path(kind, path)
        self.refuse_taken(kind, name)
        record = {"kind": kind, "name": name, "path": path, "id": new_id(_ID_PREFIXES[kind]),
                  "created": created, "tags": {}, **members}
        self.save(record)
        self.put({"kind": kind, "name": name.lower()}, "id", record["id"])
        return record

    def refuse_taken(self, kind: str, name: str) -> None:
        if self.row(kind, name.lower()) is not None:
            raise EntityAlreadyExists(_THERE[kind].format(name))

    def save(self, record: Record) -> None:
        self.put(record, record["kind"], record["name"].lower())

    def rename(self, record: Record, name: str) -> None:
        if name.lower() != record["name"].lower():
            self.refuse_taken(record["kind"], name)
            self.drop(record["kind"], record["name"].lower())
        record["name"] = name
        self.save(record)
        self.put({"kind": record["kind"], "name": name.lower()}, "id", record["id"])

    def remove(self, record: Record) -> None:
        self.drop(record["kind"], record["name"].lower())
        self.drop("id", record["id"])

    def arn(self, record: Record) -> str:
        return f"arn:aws:iam::{self.account}:{ARN_WORDS[record['kind']]}{record['path']}{record['name']}"


def _key(account: str, *parts: str) -> bytes:
    return "\0".join((account, *parts)).encode()
