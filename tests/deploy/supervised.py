"""A supervisor over a table of fake children, as a program: `python -m tests.deploy.supervised DIRECTORY`.

DIRECTORY/table.json: [[name, argv, stop_order, ready_text, stop_s], …], a sixth member for those on demand. Prints
`Ready.` on stdout, echoes on stderr.
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
        ProcessSpec(name, tuple(argv), order, text.encode(), stop_s, dict(os.environ), bool(demanded))
        for name, argv, order, text, stop_s, *demanded in table
    ]
    demanded = {spec.name: spec for spec in specs if spec.on_demand}

    def echo(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    return Supervisor(
        [spec for spec in specs if not spec.on_demand],
        on_demand=demanded.get,
        run_dir=directory,
        open_log=lambda name: ProcessLog(directory, name, 1024 * 1024, 2, echo),
        directory=str(directory),
        echo=echo,
        on_ready=lambda: print("Ready.", flush=True),
        facts={"version": "test"},
    ).run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
