"""`skybus scrub`: is every file of S3's what was stored?"""

from datetime import UTC, datetime

from deploy.asking import ask_one
from deploy.config import Config
from deploy.failures import CommandError

WAIT_S = 12 * 3600.0                      # terabytes, at the disk's speed


def scrub(config: Config) -> int:
    """0 when all are. CommandError names those that are not, and the objects they belong to."""
    found = ask_one(config, "scrub", {}, WAIT_S)
    read = f"{found['files']} files, {found['bytes']} bytes"
    if found["rotten"]:
        lines = [f"{read}; {len(found['rotten'])} are not what was stored:"]
        for each in found["rotten"]:
            since = datetime.fromtimestamp(int(each["since"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            lines.append(f"  {each['file']}, since {since} at the latest: {each['reason']}")
            lines += [f"    {name}" for name in each["objects"]]
        raise CommandError("\n".join(lines))
    print(f"{read}, all as they were stored.")
    return 0
