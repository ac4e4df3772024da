"""Calls S3's operations on a real store, without bus or gateway.

    with open_caller(tmp_path) as s3:
        s3.call("PutObject", Bucket="b", Key="k", Body=b"…")
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from actors.runtime.actor import Kind
from actors.runtime.context import Context
from actors.runtime.principal import root
from actors.runtime.surroundings import Surroundings
from actors.s3 import contents
from actors.s3.service import S3
from bus.files import Piece
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.models import load
from schemas.validate import validator
from tests.store_fixture import Store, open_store

ACCOUNT = "111111111111"
JOBS = dict.fromkeys((contents.SWEEP_JOB, "tend", "expire", "restore", "deliver", "replicate", "log", "inventory"),
                     lambda *_: None)


class Caller:
    """`loop` is where what waits for the disk waits."""

    def __init__(
        self, store: Store, actor: S3, loop: asyncio.AbstractEventLoop, account: str = ACCOUNT,
        region: str = "us-east-1",
    ) -> None:
        self.store, self.actor, self.account, self.region = store, actor, account, region
        self.now = 1.7e9                  # of requests, in seconds since the epoch
        self.principal = root(account)
        self._loop = loop

    def acting(self, account: str = ACCOUNT, region: str = "us-east-1") -> "Caller":
        return Caller(self.store, self.actor, self._loop, account, region)

    def context(self, name: str) -> Context:
        """Of a request."""
        return Context(Identity("gw", self.account, "test"), self.region, load("s3").operations[name], "request", 0.0,
                       self.now, principal=self.principal)

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
        if definition.kind is Kind.READ:
            return cast("dict[str, Any]", self.store.read(evaluate))
        assert definition.kind is Kind.ASYNC, "what streams is told by its own tests"
        return self._wait(definition.method(self.actor, context, request))

    def _wait(self, answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """The store runs whenever it has something to do."""
        self.store.loop.woken = lambda: self._loop.call_soon(self.store.loop.run)
        try:
            return self._loop.run_until_complete(answer)
        finally:
            self.store.loop.woken = lambda: None

    def body(self, answer: dict[str, Any]) -> bytes:
        """Of GetObject, wherever it lies."""
        body = answer["Body"]
        return body if isinstance(body, bytes) else self.actor.blobs.read([Piece(*piece) for piece in body["files"]])


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
    with open_store(directory / "000", jobs=JOBS) as store, asyncio.Runner() as runner:
        actor.attach(Surroundings(cast("Any", None), store.shard, directory))
        yield Caller(store, actor, runner.get_loop())
