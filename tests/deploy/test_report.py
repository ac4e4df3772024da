"""What commands say while they work: nothing at first, then what and for how long, on stderr."""

from threading import Event

import pytest

from deploy import report


def test_progress(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = Event()

    def detail() -> str:
        told.set()
        return "broker"

    with report.progress("Waiting for", detail):
        pass
    assert not told.is_set()
    monkeypatch.setattr(report, "QUIET_S", 0.0)
    with report.progress("Waiting for", detail):
        assert told.wait(60)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Waiting for broker … 0 s\n")


def test_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    found = report.Report({"files": 2}, "2 files", 1)
    assert [found.tell(as_json=False), found.tell(as_json=True)] == [1, 1]
    assert capsys.readouterr().out == '2 files\n{\n "files": 2\n}\n'
