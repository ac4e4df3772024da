"""A supervisor over a table of fake children, as a program: `python -m tests.deploy.supervised DIRECTORY`.

DIRECTORY/table.json: [[name, argv, stop_order, ready_text, stop_s], …]. Prints `Ready.` on stdout, echoes on stderr.
"""

import json
import os
import sys
from pathlib import Path

from deploy.child import ProcessSpec
from deploy.logs import ProcessLog
from deploy.supervisor import Supervisor


def main(directory: Path) -> int:
    table = json.loads((directory / "table.json").read_bytes())
    specs = [
        ProcessSpec(name, tuple(argv), order, text.encode(), stop_s, dict(os.environ))
        for name, argv, order, text, stop_s in table
    ]

    def echo(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    return Supervisor(
        specs,
        run_dir=directory,
        open_log=lambda name: ProcessLog(directory, name, 1024 * 1024, 2, echo),
        directory=str(directory),
        echo=echo,
        on_ready=lambda: print("Ready.", flush=True),
        facts={"version": "test"},
    ).run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
