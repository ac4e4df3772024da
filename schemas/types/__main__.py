"""Writes schemas/types/<service>.pyi for the services named, or for those already there."""

import keyword
import sys
from collections.abc import Iterator
from pathlib import Path

from schemas.models import Member, Service, Shape, load

HERE = Path(__file__).parent
HEAD = '"""The shapes of {name} ({version}), made by `python -m schemas.types {name}`. Not to be edited."""\n'
_SCALARS = {
    "string": "str", "character": "str", "integer": "int", "long": "int", "float": "float", "double": "float",
    "boolean": "bool", "blob": "bytes", "timestamp": "datetime",
}


def stub_of(service: Service) -> str:
    """The stub's text: one TypedDict for each structure that an operation's input or output reaches, by name."""
    structures = {shape.name: shape for shape in _reached(service) if shape.kind == "structure"}
    body = "\n".join(_typed_dict(structures[name]) for name in sorted(structures))
    imports = [line for word, line in (
        ("datetime", "from datetime import datetime"),
        ("TypedDict", _typing_import(body)),
    ) if word in body]
    head = HEAD.format(name=service.name, version=service.metadata["apiVersion"])
    return head + "\n" + "\n".join(imports) + "\n\n" + body


def _typing_import(body: str) -> str:
    words = [word for word in ("Any", "Required", "TypedDict") if word in body]
    return f"from typing import {', '.join(words)}"


def _reached(service: Service) -> Iterator[Shape]:
    pending = [
        shape for operation in service.operations.values() for shape in (operation.input, operation.output) if shape
    ]
    seen: set[Shape] = set()
    while pending:
        shape = pending.pop()
        if shape in seen:
            continue
        seen.add(shape)
        yield shape
        pending += [member.shape for member in (*shape.members.values(), shape.item, shape.key) if member is not None]


def _typed_dict(shape: Shape) -> str:
    """A class where every member can be an attribute's name, else the functional form; members in the model's order."""
    name = _class_name(shape.name)
    fields = {member: _field(shape, member) for member in shape.members}
    if not all(member.isidentifier() and not keyword.iskeyword(member) for member in fields):
        inside = ", ".join(f'"{member}": {text}' for member, text in fields.items())
        return f'{name} = TypedDict("{name}", {{{inside}}}, total=False)\n'
    if not fields:
        return f"class {name}(TypedDict): ...\n"
    lines = "".join(f"    {member}: {text}\n" for member, text in fields.items())
    return f"class {name}(TypedDict, total=False):\n{lines}"


def _field(shape: Shape, name: str) -> str:
    text = _type(shape.members[name])
    return f"Required[{text}]" if name in shape.required else text


def _type(member: Member | None) -> str:
    assert member is not None
    shape = member.shape
    if any(member.trait(trait) for trait in ("document", "streaming", "jsonvalue", "eventstream")):
        return "Any"
    if shape.kind == "structure":
        return _class_name(shape.name)
    if shape.kind == "list":
        return f"list[{_type(shape.item)}]"
    if shape.kind == "map":
        return f"dict[str, {_type(shape.item)}]"
    return _SCALARS[shape.kind]


def _class_name(name: str) -> str:
    """Shapes named like one of ours (`Any`), or like a keyword, get a trailing underscore."""
    return f"{name}_" if name in ("Any", "Required", "TypedDict", "datetime") or keyword.iskeyword(name) else name


def main(names: list[str]) -> None:
    for name in names or sorted(path.stem for path in HERE.glob("*.pyi")):
        (HERE / f"{name}.pyi").write_text(stub_of(load(name)))


if __name__ == "__main__":
    main(sys.argv[1:])
