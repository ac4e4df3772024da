"""Shapes to and from XML: the bodies of rest-xml, the answers of query and ec2.

Readers take an Element, writers append text to a list. The parser knows UTF-8 only and no document type, hence no
entities. https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from gateway.protocols import scalars
from gateway.protocols.wire import NESTING_MAX, check_nesting, malformed
from schemas.models import Member, Shape

Read = Callable[[Element], Any]
Write = Callable[[list[str], Any], None]
Adapt = Callable[[Mapping[str, Write]], dict[str, Write]]


# What XML 1.0 cannot carry in any form becomes U+FFFD.
_UNWRITABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")
_TEXT = {**_UNWRITABLE, ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}
_ATTRIBUTE = {**_TEXT, ord('"'): "&quot;", ord("\n"): "&#10;", ord("\t"): "&#9;"}


def escape(text: str) -> str:
    return text if text.isalnum() else text.translate(_TEXT)


def parse_xml(body: bytes) -> Element:
    """The root. SerializationException for what is no XML, has a document type, or is nested too deep."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:
        raise malformed("Document types are not allowed, nor is any encoding but UTF-8.")    # UTF-16 is full of NULs
    parser = XMLParser(encoding="utf-8")  # noqa: S314 - without a document type there are no entities to expand
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError):
        raise malformed("The request body is not well-formed XML.") from None
    if body.count(b"<") > NESTING_MAX:
        check_nesting(_levels(root))
    return root


def _levels(root: Element) -> Iterator[list[Element]]:
    level = [root]
    while level:
        yield level
        level = [child for node in level for child in node]


def local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def element_name(member: Member) -> str:
    """legacyQueryName: schemas/extras.py."""
    return _own_name(member) or member.name


def _own_name(member: Member) -> str:
    name: str = member.trait("legacyQueryName") or member.trait("locationName") or ""
    return name


def is_flattened(member: Member) -> bool:
    return bool(member.trait("flattened"))


def item_name(shape: Shape) -> str:
    assert shape.item is not None
    return _own_name(shape.item) or ("member" if shape.kind == "list" else "value")


def key_name(shape: Shape) -> str:
    assert shape.key is not None
    return _own_name(shape.key) or "key"


# ---- in


def _text(read: Callable[[str], Any]) -> Read:
    def scalar(node: Element) -> Any:
        if len(node):
            raise malformed(f"<{local_name(node.tag)}> holds elements where text was expected.")
        return read(node.text or "")

    return scalar


def _same(text: str) -> str:
    return text


_SCALARS: dict[str, Callable[[str], Any]] = {
    "string": _same, "character": _same, "boolean": scalars.read_boolean, "integer": scalars.read_int32,
    "long": scalars.read_integer, "float": scalars.read_float, "double": scalars.read_float,
    "timestamp": scalars.read_time, "blob": lambda text: scalars.base64_bytes("".join(text.split())),
}


class XmlReaders:
    """The reading closures of one service."""

    def __init__(self) -> None:
        self._readers: dict[str, Read] = {}

    def reader(self, shape: Shape) -> Read:
        """element -> value. Unknown elements are ignored."""
        found = self._readers.get(shape.name)
        if found is not None:
            return found
        if shape.kind == "structure":
            return self._structure(shape)
        if shape.kind not in ("list", "map"):
            return self._readers.setdefault(shape.name, _text(_SCALARS[shape.kind]))
        assert shape.item is not None
        read = self.reader(shape.item.shape)
        if shape.kind == "list":
            return self._readers.setdefault(shape.name, lambda node: [read(child) for child in node])
        pair = self._pair(shape)
        return self._readers.setdefault(shape.name, lambda node: dict(map(pair, node)))

    def _structure(self, shape: Shape) -> Read:
        members: dict[str, tuple[str, Read, str]] = {}
        reader = self._readers[shape.name] = _structure_reader(members, _attributes(shape.members))
        members.update(self._table(shape.members))
        return reader

    def body(self, members: Mapping[str, Member]) -> Read:
        """For a document that holds only these members of its structure."""
        return _structure_reader(self._table(members), _attributes(members))

    def _table(self, members: Mapping[str, Member]) -> dict[str, tuple[str, Read, str]]:
        """element name -> (member, how to read one element, "" or what the flattened elements gather in)."""
        table: dict[str, tuple[str, Read, str]] = {}
        for name, member in members.items():
            shape = member.shape
            if _is_attribute(member):
                continue
            flat = shape.kind if shape.kind in ("list", "map") and is_flattened(member) else ""
            if not flat:
                table[element_name(member)] = name, self.reader(shape), ""
                continue
            assert shape.item is not None
            read = self.reader(shape.item.shape) if flat == "list" else self._pair(shape)
            table[element_name(member)] = name, read, flat
            table.setdefault(output_name(member), (name, read, flat))
        return table

    def _pair(self, shape: Shape) -> Read:
        assert shape.key is not None
        assert shape.item is not None
        key, value = key_name(shape), item_name(shape)
        read_key, read_value = self.reader(shape.key.shape), self.reader(shape.item.shape)

        def pair(node: Element) -> tuple[Any, Any]:
            found = {local_name(child.tag): child for child in node}
            if key not in found or value not in found:
                raise malformed(f"<{local_name(node.tag)}> lacks its <{key}> or <{value}>.")
            return read_key(found[key]), read_value(found[value])

        return pair


def _is_attribute(member: Member) -> bool:
    return bool(member.traits.get("xmlAttribute"))


def _attributes(members: Mapping[str, Member]) -> dict[str, str]:
    """attribute's local name -> member."""
    return {element_name(each).rpartition(":")[2]: name for name, each in members.items() if _is_attribute(each)}


def _structure_reader(members: Mapping[str, tuple[str, Read, str]], attributes: Mapping[str, str]) -> Read:
    def structure(node: Element) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for child in node:
            found = members.get(local_name(child.tag))
            if found is None:
                continue
            name, read, flat = found
            if not flat:
                made[name] = read(child)
            elif flat == "list":
                made.setdefault(name, []).append(read(child))
            else:
                key, value = read(child)
                made.setdefault(name, {})[key] = value
        if attributes:
            for tag, text in node.attrib.items():
                if local_name(tag) in attributes:
                    made[attributes[local_name(tag)]] = text
        return made

    return structure


# ---- out


def namespace(trait: Any) -> str:
    """The attribute for an xmlNamespace trait, with its leading blank; "" for none."""
    if not trait:
        return ""
    uri, prefix = (trait, "") if isinstance(trait, str) else (trait["uri"], trait.get("prefix", ""))
    return f' xmlns{":" + prefix if prefix else ""}="{uri.translate(_ATTRIBUTE)}"'


def _scalar_text(member: Member, milliseconds: bool) -> Callable[[Any], str]:
    kind = member.shape.kind
    if kind == "timestamp":
        form = member.trait("timestampFormat") or scalars.ISO
        if milliseconds and form == scalars.ISO:
            return lambda moment: _with_milliseconds(scalars.write_time(moment, form))
        return lambda moment: scalars.write_time(moment, form)
    return _SCALAR_TEXTS.get(kind, escape)


def _with_milliseconds(time: str) -> str:
    return time if "." in time else f"{time[:-1]}.000Z"


_SCALAR_TEXTS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false", "integer": str, "long": str,
    "blob": scalars.base64_text, "float": scalars.write_float, "double": scalars.write_float,
}


class XmlWriters:
    """The writing closures of one service. `milliseconds`: times have them even where they are 0, as S3's do."""

    def __init__(self, milliseconds: bool = False) -> None:
        self._milliseconds = milliseconds
        self._insides: dict[str, Mapping[str, Write]] = {}

    def element(self, member: Member, tag: str) -> Write:
        """Writes the value of `member` as <tag>…</tag>; of a flattened one, as many as it has items."""
        shape, start = member.shape, f"<{tag}{namespace(member.trait('xmlNamespace'))}"
        if shape.kind == "structure":
            return self._structure(self.inside(shape), shape.members, tag, start)
        if shape.kind in ("list", "map"):
            return self._collection(shape, tag, start, is_flattened(member))
        text, end = _scalar_text(member, self._milliseconds), f"</{tag}>"
        start += ">"
        return lambda out, value: out.append(f"{start}{text(value)}{end}")

    def inside(self, shape: Shape) -> Mapping[str, Write]:
        """member name -> its writer, for all but attributes. Shapes refer to themselves, so it fills after return."""
        found = self._insides.get(shape.name)
        if found is None:
            made: dict[str, Write] = {}
            found = self._insides[shape.name] = made
            made.update(self._elements(shape.members))
        return found

    def _elements(self, members: Mapping[str, Member]) -> dict[str, Write]:
        return {n: self.element(each, output_name(each)) for n, each in members.items() if not _is_attribute(each)}

    def root(
        self, members: Mapping[str, Member], tag: str, namespace_trait: Any, adapted: Adapt = dict
    ) -> Write:
        """A document of these members; `adapted`: their writers, where one is not what its member says."""
        inside = adapted(self._elements(members))
        return self._structure(inside, members, tag, f"<{tag}{namespace(namespace_trait)}")

    def _structure(self, inside: Mapping[str, Write], members: Mapping[str, Member], tag: str, start: str) -> Write:
        attributes = [(name, element_name(each)) for name, each in members.items() if _is_attribute(each)]
        end = f"</{tag}>"

        def structure(out: list[str], value: Any) -> None:
            out.append(start)
            for name, attribute in attributes:
                if value.get(name) is not None:
                    out.append(f' {attribute}="{value[name].translate(_ATTRIBUTE)}"')
            out.append(">")
            write_members(inside, out, value)
            out.append(end)

        return structure

    def _collection(self, shape: Shape, tag: str, start: str, flat: bool) -> Write:
        assert shape.item is not None
        start += ">"
        if shape.kind == "list":
            each = self.element(shape.item, tag if flat else item_name(shape))
        else:
            each = self._entry(shape, tag if flat else "entry")

        def items(out: list[str], value: Any) -> None:
            if not flat:
                out.append(start)
            for item in value if type(value) is list else value.items():
                if item is not None:
                    each(out, item)
            if not flat:
                out.append(f"</{tag}>")

        return items

    def _entry(self, shape: Shape, tag: str) -> Write:
        assert shape.key is not None
        assert shape.item is not None
        key = self.element(shape.key, key_name(shape))
        value = self.element(shape.item, item_name(shape))

        def entry(out: list[str], pair: Any) -> None:
            if pair[1] is not None:
                out.append(f"<{tag}>")
                key(out, pair[0])
                value(out, pair[1])
                out.append(f"</{tag}>")

        return entry


def output_name(member: Member) -> str:
    """SDKs look for a flattened list under its item's name, where that has one."""
    shape = member.shape
    if shape.kind == "list" and is_flattened(member):
        assert shape.item is not None
        return _own_name(shape.item) or element_name(member)
    return element_name(member)


def write_members(writers: Mapping[str, Write], out: list[str], value: Mapping[str, Any]) -> None:
    for name, item in value.items():
        if item is not None:
            write = writers.get(name)
            if write is not None:
                write(out, item)
