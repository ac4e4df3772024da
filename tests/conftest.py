"""What every test shares: `--slow`, and Hypothesis settings fit for a loaded machine."""

import pytest
from hypothesis import settings

# No deadline: a loaded machine is not a bug. A failure prints the blob that reproduces it.
settings.register_profile("skybus", deadline=None, print_blob=True)
settings.load_profile("skybus")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        items[:] = [item for item in items if item.get_closest_marker("slow") is None]
