"""Start-up and idle memory, beside moto_server and ministack in one run.

    python -m tests.load.bench_start [--peers DIR] [--rounds 5] [--json]

first call: from process start to the first successful boto3 call (ListTables), polled every 5 ms; median of the rounds.
idle: PSS of all processes together, after that call.
"""

import argparse
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests import servers

MIB = 1024 * 1024


def measure(name: str, start: Callable[[], AbstractContextManager[servers.Server]], rounds: int) -> dict[str, object]:
    seconds, memory, parts = [], [], {}
    for _ in range(rounds):
        with start() as server:
            seconds.append(server.first_call_s)
            parts = server.pss_bytes()
            memory.append(sum(parts.values()) / MIB)
    return {
        "server": name, "first call s": statistics.median(seconds), "idle PSS MiB": statistics.median(memory),
        "by process": " ".join(f"{process}={size / MIB:.0f}" for process, size in parts.items()),
    }


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--peers", default="", help="folder with moto_server and ministack")
    wants.add_argument("--only", choices=("skybus",), help="leave the peers out")
    wants.add_argument("--rounds", type=int, default=5)
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    with servers.skybus():
        pass                                             # warm: model cache, byte code
    rows = [measure("skybus", servers.skybus, options.rounds)]
    if not options.only:
        peers = servers.peers_folder(options.peers)
        rows.append(measure("moto_server", lambda: servers.moto(peers), options.rounds))
        rows.append(measure("ministack", lambda: servers.ministack(peers), options.rounds))
    servers.show(rows, options.json)
    if not options.only:
        ours, moto = (float(str(row["first call s"])) for row in rows[:2])
        print(f"first call: {ours / moto:.2f} x moto_server")


if __name__ == "__main__":
    main()
