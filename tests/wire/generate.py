"""Values for botocore's shapes from one seed, of every kind, within what the wire of a protocol can tell apart."""

import random
import string
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DEPTH_MAX = 4
_LETTERS = string.ascii_letters + string.digits
_ANY = _LETTERS + " %/?#[]@!$&'()*+,;:=<>\"\\~-_.|{}^`\t\nàßΩ漢字😹"
_LABEL = _LETTERS + " %/?#[]@!$&'()*+,;:=<>\"\\~-_.漢😹"
_HEADER = _LETTERS + " %/?#[]@!$&'()*+;:=<>~-_.|"


@dataclass
class Generator:
    """`form`: query and ec2, which cannot say an empty container. `xml`: nor an empty flattened one.
    `client`: values a client would send (requests); else what a service would answer."""

    seed: str
    protocol: str
    client: bool
    full: bool = False                             # every member, not a random half

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.form = self.protocol in ("query", "ec2") and self.client
        self.xml = self.protocol in ("query", "ec2", "rest-xml")

    def structure(self, shape: Any, depth: int = 0, skip: Callable[[str, Any], bool] | None = None) -> Any:
        members = {name: member for name, member in shape.members.items() if skip is None or not skip(name, member)}
        if shape.is_tagged_union and members:
            name = self.random.choice(sorted(members))
            value = self.member(members[name], depth + 1)
            return {name: value} if value is not None else self._scalar_member(members, depth)
        required = set(shape.required_members)
        made = {}
        for name, member in members.items():
            always = name in required or self._must(shape, name, member)
            if self.full or always or self.random.random() < 0.5:
                value = self.member(member, depth + 1, always)
                if value is not None:
                    made[name] = value
        return made

    def _must(self, shape: Any, name: str, member: Any) -> bool:
        """A path needs its labels. An answer always has a status and, where it is a payload, a body."""
        traits = member.serialization
        if self.client:
            return traits.get("location") == "uri" or bool(traits.get("hostLabel"))
        if traits.get("location") in ("statusCode", "headers") or shape.serialization.get("payload") == name:
            return True
        return traits.get("location") == "header" and str(traits.get("name")).lower() == "content-type"

    def _scalar_member(self, members: dict[str, Any], depth: int) -> Any:
        for name, member in members.items():
            if (value := self.member(member, depth + 1, always=True)) is not None:
                return {name: value}
        return None

    def member(self, shape: Any, depth: int, always: bool = False) -> Any:
        """None: nothing the wire could carry, or too deep."""
        kind, traits = shape.type_name, shape.serialization
        if kind in ("structure", "list", "map") and depth > (DEPTH_MAX + 4 if always else DEPTH_MAX):
            return None
        if kind == "structure":
            if shape.is_document_type:
                return self.document(0)
            value = self.structure(shape, depth)
            empty_says_nothing = self.form or "payload" in traits
            return None if value is None or (not value and (empty_says_nothing or shape.is_tagged_union)) else value
        if kind == "list":
            return self.items(shape, depth)
        if kind == "map":
            return self.entries(shape, depth)
        return self.scalar(shape)

    def items(self, shape: Any, depth: int) -> Any:
        says_empty = not self.form and not self.xml and "location" not in shape.serialization
        count = self.random.choice((0, 1, 2) if says_empty else (1, 2, 3))
        items = [self.member(_inside(shape.member, shape), depth + 1, always=True) for _ in range(count)]
        found = [item for item in items if item is not None]
        return found if found or (not self.form and not self.xml and not count) else None

    def entries(self, shape: Any, depth: int) -> Any:
        made = {}
        in_headers = shape.serialization.get("location") == "headers"
        for _ in range(self.random.choice((1, 2))):
            key = self.text(string.ascii_lowercase) if in_headers else self.scalar(_inside(shape.key, shape))
            value = self.member(_inside(shape.value, shape), depth + 1, always=True)
            if value is not None:
                made[key] = value
        return made or None

    def text(self, alphabet: str) -> str:
        first = self.random.choice(_LETTERS if alphabet is not string.ascii_lowercase else alphabet)
        middle = "".join(self.random.choices(alphabet, k=self.random.randrange(6)))
        return first + middle + (self.random.choice(_LETTERS) if alphabet is not string.ascii_lowercase else "z")

    def document(self, depth: int) -> Any:
        choice = self.random.randrange(6 if depth < 2 else 4)
        if choice == 4:
            return [self.document(depth + 1) for _ in range(2)]
        if choice == 5 or depth == 0:
            return {self.text(_ANY): self.document(depth + 1) for _ in range(2)}
        return (self.text(_ANY), self.random.randrange(-1000, 1000), True, self.random.random())[choice]

    def scalar(self, shape: Any) -> Any:
        kind, location = shape.type_name, shape.serialization.get("location")
        chance = self.random
        if kind in ("string", "character"):
            if shape.serialization.get("jsonvalue") and location == "header":
                return self.document(0)
            return self.text(_alphabet(shape, location))
        if kind == "boolean":
            return chance.random() < 0.5
        if kind == "integer":
            return chance.randrange(200, 299) if location == "statusCode" else chance.randrange(-(2**31), 2**31)
        if kind == "long":
            return chance.randrange(-(2**63), 2**63)
        if kind in ("float", "double"):
            number = chance.choice((chance.uniform(-1e6, 1e6), 0.0, 1e-7, 123456789.0, float("inf"), float("nan")))
            return struct.unpack(">f", struct.pack(">f", number))[0] if kind == "float" else number
        if kind == "blob":
            size = chance.randrange(1, 12)
            return self.text(_LETTERS).encode() if not self.client else chance.randbytes(size)
        assert kind == "timestamp", kind
        return self.moment(shape, location)

    def moment(self, shape: Any, location: str | None) -> datetime:
        whole = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.random.randrange(0, 2**32))
        if location == "header" or shape.serialization.get("timestampFormat") == "rfc822":
            return whole
        return whole + timedelta(milliseconds=self.random.choice((0, 0, self.random.randrange(1000))))


def _inside(item: Any, container: Any) -> Any:
    """An item of a header's list has a header's alphabet and times."""
    if "location" in container.serialization and "location" not in item.serialization:
        item.serialization["location"] = container.serialization["location"]
    return item


def _alphabet(shape: Any, location: str | None) -> str:
    if shape.serialization.get("hostLabel"):
        return _LETTERS
    if location == "uri":
        return _LABEL
    return _HEADER if location in ("header", "headers") or shape.serialization.get("eventheader") else _ANY
