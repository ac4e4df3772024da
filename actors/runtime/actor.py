"""ServiceActor and the decorators that make a method an operation or a job.

Five kinds, told apart by decorator and by what the method is:

    @operation("PutItem")   def        one transaction, in the shard's next commit; answered after it
    @query("GetItem")       def        reads the committed snapshot only; answered at once
    @query("Scan")          generator  the same, yielding None every ~2 ms to give way; returns the answer
    @operation("Invoke")    async def  waits for something; reaches state through self.surroundings.shard
    @query("X", when=test)             any of these, for those requests to an @operation("X") that pass the test
    @operation("Converse…") async generator of events: a streaming answer

What a @query without yield has read may say that there is more to wait for (a file): it then returns an awaitable.

Two more, for a service of several shards (DESIGN.md), are met in no other:

    @across("ListTables")   async def  coordinates what concerns several shards
    @part("TakeRows", of="…") def      a step of an AWS operation that only another shard's actor asks for

A method is called (self, context, transaction or snapshot, request) or, async, (self, context, request). The request
has passed validation and authorisation. What it raises: AwsError, or it is a bug.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of
from schemas.errors import AwsError
from schemas.routing import slot

if TYPE_CHECKING:
    from actors.runtime.chain.call import Call
    from actors.runtime.context import Context
    from actors.runtime.surroundings import Surroundings
    from bus.metrics import Sample
    from bus.system import Answer

Method = TypeVar("Method", bound=Callable[..., Any])
Row = TypeVar("Row", bound=tuple[Any, ...])


class Kind(Enum):
    WRITE = "write"                       # one transaction
    READ = "read"                         # one snapshot
    LONG_READ = "long read"               # one snapshot, a generator
    ASYNC = "async"
    STREAM = "stream"                     # async generator


@dataclass(frozen=True, slots=True)
class Definition:
    """An operation as its class declares it. `method` is the plain function."""

    name: str
    kind: Kind
    method: Callable[..., Any]
    when: Callable[[Mapping[str, Any]], bool] | None = None
    alternative: "Definition | None" = None         # answers in its place the requests its `when` says
    across: "Definition | None" = None              # answers in its place what concerns several shards
    coordinates: bool = False                       # is such a one
    internal: bool = False                          # of an operation: asked for by actors alone, and by no chain

    def chosen(self, request: Mapping[str, Any]) -> "Definition":
        """Itself, or its alternative where that is for this request, which is not validated yet."""
        other = self.alternative
        return self if other is None or other.when is None or not other.when(request) else other


def operation(
    name: str, when: Callable[[Mapping[str, Any]], bool] | None = None
) -> Callable[[Method], Method]:
    """Declares the method that answers AWS's operation `name` and may write. `when`: see `query`."""

    def mark(method: Method) -> Method:
        if inspect.isasyncgenfunction(method):
            kind = Kind.STREAM
        elif inspect.iscoroutinefunction(method):
            kind = Kind.ASYNC
        else:
            assert not inspect.isgeneratorfunction(method), f"{name}: a writing operation cannot give way; use a job"
            kind = Kind.WRITE
        method.__skybus_operation__ = Definition(name, kind, method, when)  # type: ignore[attr-defined]
        return method

    return mark


def query(name: str, when: Callable[[Mapping[str, Any]], bool] | None = None) -> Callable[[Method], Method]:
    """Declares the method that answers AWS's operation `name` and only reads.

    With `when` it answers only the requests of which that is true, beside an @operation of the same name: what
    ExecuteStatement does depends on its statement, PutObject must wait for the disk where the body is large. `when`
    sees requests before they are validated and never raises.
    """

    def mark(method: Method) -> Method:
        kind = Kind.LONG_READ if inspect.isgeneratorfunction(method) else Kind.READ
        method.__skybus_operation__ = Definition(name, kind, method, when)  # type: ignore[attr-defined]
        return method

    return mark


def across(name: str) -> Callable[[Method], Method]:
    """Declares the `async def` that answers AWS's operation `name` where it concerns several shards: it asks them for
    their parts (parts.py). Beside the @operation or @query that answers within one."""

    def mark(method: Method) -> Method:
        assert inspect.iscoroutinefunction(method), f"{name}: who coordinates waits"
        method.__skybus_across__ = Definition(name, Kind.ASYNC, method, coordinates=True)  # type: ignore[attr-defined]
        return method

    return mark


def part(name: str, *, of: str, reads: bool = False, authorised: bool = False) -> Callable[[Method], Method]:
    """Declares a step of AWS's operation `of` that another shard's actor asks for by `name`, which no model has. It is
    a transaction, or with `reads` a snapshot. With `authorised` its request is one of that operation's, in the name of
    who asked that, validated and authorised like it; without, it is neither: who asks did that."""

    def mark(method: Method) -> Method:
        definition = Definition(of, Kind.READ if reads else Kind.WRITE, method, internal=not authorised)
        method.__skybus_part__ = name, definition  # type: ignore[attr-defined]
        return method

    return mark


def job(name: str) -> Callable[[Method], Method]:
    """Declares one step of long work: `def step(self, transaction, now, state: dict) -> dict | None`.

    Each call is one transaction of at most JOB_STEP_ROWS changed rows and about JOB_STEP_LIMIT_BYTES (see `bounded`),
    because everybody's next write waits for its commit; the returned state is committed with it and handed to the next
    call, also after a crash; None ends the job. Started by `transaction.start_job(name, state)`.

    A job that asks other services is `async def step(self, now, state) -> dict | None`: it runs outside any
    transaction, reaches state through self.surroundings.shard, and what it returns is committed after it. A crash
    between the two runs the step again, so what it does must bear that.
    """

    def mark(method: Method) -> Method:
        method.__skybus_job__ = name  # type: ignore[attr-defined]
        return method

    return mark


JOB_STEP_ROWS = 256
JOB_STEP_LIMIT_BYTES = 256 * 1024


def bounded(found: Iterable[Row], rows: int) -> Iterator[Row]:
    """What a step takes of what there is to be done: at most `rows` rows, and no more once they have
    JOB_STEP_LIMIT_BYTES. The last member of each is its record, or None."""
    size = 0
    for count, row in enumerate(found, start=1):
        yield row
        size += len(row[-1] or b"")
        if count >= rows or size >= JOB_STEP_LIMIT_BYTES:
            return


class InitialResponse(dict[str, Any]):
    """What a stream may yield first: the output's members beside the event stream (some travel as headers)."""


class ServiceActor:
    """One AWS service's behaviour. Stateless but for what it can rebuild; state lives in the shard."""

    service: ClassVar[str]                          # botocore's name
    stateful: ClassVar[bool] = False                # owns a shard
    state_of: ClassVar[str] = ""                    # the service whose shard it shares, in the same process
    validates_itself: ClassVar[frozenset[str]] = frozenset()   # shapes whose inside the chain does not validate
    private_files: ClassVar[tuple[str, ...]] = ()   # in its surroundings' directory; kept by backups
    file_folders: ClassVar[tuple[str, ...]] = ()    # beside them: files that never change and that the shard names
    operations: Mapping[str, Definition]            # the class's; an actor may weave its own when it is attached
    parts: ClassVar[Mapping[str, Definition]]       # @part, by their own names
    jobs: ClassVar[Mapping[str, Callable[..., Any]]]
    surroundings: "Surroundings"                    # from `attach` on

    def attach(self, surroundings: "Surroundings") -> None:
        """Called once a shard is open, before the first request and the first step of a job."""
        self.surroundings = surroundings

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        assert not (cls.stateful and cls.state_of), f"{cls.__name__}: a shard of its own, or another's"
        members = [getattr(cls, name) for name in dir(cls)]
        found = [getattr(member, "__skybus_operation__", None) for member in members]
        definitions = [definition for definition in found if definition is not None]
        alternatives = {each.name: each for each in definitions if each.when is not None}
        crossing = {each.__skybus_across__.name: each.__skybus_across__ for each in members
                    if hasattr(each, "__skybus_across__")}
        cls.operations = {
            each.name: replace(each, alternative=alternatives.get(each.name), across=crossing.get(each.name))
            for each in definitions if each.when is None
        }
        assert alternatives.keys() | crossing.keys() <= cls.operations.keys(), "an alternative to nothing"
        cls.parts = dict(each.__skybus_part__ for each in members if hasattr(each, "__skybus_part__"))
        cls.jobs = {
            member.__skybus_job__: member for member in members if getattr(member, "__skybus_job__", None) is not None
        }

    def place(self, operation: str, request: Mapping[str, Any], account: str, region: str) -> str:
        """The slot whose owner answers this request; ANY: none does alone. Of requests before they are validated, where
        the service has several shards; never raises."""
        return slot(self.service, account, region, request)

    def committed(self, context: "Context") -> None:
        """A write of this actor is committed, and not yet answered."""

    def answered(self, call: "Call") -> None:
        """The answer to a request is made, whatever it is, and not yet sent. Quick, and never raises."""

    def system_answers(self) -> "Mapping[str, Answer]":
        """What it answers our own processes, by verb (bus/system.py)."""
        return {}

    def samples(self) -> "Sequence[Sample]":
        """Its own metrics, in Prometheus's terms, beside those of its requests."""
        return ()

    def finding(self) -> str:
        """What an operator should look after, in one line of `skybus status`; "": nothing."""
        return ""

    # What authorisation asks (chain/DESIGN.md). Synchronous, quick, and of requests that passed validation.

    def accesses(self, context: "Context", request: Mapping[str, Any]) -> Sequence[Access]:
        """All that this request needs to be allowed, the principal one first; none: anybody may ask it."""
        resource = self.resource(context.operation.name, request, context.account, context.region)
        return (Access(action_of(context.operation), resource),)

    def resource(self, operation: str, request: Mapping[str, Any], account: str, region: str) -> str:
        """The ARN this request is about, where it needs one access only; "*" where AWS has none."""
        return "*"

    def guard(self, context: "Context", access: Access) -> Guard | None:
        """What stands around the resource of an access; None: nothing, and its ARN says whose it is."""
        return None

    def refusal(self, context: "Context", access: Access, error: AwsError) -> AwsError:
        """What who is refused this access is told; `error` is what everyone says."""
        return error

    def passed(self, context: "Context", request: Mapping[str, Any]) -> Sequence[str]:
        """The ARNs of what a request passes on the way to its resource: audit records name them as well."""
        return ()

    def tags(self, context: "Context", access: Access) -> Mapping[str, str]:
        """The tags of an access's resource. Called only when a policy asks for one."""
        return {}

    def condition_keys(
        self, context: "Context", access: Access, request: Mapping[str, Any]
    ) -> Mapping[str, str | tuple[str, ...]]:
        """The service's own condition keys ("dynamodb:leadingkeys", in lower case) for an access. Called at most once
        per access, and only when a policy asks for a key of the service."""
        return access.keys
