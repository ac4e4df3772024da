"""Calls IAM's operations, validated as in the chain, on a real store, without bus or gateway.

    with open_caller(tmp_path) as iam:
        iam.call("CreateUser", UserName="alice")
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from actors.iam import identities
from actors.iam.service import IAM
from actors.iam.vault import Vault
from actors.runtime.actor import Kind
from actors.runtime.context import Context
from actors.runtime.principal import Principal, principal_of, root
from actors.runtime.surroundings import Surroundings
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.models import load
from schemas.validate import validator
from tests.store_fixture import Store, open_store

ACCOUNT = "111111111111"
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
TRUST = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},'
         '"Action":"sts:AssumeRole"}]}')


class Caller:
    def __init__(self, store: Store, actor: IAM, account: str = ACCOUNT, principal: Principal | None = None) -> None:
        self.store, self.actor = store, actor
        self.account, self.principal = account, principal or root(account)

    def acting(self, access_key: str, account: str = ACCOUNT) -> "Caller":
        """As whoever's the key is; for unknown keys as root."""
        vault = Vault(self.actor.surroundings.directory)
        record = self.store.read(lambda view: identities.principal(view, vault, account, access_key))
        return Caller(self.store, self.actor, account, principal_of(record) if record else None)

    def context(self, name: str) -> Context:
        identity = Identity("gw", self.account, "key")
        operation = load("iam").operations[name]
        return Context(identity, "us-east-1", operation, "request", 0.0, 1_700_000_000.0, principal=self.principal)

    def call(self, name: str, **request: Any) -> dict[str, Any]:
        context = self.context(name)
        validator(context.operation)(request)
        definition = self.actor.operations[name]

        def evaluate(view: Any) -> Any:
            return definition.method(self.actor, context, view, request)

        run = self.store.transact if definition.kind is Kind.WRITE else self.store.read
        return cast("dict[str, Any]", run(evaluate))

    def error(self, name: str, **request: Any) -> tuple[str, str]:
        """(code, message) of the error the call must end in."""
        try:
            answer = self.call(name, **request)
        except AwsError as error:
            return error.error_code, error.message
        raise AssertionError(f"{name} answered {answer}")


@contextmanager
def open_caller(directory: Path) -> Iterator[Caller]:
    actor = IAM()
    actor.attach(Surroundings(cast("Any", None), None, directory))
    with open_store(directory / "000") as store:
        yield Caller(store, actor)
