"""The command line as a user meets it: real processes, exit codes and the sentence that goes with each.

Expected: the platform issue ("clear errors, exit codes") and the table of exit codes in deploy/README.md.
"""

import base64
import json
import os
import select
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.credentials import ProcessProvider

from bus.system import gather
from bus.transport import Transport
from deploy import VERSION
from deploy.asking import on_bus
from deploy.broker import ADMIN, read_run, write_run_files
from deploy.config import resolve
from deploy.failures import BrokerMissing, UsageError
from deploy.topology import find_broker, module_name, service_name, services

ROOT = Path(__file__).resolve().parents[2]
FOREVER_MS = 60_000
TABLE = {
    "TableName": "Music", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
}


def argv(*words: str) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", *words]


def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of the user's own settings; a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SKYBUS_")}
    return kept | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "xdg")}


def skybus(tmp_path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv(*words), cwd=ROOT, env=environment(tmp_path), text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)


class Up:
    """A running `skybus up` on free ports, ready."""

    def __init__(self, tmp_path: Path, *flags: str) -> None:
        self.tmp_path = tmp_path
        self.data_dir = tmp_path / "data"
        self.process = subprocess.Popen(
            argv("up", "--data-dir", str(self.data_dir), *(flags or ("--port", "0", "--bus-port", "0"))),
            cwd=ROOT, env=environment(tmp_path), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.printed: list[str] = []
        for line in self.process.stdout:
            self.printed.append(line.rstrip("\n"))
            if line == "Ready.\n":
                return
        raise AssertionError(self.process.communicate()[1])

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return skybus(self.tmp_path, *words, "--data-dir", str(self.data_dir))

    @property
    def exports(self) -> dict[str, str]:
        lines = [line.removeprefix("export ") for line in self.printed if line.startswith("export ")]
        return dict(line.split("=", 1) for line in lines)

    def report(self) -> dict[str, object]:
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        report: dict[str, object] = json.loads(done.stdout)
        return report

    def pids(self) -> dict[str, int]:
        return {row["name"]: row["pid"] for row in self.report()["processes"]}  # type: ignore[attr-defined]

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate()
        return self.process.returncode, said

    def __enter__(self) -> "Up":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with Up(tmp_path_factory.mktemp("cli")) as up:
        yield up


# --- a running instance


def test_ready_means_that_the_printed_endpoint_answers(running: Up) -> None:
    assert set(running.exports) == {
        "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"
    }
    assert running.exports["AWS_SECRET_ACCESS_KEY"] == "test"
    with urlopen(running.exports["AWS_ENDPOINT_URL"] + "/_skybus/health") as answer:
        assert answer.status == 200


def test_status(running: Up) -> None:
    report = running.report()
    assert report["ready"] is True
    assert report["endpoint"] == running.exports["AWS_ENDPOINT_URL"]
    assert set(running.pids()) == {"broker", "actors", "gateway-1"}
    assert report["services"] == services(())
    assert report["versions"]["skybus"] == VERSION  # type: ignore[index]
    table = running.command("status").stdout
    assert all(word in table for word in ("broker", "actors", "gateway-1", "ready", "MiB", "services", "versions"))


def test_the_data_directory_is_its_owners_alone(running: Up) -> None:
    for path in [running.data_dir, *running.data_dir.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0, f"{path}: {mode:o}"


def test_a_second_instance_on_the_same_directory(running: Up) -> None:
    done = running.command("up", "--port", "0", "--bus-port", "0")
    assert done.returncode == 4
    assert f"(pid {running.process.pid})" in done.stderr


@pytest.mark.parametrize("flag", ["--port", "--bus-port"])
def test_the_ports_of_another_instance(running: Up, tmp_path: Path, flag: str) -> None:
    content = json.loads((running.data_dir / "run" / "run.json").read_bytes())
    port = content["settings"][flag.removeprefix("--").replace("-", "_")]
    other = "--bus-port" if flag == "--port" else "--port"
    done = skybus(tmp_path, "up", "--data-dir", str(tmp_path / "other"), other, "0", flag, port)
    assert done.returncode == 3
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
    assert f"{flag} PORT" in done.stderr


# The forms: exports for a shell, and what AWS's tools take from a `credential_process`, as botocore reads it.
def test_credentials(running: Up) -> None:
    lines = running.command("credentials").stdout.splitlines()
    shown = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    assert shown == running.exports
    told = json.loads(running.command("credentials", "--json").stdout)
    assert (told["EndpointUrl"], told["Region"]) == (shown["AWS_ENDPOINT_URL"], shown["AWS_DEFAULT_REGION"])
    line = shlex.join(argv("credentials", "--json", "--data-dir", str(running.data_dir)))
    profiles = {"profiles": {"local": {"credential_process": line}}}
    found = ProcessProvider("local", lambda: profiles).load()
    assert found is not None
    assert (found.access_key, found.secret_key) == (shown["AWS_ACCESS_KEY_ID"], shown["AWS_SECRET_ACCESS_KEY"])


def test_logs(running: Up) -> None:
    everything = running.command("logs").stdout
    assert "broker: " in everything
    assert "gateway-1: " in everything
    assert "Server is ready" in running.command("logs", "broker").stdout
    unknown = running.command("logs", "nobody")
    assert unknown.returncode == 1
    assert "There are: actors, broker, gateway-1." in unknown.stderr


def test_calls_that_cannot_be(running: Up) -> None:
    assert "no service 'dynamo'" in running.command("call", "dynamo", "ListTables").stderr
    assert "no operation 'ListTable'" in running.command("call", "dynamodb", "ListTable").stderr
    assert "not JSON" in running.command("call", "dynamodb", "ListTables", "{").stderr
    nobody = running.command("call", "polly", "DescribeVoices")
    assert nobody.returncode == 8
    assert "No answer from polly" in nobody.stderr


# Discovery as NATS's service API has it (ADR-32), and what the gateway's /_skybus/metrics gathers.
def test_processes_answer_on_the_bus(running: Up) -> None:
    run = read_run(running.data_dir / "run" / "run.json")

    async def ask(bus: Transport) -> tuple[bytes, dict[str, dict[str, Any]]]:
        message = await bus.request("$SRV.INFO.dynamodb", b"", 30.0)
        return message.data, await gather(
            bus, "metrics", {}, 30.0, lambda came: {"actors", "gateway-1"} <= came.keys()
        )

    info, answers = on_bus(run.url, run.users[ADMIN], ask)
    assert "PutItem" in [endpoint["name"] for endpoint in json.loads(info)["endpoints"]]
    assert all(answers[name]["metrics"] for name in ("actors", "gateway-1"))


# A byte that has changed on the disk is found, named and shown, until its object is gone.
def test_scrub(running: Up) -> None:
    def call(operation: str, **request: str) -> None:
        done = running.command("call", "s3", operation, json.dumps({"Bucket": "scrubbed", **request}))
        assert done.returncode == 0, done.stderr

    call("CreateBucket")
    call("PutObject", Key="k", Body=base64.b64encode(bytes(20_000)).decode())
    assert "1 files, 20000 bytes, all as they were stored." in running.command("scrub").stdout
    [file] = (running.data_dir / "state" / "s3" / "blobs").glob("??/*")
    with file.open("r+b") as opened:
        opened.write(b"rot")
    found = running.command("scrub")
    assert (found.returncode, "scrubbed/k" in found.stdout) == (1, True)
    [rotten] = json.loads(running.command("scrub", "--json").stdout)["rotten"]
    assert rotten["objects"] == ["scrubbed/k"]
    assert "s3        1 files are not what was stored" in running.command("status").stdout
    call("DeleteObject", Key="k")


# A blob of a request is base64, and comes back so.
def test_call(running: Up) -> None:
    def call(operation: str, request: object) -> dict[str, object]:
        done = running.command("call", "dynamodb", operation, json.dumps(request))
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    call("CreateTable", TABLE)
    call("PutItem", {"TableName": "Music", "Item": {"k": {"S": "a"}, "b": {"B": "AAEC/w=="}}})
    assert call("GetItem", {"TableName": "Music", "Key": {"k": {"S": "a"}}})["Item"] == {
        "k": {"S": "a"}, "b": {"B": "AAEC/w=="}
    }
    unknown = running.command("call", "dynamodb", "DescribeTable", '{"TableName": "Nothing"}')
    assert unknown.returncode == 8
    assert "ResourceNotFoundException" in unknown.stderr
    malformed = running.command("call", "dynamodb", "PutItem", '{"TableName": "Music", "Item": {"k": {"B": "!"}}}')
    assert malformed.returncode == 2
    assert "PutItem.Item.k.B is a blob, so base64" in malformed.stderr


# --- instances of their own

# What is backed up is what the next instance has, and nothing is restored over state that is there, or from a backup
# in which a byte has changed.
def test_backup_and_restore(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    with Up(tmp_path) as up:
        assert up.command("call", "dynamodb", "CreateTable", json.dumps(TABLE)).returncode == 0
        done = up.command("backup", str(backup))
        assert done.returncode == 0, done.stderr
        assert "in use" in up.command("restore", str(backup), "--force").stderr
        assert up.stop()[0] == 0
    elsewhere = ("--data-dir", str(tmp_path / "two" / "data"))
    small = ["bash", "-c", 'ulimit -f 1; exec "$@"', "small", *argv("restore", str(backup), *elsewhere)]
    full = subprocess.run(small, cwd=ROOT, env=environment(tmp_path), text=True, capture_output=True, check=False)
    assert (full.returncode, "File too large" in full.stderr, "Traceback" in full.stderr) == (1, True, False)
    assert skybus(tmp_path, "restore", str(backup), *elsewhere).returncode == 0
    again = skybus(tmp_path, "restore", str(backup), *elsewhere)
    assert (again.returncode, "--force replaces it" in again.stderr) == (2, True)
    assert skybus(tmp_path, "restore", str(backup), "--force", *elsewhere).returncode == 0
    (tmp_path / "two").mkdir(exist_ok=True)
    keys = [root / "state" / "iam" / "secrets.key" for root in (tmp_path / "data", backup, tmp_path / "two" / "data")]
    assert len({key.read_bytes() for key in keys}) == 1
    assert all(key.stat().st_mode & 0o077 == 0 for key in keys)
    with Up(tmp_path / "two") as up:
        tables = up.command("call", "dynamodb", "ListTables")
        assert json.loads(tables.stdout) == {"TableNames": ["Music"]}
    [data] = (backup / "state" / "dynamodb").rglob("data.mdb")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    damaged = skybus(tmp_path, "restore", str(backup), "--force", *elsewhere)
    assert (damaged.returncode, "is not what was backed up" in damaged.stderr) == (1, True)


# A restart is over when the process is ready again, a stop when the directory is free for the next start.
def test_restart_and_down_say_what_they_did(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        pids, flags = up.pids(), ("--port", "0", "--bus-port", "0")
        told = json.loads(up.command("restart", "actors", "--json").stdout)
        assert (told["process"], told["restarts"]) == ("actors", 1)
        assert told["pid"] == up.pids()["actors"] != pids["actors"]
        assert up.command("restart", "gateway-1").stdout.startswith("Restarted gateway-1 in ")
        nobody = up.command("restart", "nobody")
        assert (nobody.returncode, "There is no process 'nobody'" in nobody.stderr) == (1, True)
        pids = up.pids()
        done = up.command("down")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Stopped Skybus at {up.exports['AWS_ENDPOINT_URL']} (broker, actors, gateway-1)")
        assert done.stdout.endswith(f"its data stays in {up.data_dir}.\n")
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
        with Up(tmp_path, *flags) as again:
            assert again.command("down", "--json").returncode == 0
        assert up.process.wait() == 0
        assert up.command("status").returncode == 7


# The supervisor cannot stop anything when it is killed: its children must notice, and its successor not stumble over
# them, on the same ports.
def test_after_kill_of_the_supervisor_the_next_start_works(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        pidfds = [os.pidfd_open(pid) for pid in up.pids().values()]
        settings = json.loads((up.data_dir / "run" / "run.json").read_bytes())["settings"]
        up.process.kill()
        up.process.wait()
        for words in (("status",), ("call", "dynamodb", "ListTables"), ("down",)):   # not deceived by what it left
            done = up.command(*words)
            assert (done.returncode, "No instance runs on" in done.stderr) == (7, True), done.stderr
    with Up(tmp_path, "--port", settings["port"], "--bus-port", settings["bus_port"]) as up:
        assert up.exports["AWS_ENDPOINT_URL"].endswith(settings["port"])
        for pidfd in pidfds:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            assert poll.poll(FOREVER_MS)
            os.close(pidfd)
        assert up.stop()[0] == 0


# A process that still waits for a broker ends when told to: with exit code 0, not by the SIGKILL that follows patience.
@pytest.mark.parametrize("kind", ["actors", "gateway"])
def test_who_waits_for_the_broker_can_be_stopped(tmp_path: Path, kind: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))               # bound and not listening: refuses everyone
        config = resolve({"data_dir": str(tmp_path), "bus_port": str(nobody.getsockname()[1])}, {}, {})
        config.storage.run_dir.mkdir()
        files = write_run_files(config, {})
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.process", kind, "--name", kind, "--run", str(files.run_json), "--channel",
             str(theirs.fileno())], cwd=ROOT, pass_fds=[theirs.fileno()], text=True, stderr=subprocess.PIPE,
        )
        theirs.close()
        with ours, process:
            assert process.stderr is not None
            assert "bus_connection_error" in process.stderr.readline()
            process.terminate()
            said = process.stderr.read()
        assert (process.returncode, said) == (0, "")


# A collector that takes everything and answers nothing: the end must not wait for it until it is no orderly one.
def test_a_collector_that_hangs_does_not_spoil_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Up(tmp_path, "--port", "0", "--bus-port", "0", "--otlp-endpoint", endpoint) as up:
            assert up.command("call", "dynamodb", "ListTables").returncode == 0
            assert up.stop()[0] == 0
        for name in ("actors", "gateway-1"):
            log = (up.data_dir / "logs" / f"{name}.log").read_text()
            assert "process_stopped" in log
            assert "SIGKILL" not in log


def test_strict_makes_a_secret_and_shows_it_once(tmp_path: Path) -> None:
    with Up(tmp_path, "--port", "0", "--bus-port", "0", "--auth", "strict", "--gateways", "2") as up:
        secret = up.exports["AWS_SECRET_ACCESS_KEY"]
        assert len(secret) == 40
        assert "\n".join(up.printed).count(secret) == 1
        assert json.loads((up.data_dir / "root.json").read_bytes())["secret_key"] == secret
        assert {"gateway-1", "gateway-2"} < set(up.pids())
        assert up.stop()[0] == 0
    with Up(tmp_path, "--port", "0", "--bus-port", "0", "--auth", "strict") as up:
        assert secret not in "\n".join(up.printed)
        assert json.loads((up.data_dir / "root.json").read_bytes())["secret_key"] == secret


def test_ephemeral_leaves_no_state(tmp_path: Path) -> None:
    with Up(tmp_path, "--port", "0", "--bus-port", "0", "--ephemeral") as up:
        assert (up.data_dir / "ephemeral").exists()
        assert up.report()["durability"] == "os"
        assert up.stop()[0] == 0
        assert not (up.data_dir / "ephemeral").exists()


# --- what does not start


def test_a_port_that_is_no_longer_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = skybus(tmp_path, "up", "--port", port, "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 3
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr


@pytest.mark.parametrize(("words", "code", "said"), [
    (("up", "--prot", "1"), 2, "unrecognized arguments: --prot"),
    (("up", "--host", "0.0.0.0"), 2, "Refusing to listen on 0.0.0.0 with auth = open"),
    (("up", "--host", "192.0.2.1", "--auth", "strict"), 2, "192.0.2.1 is no address of this machine"),
    (("up", "--services", "dynamo"), 2, "there is no service 'dynamo'"),
    (("up", "--nats-server", "/nowhere/nats-server", "--port", "0", "--bus-port", "0"), 5, "/nowhere/nats-server"),
    (("up", "--nats-url", "nats://u:hush@127.0.0.1:1", "--port", "0"), 5, "No broker answers at 127.0.0.1:1"),
    (("up", "--config", "/nowhere.toml"), 2, "/nowhere.toml: cannot be read"),
    (("status",), 7, "No instance runs on"),
    (("down",), 7, "No instance runs on"),
    (("call", "dynamodb", "ListTables"), 7, "No instance runs on"),
    (("restore", "/nowhere"), 2, "is no complete backup"),
    ((), 2, "COMMAND"),
])
def test_exit_codes(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = skybus(tmp_path, *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert "hush" not in done.stderr


# Nothing of it is left: neither the directories that were made for it nor, in one that was there, what was put in it.
@pytest.mark.parametrize(("flags", "code"), [
    (("--shards", "dynamodb=0"), 2),
    (("--host", "192.0.2.1", "--auth", "strict"), 2),
    (("--port", "0", "--bus-port", "0", "--nats-server", "/nowhere/nats-server", "--auth", "strict"), 5),
    (("--port", "0", "--nats-url", "nats://127.0.0.1:1", "--ephemeral"), 5),
])
def test_what_is_refused_leaves_no_directory(tmp_path: Path, flags: tuple[str, ...], code: int) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for directory in (there, tmp_path / "new" / "data"):
        done = skybus(tmp_path, "up", "--data-dir", str(directory), *flags)
        assert done.returncode == code, done.stderr
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == [Path("there"), Path("there/lock")]


# Its data is another matter.
def test_what_is_refused_keeps_what_there_was(tmp_path: Path) -> None:
    with Up(tmp_path) as up:
        before = sorted(up.data_dir.rglob("*"))
        assert up.stop()[0] == 0
    assert skybus(tmp_path, "up", "--data-dir", str(up.data_dir), "--shards", "dynamodb=9").returncode == 2
    assert {path for path in before if path.parent.name != "run"} <= set(up.data_dir.rglob("*"))


def test_data_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 99, "version": "9.9"}')
    done = skybus(tmp_path, "up", "--data-dir", str(tmp_path))
    assert done.returncode == 6
    assert "written by Skybus 9.9 (format 99)" in done.stderr


# A shard knows its format itself; the process that finds it too new ends `up` with the same exit code and words.
def test_a_shard_of_a_newer_version(tmp_path: Path) -> None:
    shard = tmp_path / "state" / "dynamodb" / "000"
    shard.mkdir(parents=True)
    (shard / "format.json").write_text('{"format": 99}')
    done = skybus(tmp_path, "up", "--data-dir", str(tmp_path), "--port", "0", "--bus-port", "0")
    assert done.returncode == 6
    assert "written by a newer version" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_backup_goes_into_a_directory_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    file, inside = tmp_path / "something", tmp_path / "data" / "inside"
    for target, said in ((tmp_path, "is not empty"), (file, "cannot be used: File exists"),
                         (inside, "is inside the data"), (Path("/proc/nowhere"), "cannot be used: No such file")):
        done = skybus(tmp_path, "backup", str(target), "--data-dir", str(tmp_path / "data"))
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr


def test_version(tmp_path: Path) -> None:
    assert skybus(tmp_path, "--version").stdout == f"skybus {VERSION}\n"


# --- the process table


def test_services_are_the_folders_with_a_service(tmp_path: Path) -> None:
    for folder in ("dynamodb", "lambda_", "bedrock_runtime"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "service.py").touch()
    (tmp_path / "runtime").mkdir()
    assert services((), tmp_path) == ["bedrock-runtime", "dynamodb", "lambda"]
    assert services(("dynamodb",), tmp_path) == ["dynamodb"]
    with pytest.raises(UsageError, match="There are: bedrock-runtime, dynamodb, lambda"):
        services(("s3",), tmp_path)


@pytest.mark.parametrize(("folder", "service"), [
    ("dynamodb", "dynamodb"), ("lambda_", "lambda"), ("bedrock_runtime", "bedrock-runtime"),
])
def test_names_of_services_and_folders(folder: str, service: str) -> None:
    assert service_name(folder) == service
    assert module_name(service) == f"actors.{folder}.service"


def test_the_broker_that_is_there_is_found(tmp_path: Path) -> None:
    assert find_broker("").endswith("/nats-server")
    with pytest.raises(BrokerMissing):
        find_broker(str(tmp_path))
