"""Terraform with its AWS provider, unmodified: terraform/ holds the configuration.

The provider reads back everything it made, with operations of its own choice, and compares: a plan that is not empty
after an apply names an answer of ours that is not AWS's.
"""

import json
from pathlib import Path

import pytest

from tests import servers
from tests.sdk.terraform import Terraform, Unavailable


# Tables, buckets, identities, an organization and a trail are made, changed and removed; after each apply a plan finds
# nothing to do. Slow: the provider starts anew for each command, and waits for a minute by itself until a lifecycle is
# steady.
@pytest.mark.slow
def test_apply_plan_change_destroy(skybus: servers.Server, tmp_path: Path) -> None:
    try:
        terraform = Terraform(tmp_path, skybus.endpoint)
    except Unavailable as reason:
        pytest.skip(str(reason))
    terraform.init()
    terraform.apply()
    assert terraform.planned() == ""
    assert (terraform.output("plays"), terraform.output("hello")) == ("1", "hello")

    dynamodb, iam = skybus.client("dynamodb"), skybus.client("iam")
    made = dynamodb.describe_table(TableName="tf-music")["Table"]  # type: ignore[attr-defined]
    assert [index["IndexName"] for index in made["GlobalSecondaryIndexes"]] == ["by-year"]

    terraform.apply(changed=True)
    assert terraform.planned(changed=True) == ""
    assert (terraform.output("plays"), terraform.output("hello")) == ("2", "hello again")
    changed = dynamodb.describe_table(TableName="tf-music")["Table"]  # type: ignore[attr-defined]
    assert changed["TableId"] == made["TableId"], "changed in place"
    assert {index["IndexName"] for index in changed["GlobalSecondaryIndexes"]} == {"by-year", "by-label"}

    terraform.destroy(changed=True)
    assert json.loads(terraform.run("show", "-json").stdout).get("values") is None
    assert not [name for name in dynamodb.list_tables()["TableNames"] if name.startswith("tf-")]  # type: ignore[attr-defined]
    assert not [user for user in iam.list_users()["Users"] if user["UserName"] == "tf-ann"]  # type: ignore[attr-defined]
