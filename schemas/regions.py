"""AWS's regions, as botocore's list of partitions has them."""

import json
from functools import cache

from schemas.cache import data_folder


@cache
def known() -> frozenset[str]:
    """Of every partition; what its global services are called by is no region."""
    partitions = json.loads((data_folder() / "partitions.json").read_text())["partitions"]
    return frozenset(name for each in partitions for name in each["regions"] if not name.endswith("-global"))
