"""What knowing and judging the caller costs: CPU us a PutItem of gateway and actors, with and without.

    python -m tests.load.bench_identity

Without: a key nobody knows, in open mode, which is neither verified nor judged. With: an IAM user's key, whose
signature is verified and whose policy decides. Both against the same server, in turns; the best turn of each counts,
since what else runs on the machine only adds. Before it: the authorise link alone.
"""

import asyncio
import json
from time import process_time
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from actors.runtime.chain.authorise import Authorise
from actors.runtime.principal import Principal, principal_of, root
from tests import servers
from tests.actors.runtime.chain.calls import ACCOUNT, call

CONNECTIONS, REQUESTS, TURNS = 16, 4000, 12
ROUNDS = 30_000
BODY = json.dumps({"TableName": "table", "Item": {
    "pk": {"S": "user#123"}, "payload": {"S": "x" * 200}, "count": {"N": "42"}, "on": {"BOOL": True}}}).encode()
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
     "Resource": "arn:aws:dynamodb:*:*:table/t*"}]})
CONDITIONED = POLICY.replace('"Resource"', '"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, "Resource"')


def signed(endpoint: str, key: str, secret: str) -> bytes:
    """A request as it goes over the wire; signatures may be used again within their time."""
    made = AWSRequest("POST", f"{endpoint}/", data=BODY, headers={
        "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.PutItem",
        "host": endpoint.removeprefix("http://"), "content-length": str(len(BODY))})
    SigV4Auth(Credentials(key, secret), "dynamodb", "us-east-1").add_auth(made)
    head = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + BODY


async def blast(port: int, request: bytes) -> None:
    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(REQUESTS // CONNECTIONS):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def user_key(server: servers.Server) -> tuple[str, str]:
    make: Any = boto3.client
    iam = make("iam", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id="test",
               aws_secret_access_key="test")
    iam.create_user(UserName="writer")
    iam.put_user_policy(UserName="writer", PolicyName="own", PolicyDocument=POLICY)
    made = iam.create_access_key(UserName="writer")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def end_to_end() -> None:
    with servers.skybus("--durability", "os") as server:
        client: Any = server.client()
        client.create_table(TableName="table", BillingMode="PAY_PER_REQUEST",
                            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
        requests = {"without": signed(server.endpoint, "nobody", "knows"),
                    "with": signed(server.endpoint, *user_key(server))}
        best = dict.fromkeys(requests, float("inf"))
        for _ in range(TURNS):
            for name, request in requests.items():
                before = server.cpu_seconds()
                asyncio.run(blast(server.port, request))
                after = server.cpu_seconds()
                spent = sum(after[process] - before[process] for process in after if process in before
                            and process.startswith(("gateway", "actors")))
                best[name] = min(best[name], spent / REQUESTS * 1e6)
    share = (best["with"] - best["without"]) / best["with"] * 100
    print(f"PutItem: {best['without']:.0f} us without, {best['with']:.0f} us with: {share:.1f} % of it")


def link() -> None:
    def user(policy: str) -> Principal:
        return principal_of({
            "kind": "user", "account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/writer", "id": "A",
            "name": "writer", "tags": {}, "policies": [["own", policy.replace("table/t*", "table/M*")]]})

    authorise = Authorise()
    for name, principal in {"root": root(ACCOUNT), "user": user(POLICY), "user, condition": user(CONDITIONED)}.items():
        one = call(principal=principal, source={"ip": "127.0.0.1"})
        best = float("inf")
        for _ in range(TURNS):
            began = process_time()
            for _ in range(ROUNDS):
                authorise.enter(one)
            best = min(best, (process_time() - began) / ROUNDS * 1e6)
        print(f"authorise, {name:16} {best:5.2f} us")


if __name__ == "__main__":
    link()
    end_to_end()
