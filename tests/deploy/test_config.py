"""Settings: one name in four places, and which place wins. The rule stands at the top of deploy/config.py."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.config import Config, Setting, declared, flat, resolve
from deploy.failures import UsageError

HOME = {"HOME": "/home/somebody"}
SETTINGS = {item.name: item for item in declared()}
FREE = [item for item in SETTINGS.values() if item.name not in ("host", "auth", "account_id", "root_access_key")]


def values_of(item: Setting) -> st.SearchStrategy[str]:
    if item.choices:
        return st.sampled_from(item.choices)
    if item.kind is bool:
        return st.sampled_from(["true", "false"])
    if item.kind is int:
        return st.integers(*item.span).map(str)
    if item.kind is Path:
        return st.text("abc/", min_size=1, max_size=8).map(lambda text: str(Path("/" + text)))
    return st.text("abcdefgh", min_size=1, max_size=8)


@st.composite
def sources(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Some settings in the flags, some in the environment, some in the file; any of them in several."""
    def some() -> dict[str, str]:
        chosen = draw(st.lists(st.sampled_from(FREE), unique=True, max_size=6))
        return {item.name: draw(values_of(item)) for item in chosen}

    return some(), some(), some()


@given(sources())
def test_flags_before_environment_before_file_before_defaults(
    drawn: tuple[dict[str, str], dict[str, str], dict[str, str]],
) -> None:
    flags, environment, file = drawn
    variables = HOME | {SETTINGS[name].environment: value for name, value in environment.items()}
    found = flat(resolve(flags, variables, file))
    for name, item in SETTINGS.items():
        expected = (file | environment | flags).get(name)
        if name == "durability" and found["ephemeral"] == "true":
            assert found[name] == "os"
        elif expected is not None:
            assert found[name] == expected
        elif name == "data_dir":
            assert found[name] == "/home/somebody/.local/share/skybus"
        elif item.default is not None:
            assert found[name] == flat(resolve({}, HOME, {}))[name]


# Child processes get the settings as text (run.json): nothing may be lost on that way.
@given(sources())
def test_text_and_back_is_the_same(drawn: tuple[dict[str, str], dict[str, str], dict[str, str]]) -> None:
    config = resolve(drawn[0], HOME, {})
    assert resolve(json.loads(json.dumps(flat(config))), {}, {}) == config


@pytest.mark.parametrize(("environment", "expected"), [
    ({"XDG_DATA_HOME": "/x"}, "/x/skybus"),
    ({"XDG_DATA_HOME": "relative", "HOME": "/h"}, "/h/.local/share/skybus"),   # XDG: relative paths are to be ignored
    ({"XDG_DATA_HOME": "", "HOME": "/h"}, "/h/.local/share/skybus"),
])
def test_default_data_directory(environment: dict[str, str], expected: str) -> None:
    assert resolve({}, environment, {}).storage.data_dir == Path(expected)


@pytest.mark.parametrize(("flags", "words"), [
    ({"port": "http"}, "--port: 'http' is not a whole number."),
    ({"port": "65536"}, "--port: 65536 is not between 0 and 65535."),
    ({"port": "9" * 30}, "is not a whole number."),
    ({"durability": "maybe"}, "--durability: 'maybe' is none of fsync, os."),
    ({"ephemeral": "perhaps"}, "--ephemeral: 'perhaps' is neither true nor false."),
    ({"account_id": "12345678901x"}, "is not 12 digits"),
    ({"region": "no.such region"}, "region: letters, digits"),
    ({"region": ""}, "region: letters, digits"),
    ({"root_access_key": "a b"}, "root_access_key: letters, digits"),
    ({"root_access_key": "anonymous"}, "root_access_key: letters, digits"),
    ({"host": "0.0.0.0"}, "Refusing to listen on 0.0.0.0 with auth = open"),
    ({"host": "0.0.0.0", "auth": "strict", "root_secret_key": "test"}, "the root secret everybody knows"),
])
def test_what_cannot_be_is_refused(flags: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        resolve(flags, HOME, {})
    assert words in str(refused.value)


def test_the_source_of_a_mistake_is_named() -> None:
    with pytest.raises(UsageError, match=r"^SKYBUS_PORT: "):
        resolve({}, HOME | {"SKYBUS_PORT": "x"}, {})
    with pytest.raises(UsageError, match=r"^my\.toml: port: "):
        resolve({}, HOME, {"port": True}, "my.toml")
    with pytest.raises(UsageError, match=r"^my\.toml: there is no setting 'prot'\.$"):
        resolve({}, HOME, {"prot": 1}, "my.toml")


@pytest.mark.parametrize(("file", "expected"), [
    ({"services": ["dynamodb", "sts"]}, ("dynamodb", "sts")),
    ({"services": "dynamodb, sts,"}, ("dynamodb", "sts")),
])
def test_lists(file: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert resolve({}, HOME, file).actors.services == expected


def test_another_address_needs_strict() -> None:
    config: Config = resolve({"host": "0.0.0.0", "auth": "strict"}, HOME, {})
    assert not config.loopback
    assert config.access.root_secret_key == ""          # generated when the data directory is there
