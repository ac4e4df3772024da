"""What the chain costs: CPU us per PutItem and GetItem, link by link and together. `python -m tests.load.bench_chain`

Each line is the link alone with the errors link around it, which every chain has; the first is that one by itself.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.runtime.audit.journal import Journal
from actors.runtime.chain import Call, Chain, Link, weave
from actors.runtime.chain.audit import Audit
from actors.runtime.chain.authorise import Authorise
from actors.runtime.chain.errors import Errors
from actors.runtime.chain.limit import Limit
from actors.runtime.chain.meter import Meter
from actors.runtime.chain.validate import Validate
from schemas.models import load
from schemas.validate import validator
from tests.actors.runtime.chain.calls import call
from tests.load.cost import cost_us

ITEM = {
    "pk": {"S": "user#123"}, "sk": {"N": "1"}, "payload": {"S": "x" * 200}, "count": {"N": "42"}, "on": {"BOOL": True},
}
PUT = {"TableName": "table", "Item": ITEM}
GET = {"TableName": "table", "Key": {"pk": {"S": "user#123"}, "sk": {"N": "1"}}}


def through(chain: Chain, one: Call) -> Callable[[], None]:
    answer: dict[str, Any] = {}

    def turn() -> None:
        one.reply = None
        chain.enter(one)
        chain.leave(one, answer, None)

    return turn


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "audit.log")
        links: dict[str, list[Link]] = {
            "errors": [], "audit": [Audit(journal)], "meter": [Meter()], "limit": [Limit()], "validate": [Validate()],
            "authorise": [Authorise()],
        }
        for name, others in links.items():
            print(f"{name:12} {cost_us(through(Chain([*others, Errors()]), call(request=PUT))):6.2f} us")
        print(f"{'all':12} {cost_us(through(weave(journal=journal), call(request=PUT))):6.2f} us")
        journal.close()
    for name, request in (("PutItem", PUT), ("GetItem", GET)):
        check = validator(load("dynamodb").operations[name], frozenset({"AttributeValue"}))
        print(f"validate {name}: {cost_us(lambda: check(request)):.2f} us")  # noqa: B023 - called before the next turn


if __name__ == "__main__":
    main()
