"""Calls S3's operations that are one transaction or one snapshot, on a real store, without bus or gateway.

    with open_caller(tmp_path) as s3:
        s3.call("PutObject", Bucket="b", Key="k", Body=b"…")
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from actors.runtime.actor import Kind
from actors.runtime.context import Context
from actors.runtime.principal import root
from actors.runtime.surroundings import Surroundings
from actors.s3 import contents
from actors.s3.service import S3
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.models import load
from schemas.validate import validator
from tests.store_fixture import Store, open_store

ACCOUNT = "111111111111"
JOBS = dict.fromkeys((contents.SWEEP_JOB, "tend", "expire", "restore", "deliver", "replicate", "log", "inventory"),
                     lambda *_: None)


class Caller:
    def __init__(self, store: Store, actor: S3, account: str = ACCOUNT, region: str = "us-east-1") -> None:
        self.store, self.actor, self.account, self.region = store, actor, account, region
        self.now = 1.7e9                  # of requests, in seconds since the epoch

    def acting(self, account: str = ACCOUNT, region: str = "us-east-1") -> "Caller":
        return Caller(self.store, self.actor, account, region)

    def context(self, name: str) -> Context:
        """Of a request of the account's root."""
        return Context(Identity("gw", self.account, "test"), self.region, load("s3").operations[name], "request", 0.0,
                       self.now, principal=root(self.account))

    def call(self, name: str, **request: Any) -> dict[str, Any]:
        context = self.context(name)
        validator(context.operation)(request)
        definition = self.actor.operations[name].chosen(request)

        def evaluate(view: Any) -> Any:
            return definition.method(self.actor, context, view, request)

        if definition.kind is Kind.WRITE:
            return cast("dict[str, Any]", self.store.transact(evaluate))
        if definition.kind is Kind.LONG_READ:
            return cast("dict[str, Any]", self.store.read_long(evaluate))
        assert definition.kind is Kind.READ, "what waits needs a loop"
        return cast("dict[str, Any]", self.store.read(evaluate))

    def error(self, name: str, **request: Any) -> str:
        """The code of the error the call must end in."""
        try:
            answer = self.call(name, **request)
        except AwsError as error:
            return error.error_code
        raise AssertionError(f"{name} answered {answer}")


@contextmanager
def open_caller(directory: Path) -> Iterator[Caller]:
    actor = S3()
    with open_store(directory / "000", jobs=JOBS) as store:
        actor.attach(Surroundings(cast("Any", None), store.shard, directory))
        yield Caller(store, actor)
