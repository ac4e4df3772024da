"""What knowing and judging the caller costs: CPU us of a PutItem, user and system, of every process, with and without.

    python -m tests.load.bench_identity [--rounds 1000]

Three requests that differ in their key alone, in short turns against the same processes:

    without    a key nobody knows, in open mode: neither verified nor judged
    verified   the root user's: its signature is verified, and nobody's policy is asked
    with       an IAM user's: verified, and a policy decides

What `without` leaves out is: the hash of the body, the canonical request, its signature and the comparison, the check
of what was signed, the session token, and the decision. What it does as well, for requests need it to be routed and
recorded: it reads the claim, looks the key up, names action and resource and looks for the table's own policy. Those
are timed alone, first, so that the sum can be told with them; a loop that does nothing else has them in its caches, so
that this is the least they take.

A round is a turn of each; shares are of one round, so that what else the machine does falls on both sides of them, and
the median of many rounds is told with its quartiles and its 95 % confidence interval. Microseconds are those of the
machine as it was loaded: a busy one's caches make each of them dearer, on both sides.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from statistics import median, quantiles
from time import time
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from actors.dynamodb.service import DynamoDB
from actors.runtime.actor import ServiceActor
from actors.runtime.chain import Call
from actors.runtime.chain.authorise import Authorise
from actors.runtime.context import Context
from actors.runtime.principal import Principal, principal_of, root
from actors.runtime.surroundings import Surroundings
from gateway import bearer
from gateway.callers import Callers, claim_of
from gateway.credentials import Credential, StaticCredentials
from gateway.protocols import HttpRequest
from schemas.envelope import DEFAULT_REGION, Identity
from schemas.models import load
from tests import servers
from tests.load.connections import Connections
from tests.load.cost import cost_us
from tests.store_fixture import open_store

CONNECTIONS, TURN_REQUESTS, ROUNDS = 16, 64, 1000
ACCOUNT, STRANGER, USER = "000000000000", "AKIAAAAAAAAAAAAAAAAA", "AKIAIOSFODNN7EXAMPLE"   # keys of one length
PARAMS = {"TableName": "table", "Item": {
    "pk": {"S": "user#123"}, "payload": {"S": "x" * 200}, "count": {"N": "42"}, "on": {"BOOL": True}}}
BODY = json.dumps(PARAMS).encode()
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
     "Resource": "arn:aws:dynamodb:*:*:table/t*"}]})
CONDITIONED = POLICY.replace('"Resource"', '"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, "Resource"')


def signed_headers(endpoint: str, key: str, secret: str) -> dict[str, str]:
    made = AWSRequest("POST", f"{endpoint}/", data=BODY, headers={
        "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.PutItem",
        "host": endpoint.removeprefix("http://"), "content-length": str(len(BODY))})
    SigV4Auth(Credentials(key, secret), "dynamodb", DEFAULT_REGION).add_auth(made)
    return {name.lower(): str(value) for name, value in made.headers.items()}


def signed(endpoint: str, key: str, secret: str) -> bytes:
    """A request as it goes over the wire; signatures may be used again within their time."""
    head = "".join(f"{name}: {value}\r\n" for name, value in signed_headers(endpoint, key, secret).items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + BODY


# End to end

def user_key(server: servers.Server) -> tuple[str, str]:
    make: Any = boto3.client
    iam = make("iam", endpoint_url=server.endpoint, region_name=DEFAULT_REGION, aws_access_key_id="test",
               aws_secret_access_key="test")
    iam.create_user(UserName="writer")
    iam.put_user_policy(UserName="writer", PolicyName="own", PolicyDocument=POLICY)
    made = iam.create_access_key(UserName="writer")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


Spent = dict[str, dict[str, float]]       # by request, by process: CPU us of one


async def measured(server: servers.Server, requests: dict[str, bytes], rounds: int) -> list[Spent]:
    """The order of a round's turns changes, so that none is always the one after another."""
    connections = Connections(server.port, CONNECTIONS)
    await connections.start()
    for request in requests.values():
        for status, body in await connections.ask([request] * TURN_REQUESTS):
            assert status == 200, body
    processes = {name: process.pid for name, process in server.processes().items()}
    names, found = list(requests), []
    for number in range(rounds):
        spent: Spent = {}
        for name in names[number % len(names):] + names[:number % len(names)]:
            before = [servers.cpu_seconds(pid) for pid in processes.values()]
            await connections.ask([requests[name]] * TURN_REQUESTS)
            spent[name] = {process: (servers.cpu_seconds(pid) - then) / TURN_REQUESTS * 1e6
                           for (process, pid), then in zip(processes.items(), before, strict=True)}
        found.append(spent)
    return found


def end_to_end(rounds: int, shared_us: float) -> None:
    with servers.skybus("--durability", "os") as server:
        client: Any = server.client()
        client.create_table(TableName="table", BillingMode="PAY_PER_REQUEST",
                            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
        requests = {"without": signed(server.endpoint, STRANGER, "knows"),
                    "verified": signed(server.endpoint, "test", "test"),
                    "with": signed(server.endpoint, *user_key(server))}
        found = asyncio.run(measured(server, requests, rounds))
    for name in requests:
        parts = ", ".join(f"{process} {median(each[name][process] for each in found):.0f}"
                          for process in found[0][name] if process != "supervisor")
        print(f"PutItem, {name:9} {median(total(each, name) for each in found):6.1f} us: {parts}")
    for name in ("verified", "with"):
        tell(f"{name} costs", [total(each, name) - total(each, "without") for each in found], "us")
    shares = [(total(each, "with") - total(each, "without")) / total(each, "with") * 100 for each in found]
    tell("share of a PutItem", shares, "%")
    tell("and with what both do", [share + shared_us / total(each, "with") * 100
                                   for share, each in zip(shares, found, strict=True)], "%")


def total(spent: Spent, name: str) -> float:
    return sum(spent[name].values())


def tell(what: str, values: list[float], unit: str) -> None:
    """Median, quartiles, and by the ranks of a binomial distribution the 95 % confidence interval of the median."""
    ordered = sorted(values)
    half = 0.98 * len(ordered) ** 0.5
    low, high = (ordered[round(len(ordered) / 2 + side * half - (side > 0))] for side in (-1, 1))
    first, middle, third = quantiles(ordered, n=4)
    print(f"{what:22} {middle:5.1f} {unit}, {low:.1f} to {high:.1f} (quartiles {first:.1f}, {third:.1f})")


# The functions themselves

def at_once(work: Coroutine[Any, Any, Any]) -> None:
    """Runs what does not wait."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


class Known(StaticCredentials):
    """With a user of IAM's and a stranger, in memory as they are after their first request."""

    def __init__(self) -> None:
        super().__init__("test", "test", open_mode=True)
        user, stranger = Credential(USER, ACCOUNT, "secret", static=False), self.stranger(STRANGER)
        assert stranger is not None
        self._memory = {USER: user, STRANGER: stranger}

    def known(self, access_key: str) -> Credential | None:
        return self._memory.get(access_key) or self.settled(access_key)


def gateway_alone() -> float:
    """What `without` pays in the gateway."""
    callers = Callers(Known(), time)
    cost = {}
    for name, key, secret in (("without", STRANGER, "knows"), ("with", USER, "secret")):
        request = HttpRequest("POST", "/", "", signed_headers("http://127.0.0.1:4566", key, secret), BODY)
        claim = claim_of(request)
        reading = cost_us(lambda: (
            bearer.read_key(request.headers, DEFAULT_REGION, any_form=False, now=time()),  # noqa: B023
            claim_of(request)))  # noqa: B023 - called before the next turn
        cost[name] = cost_us(lambda: at_once(callers.identify(claim, request, BODY)))  # noqa: B023
        print(f"gateway, {name:16} {reading:5.2f} us to read the claim, {cost[name]:5.2f} us to identify")
    return reading + cost["without"]


def user(policy: str) -> Principal:
    return principal_of({
        "kind": "user", "account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/writer", "id": "A", "name": "writer",
        "tags": {}, "policies": [["own", policy]]})


def actor_alone() -> float:
    """What `without` pays in the actor."""
    authorise, cost = Authorise(), {}
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder)) as store:
        actor: ServiceActor = DynamoDB()
        actor.surroundings = Surroundings(None, store.shard, Path(folder))  # type: ignore[arg-type]  # nobody is asked
        for name, principal in {"without": root(ACCOUNT), "with": user(POLICY), "with a condition": user(CONDITIONED)
                                }.items():
            operation = load("dynamodb").operations["PutItem"]
            context = Context(Identity("gw", ACCOUNT, USER), DEFAULT_REGION, operation, "request-1", 2e9, 1e9,
                              source={"ip": "127.0.0.1"}, principal=principal)
            one = Call(context, actor, actor.operations["PutItem"], PARAMS, 319)
            cost[name] = cost_us(lambda: authorise.enter(one))  # noqa: B023 - called before the next turn
            print(f"actor,   {name:16} {cost[name]:5.2f} us to authorise")
    return cost["without"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    shared_us = gateway_alone() + actor_alone()
    print(f"both:    {shared_us:22.2f} us of these")
    end_to_end(rounds, shared_us)


if __name__ == "__main__":
    main()
