"""`skybus scrub`: is every file of S3's what was stored?"""

from datetime import UTC, datetime

from deploy.asking import ask_one
from deploy.config import Config
from deploy.report import Report, progress

WAIT_S = 12 * 3600.0                      # terabytes, at the disk's speed


def scrub(config: Config) -> Report:
    """Names those that are not, and the objects they belong to: exit code 1. NotRunning, CommandError."""
    with progress("Reading every stored file"):
        found = ask_one(config, "scrub", {}, WAIT_S)
    read = f"{found['files']} files, {found['bytes']} bytes"
    if not found["rotten"]:
        return Report(found, f"{read}, all as they were stored.")
    lines = [f"{read}; {len(found['rotten'])} are not what was stored:"]
    for each in found["rotten"]:
        since = datetime.fromtimestamp(int(each["since"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(f"  {each['file']}, since {since} at the latest: {each['reason']}")
        lines += [f"    {name}" for name in each["objects"]]
    return Report(found, "\n".join(lines), 1)
