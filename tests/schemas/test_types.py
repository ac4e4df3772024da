"""The stubs say what the models say: those in the tree are current, and any service's would be valid Python."""

import ast

import pytest

from schemas.models import load
from schemas.types.__main__ import HERE, stub_of

STUBS = sorted(HERE.glob("*.pyi"))


@pytest.mark.parametrize("path", STUBS, ids=lambda path: path.stem)
def test_stubs_are_current(path: object) -> None:
    stub = next(stub for stub in STUBS if stub == path)
    assert stub.read_text() == stub_of(load(stub.stem)), f"run: python -m schemas.types {stub.stem}"


# Odd names (`Type`, keywords, `x-amz-…`), documents, streams, recursion: each of these services has some.
@pytest.mark.parametrize("service", ["lambda", "s3", "bedrock-runtime", "lexv2-runtime", "iam", "medialive", "sts"])
def test_any_service_makes_valid_python(service: str) -> None:
    model = load(service)
    tree = ast.parse(stub_of(model))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    inputs = {operation.input.name for operation in model.operations.values() if operation.input}
    assert inputs <= classes | {ast.unparse(node).split(" ")[0] for node in tree.body}


def test_a_member_is_required_where_the_model_says_so() -> None:
    text = stub_of(load("dynamodb"))
    assert "class PutItemInput(TypedDict, total=False):\n    TableName: Required[str]\n" in text
    assert "    M: dict[str, AttributeValue]\n    L: list[AttributeValue]\n" in text
