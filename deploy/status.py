"""`skybus status`: processes from the supervisor, services, shards and engines from the actors, versions from both."""

import platform
from typing import Any

from deploy import control
from deploy.asking import ask_actors
from deploy.config import Config
from deploy.failures import CommandError
from deploy.report import Report

ASK_TIMEOUT_S = 3.0
MIB = 1024 * 1024


def status(config: Config) -> Report:
    """NotRunning. Actors that do not answer are a fact to be shown, not an error."""
    facts = control.ask(config.storage.run_dir, "status")
    actors: dict[str, dict[str, Any]] = {}
    problem = ""
    try:
        actors = ask_actors(config, "status", {}, ASK_TIMEOUT_S)
    except CommandError as error:
        problem = str(error)

    def merged(part: str) -> dict[str, Any]:
        return {name: value for answer in actors.values() for name, value in answer.get(part, {}).items()}

    report = {
        **facts,
        "services": sorted({service for answer in actors.values() for service in answer.get("services", [])}),
        "shards": merged("shards"),
        "findings": merged("findings"),
        "engines": merged("engines"),
        "versions": {"skybus": facts["version"], "python": platform.python_version(), **merged("versions")},
    }
    if problem:
        report["problem"] = problem
    return Report(report, _table(report))


def _table(report: dict[str, Any]) -> str:
    state = "ready" if report["ready"] else "starting"
    lines = [f"Skybus {report['version']} at {report['endpoint']}, {state}; data in {report['data_dir']} "
             f"(durability {report['durability']}, auth {report['auth']})", ""]
    rows = [["process", "state", "pid", "uptime", "restarts", "memory"]]
    rows += [[row["name"], row["state"], str(row["pid"] or "-"), _duration(row["uptime_s"]), str(row["restarts"]),
              f"{row['memory_bytes'] / MIB:.1f} MiB"] for row in report["processes"]]
    lines += _columns(rows)
    lines += ["", f"services  {', '.join(report['services']) or '-'}"]
    if report["shards"]:
        rows = [["shard", "slots", "data", "commits", "failed", "commit p50", "p99", "queue", "jobs", "fault"]]
        rows += [_shard(name, facts) for name, facts in report["shards"].items()]
        lines += ["", *_columns(rows)]
    lines += ["", f"engines   {', '.join(report['engines']) or '-'}",
              "versions  " + ", ".join(f"{name} {value}" for name, value in report["versions"].items())]
    lines += [f"{service:9} {finding}" for service, finding in report["findings"].items()]
    if "problem" in report:
        lines += ["", f"problem   {report['problem']}"]
    return "\n".join(lines)


def _shard(name: str, facts: dict[str, Any]) -> list[str]:
    """What an operator looks for first; all of it is in --json."""
    counts = [str(facts[key]) for key in ("commits", "commits_failed")]
    latencies = [f"{facts[key] * 1000:.1f} ms" for key in ("commit_p50_s", "commit_p99_s")]
    return [name, str(facts.get("slots", "00-ff")), f"{facts['map_used'] / MIB:.1f} MiB", *counts, *latencies,
            str(facts["queue"]), str(facts["jobs"]), facts["fault"] or "-"]


def _columns(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
