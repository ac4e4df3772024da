"""Used: notes who used which operation last (actors/runtime/uses.py), let in or not, as AWS counts it."""

from actors.runtime.chain.call import Call, Link
from actors.runtime.uses import USES_LIMIT, Uses


class Used(Link):
    def __init__(self, uses: Uses) -> None:
        self._uses = uses

    def enter(self, call: Call) -> None:
        context, latest = call.context, self._uses.latest
        if len(latest) < USES_LIMIT:
            latest[context.identity, context.operation] = (context.now, context.region)
