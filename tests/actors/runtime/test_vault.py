"""The key at rest is one, whoever makes it first."""

from pathlib import Path

import pytest

from actors.runtime.vault import Vault


def test_two_who_find_no_key_have_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked before either wrote."""
    monkeypatch.setattr(Path, "exists", lambda path: False)
    first, second = Vault(tmp_path), Vault(tmp_path)
    assert first.open(second.seal(b"secret", b"name"), b"name") == b"secret"
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.key"]
    assert (tmp_path / "secrets.key").stat().st_mode & 0o777 == 0o600
