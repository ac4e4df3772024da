"""Validate: the request against its model, but for shapes the actor validates itself."""

from actors.runtime.chain.call import Call, Link
from schemas.models import Operation
from schemas.validate import Validate as Check
from schemas.validate import validator


class Validate(Link):
    def __init__(self) -> None:
        self._checks: dict[Operation, Check] = {}  # as many as there are operations

    def enter(self, call: Call) -> None:
        operation = call.context.operation
        check = self._checks.get(operation)
        if check is None:
            check = self._checks[operation] = validator(operation, call.actor.validates_itself)
        check(call.request)
