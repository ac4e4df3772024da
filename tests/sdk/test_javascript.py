"""The AWS SDK for JavaScript v3, unmodified: javascript/program.mjs holds the program and its expectations."""

import os
import subprocess

from tests import servers
from tests.sdk import javascript


# Client, document client, paginators, waiters, parallel scan, errors with their members.
def test_the_javascript_sdk(skybus: servers.Server) -> None:
    node, folder = javascript.prepared()
    environment = {
        **os.environ, "AWS_ENDPOINT_URL": skybus.endpoint, "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
    }
    done = subprocess.run([node, "program.mjs"], cwd=folder, env=environment, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "done"
