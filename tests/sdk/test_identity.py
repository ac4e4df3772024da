"""Keys and sessions as boto3 uses them, through the gateway in strict mode: signatures, tokens, profiles, refusals.

Codes by service: gateway/refusals.py cites them.
"""

import base64
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from deploy.process_actors import actor_of
from deploy.topology import services
from schemas.models import load
from tests import servers
from tests.actors.sts.test_every_operation import DENIALS, FREE, operations, request_of

SECRET = "a-secret-of-the-operator"
ACCOUNT = "000000000000"
DYNAMODB = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.skybus("--durability", "os", "--auth", "strict",
                        environment={"SKYBUS_ROOT_SECRET_KEY": SECRET}) as made:
        yield made


def client(server: servers.Server, service: str, keys: dict[str, str] | None = None, **config: Any) -> Any:
    keys = keys or {"AccessKeyId": "test", "SecretAccessKey": SECRET}
    make: Any = boto3.client          # its overloads want literals
    return make(
        service, endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys.get("SessionToken"),
        config=Config(retries={"max_attempts": 0}, **config),
    )


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def user(server: servers.Server, name: str, *statements: dict[str, Any]) -> dict[str, str]:
    """Its keys."""
    iam = client(server, "iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    keys: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
    return keys


def role(server: servers.Server, name: str, *statements: dict[str, Any]) -> str:
    iam = client(server, "iam")
    trust = document({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                      "Action": "sts:AssumeRole"})
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return arn


def code(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return f"{caught.value.response['Error']['Code']} {caught.value.response['ResponseMetadata']['HTTPStatusCode']}"


def test_a_users_key(server: servers.Server) -> None:
    keys = user(server, "alice", DYNAMODB)
    dynamodb, sts = client(server, "dynamodb", keys), client(server, "sts", keys)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert dynamodb.list_tables()["TableNames"] == []
    assert code(client(server, "iam", keys).list_users) == "AccessDenied 403"
    wrong = {**keys, "SecretAccessKey": "wrong"}
    assert code(client(server, "dynamodb", wrong).list_tables) == "InvalidSignatureException 400"
    assert code(client(server, "sts", wrong).get_caller_identity) == "SignatureDoesNotMatch 403"
    with_token = {**keys, "SessionToken": "nobody gave it"}
    assert code(client(server, "dynamodb", with_token).list_tables) == "UnrecognizedClientException 400"
    iam = client(server, "iam")
    iam.update_access_key(UserName="alice", AccessKeyId=keys["AccessKeyId"], Status="Inactive")
    assert code(dynamodb.list_tables) == "UnrecognizedClientException 400"
    iam.update_access_key(UserName="alice", AccessKeyId=keys["AccessKeyId"], Status="Active")
    assert dynamodb.list_tables()["TableNames"] == []
    iam.delete_access_key(UserName="alice", AccessKeyId=keys["AccessKeyId"])
    assert code(dynamodb.list_tables) == "UnrecognizedClientException 400"
    assert code(sts.get_caller_identity) == "InvalidClientTokenId 403"
    assert code(client(server, "s3", keys).list_buckets) == "InvalidAccessKeyId 403"


# The token is part of the key: missing, another's, changed.
def test_a_sessions_token(server: servers.Server) -> None:
    sts = client(server, "sts", user(server, "bob", {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}))
    arn = role(server, "reader", DYNAMODB)
    keys, other = (
        sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"] for name in ("one", "two"))
    assert client(server, "sts", keys).get_caller_identity()["Arn"].endswith("assumed-role/reader/one")
    assert client(server, "dynamodb", keys).list_tables()["TableNames"] == []
    missing = {name: value for name, value in keys.items() if name != "SessionToken"}
    for bad in (missing, {**keys, "SessionToken": other["SessionToken"]},
                {**keys, "SessionToken": keys["SessionToken"][:-1]}):
        assert code(client(server, "dynamodb", bad).list_tables) == "UnrecognizedClientException 400"
        assert code(client(server, "sts", bad).get_caller_identity) == "InvalidClientTokenId 403"
    assert code(client(server, "s3", missing).list_buckets) == "InvalidAccessKeyId 403"
    assert code(client(server, "s3", {**keys, "SessionToken": "x"}).list_buckets) == "InvalidToken 400"


# As a program configures it: a profile that assumes a role with another profile's, which assumes one with a user's key.
def test_a_chain_of_profiles(
    server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = user(server, "carol", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    first = role(server, "first", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    second = role(server, "second", DYNAMODB)
    (tmp_path / "config").write_text(
        f"[profile first]\nrole_arn = {first}\nsource_profile = carol\nrole_session_name = one\n"
        f"[profile second]\nrole_arn = {second}\nsource_profile = first\nrole_session_name = two\n")
    (tmp_path / "credentials").write_text(
        f"[carol]\naws_access_key_id = {keys['AccessKeyId']}\naws_secret_access_key = {keys['SecretAccessKey']}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    session = boto3.Session(profile_name="second", region_name="us-east-1")
    assert session.client("sts").get_caller_identity()["Arn"].endswith("assumed-role/second/two")
    assert session.client("dynamodb").list_tables()["TableNames"] == []
    assert code(boto3.Session(profile_name="carol", region_name="us-east-1").client("dynamodb").list_tables) == \
        "AccessDeniedException 400"


# Over HTTP as on the bus (tests/actors/sts/test_every_operation.py): no operation is open to whom nothing permits.
def test_every_operation_over_http(server: servers.Server) -> None:
    keys = user(server, "powerless")
    clients: dict[str, Any] = {}
    actors = [actor_of(service) for service in services(())]
    for service, name in operations(actors):
        if service not in clients:
            clients[service] = client(server, service, keys, parameter_validation=False)
            if service == "s3control":
                servers.without_resolving(clients[service], server.endpoint)
        params = request_of(service, name, 1)
        shape = load(service).operations[name].input
        if service == "s3" and shape is not None:             # the rest may be checksums that are none
            params = {member: value for member, value in params.items() if member in shape.required}
            if "Bucket" in params:
                client(server, "s3").create_bucket(Bucket=params["Bucket"])
        if shape is not None:                                 # over HTTP nothing in a path is empty
            params |= {member: "a" for member, value in params.items()
                       if value == "" and shape.members[member].trait("location") == "uri"}
        try:
            clients[service]._make_api_call(name, params)
            denied = False
        except ClientError as error:
            denied = error.response["Error"]["Code"] in (*DENIALS, "403")            # HEAD's answers have no body
            seen = str(error)
        else:
            seen = "let in"
        assert denied != ((service, name) in FREE), f"{service}:{name}: {seen}"


# What the command line tells of the same instance.
def test_the_command_line(server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = next(word for before, word in pairwise(server.root.cmdline()) if before == "--data-dir")
    exports = servers.command("credentials", "--data-dir", data)
    assert f"export AWS_SECRET_ACCESS_KEY={SECRET}\n" in exports
    (tmp_path / "credentials").write_text("[mine]\naws_access_key_id = A\n[local]\nold = 1\n[last]\nb = 2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    servers.command("credentials", "--data-dir", data, "--profile", "local")
    text = (tmp_path / "credentials").read_text()
    assert text.startswith("[mine]\naws_access_key_id = A\n[last]\nb = 2\n")
    assert "old" not in text
    assert (tmp_path / "credentials").stat().st_mode & 0o777 == 0o600
    session = boto3.Session(profile_name="local")
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":root")

    keys = user(server, "dave", {"Sid": "Reads", **DYNAMODB})
    dave, table = f"arn:aws:iam::{ACCOUNT}:user/dave", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
    for principal in (dave, keys["AccessKeyId"]):
        told = servers.command("explain", "--data-dir", data, principal, "dynamodb:GetItem", table)
        assert 'allowed by statement 1 "Reads" of user_dave_own (identity-based policy)' in told
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": dave}})    # which STS asks
    trusting = client(server, "iam").create_role(RoleName="daves", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    told = servers.command("explain", "--data-dir", data, dave, "sts:AssumeRole", trusting)
    assert "(resource-based policy)" in told
    nothing = ("s3:ListAllMyBuckets", "*")
    assert "the root user may everything" in servers.command("explain", "--data-dir", data, "test", *nothing)
    assert "secrets are sealed under a new key" in servers.command("rotate-secrets", "--data-dir", data)
    assert client(server, "dynamodb", keys).list_tables()["TableNames"] == []
    with pytest.raises(subprocess.CalledProcessError) as refused:
        servers.command("explain", "--data-dir", data, dave, "iam:ListUsers", "*")
    assert refused.value.returncode == 1
    assert "because no identity-based policy allows the iam:ListUsers action" in refused.value.stdout
    with pytest.raises(subprocess.CalledProcessError) as refused:
        servers.command("explain", "--data-dir", data, f"arn:aws:iam::{ACCOUNT}:user/nobody", *nothing)
    assert refused.value.stdout == ""


def bear(server: servers.Server, token: str, path: str = "/foundation-models", **headers: str) -> tuple[int, str]:
    """Status, and what is said where it is no success."""
    request = urllib.request.Request(f"{server.endpoint}{path}", b"{}" if headers else None, {
        "authorization": f"Bearer {token}", **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, str(json.load(error).get("message"))


# Bedrock's long-term API keys are verified, bear tokens and nothing else, for Bedrock and nobody else, and end when IAM
# says so. Expected: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html.
def test_bedrock_api_keys(server: servers.Server) -> None:
    iam = client(server, "iam")
    allowed = {"Effect": "Allow", "Action": ["bedrock:*", "dynamodb:*"], "Resource": "*"}
    user(server, "bedrock", allowed)
    key = iam.create_service_specific_credential(UserName="bedrock", ServiceName="bedrock.amazonaws.com")
    made = key["ServiceSpecificCredential"]
    token, name = made["ServiceCredentialSecret"], made["ServiceCredentialAlias"]
    assert name == base64.b64decode(token.removeprefix("ABSK")).decode().partition(":")[0]
    assert bear(server, token) == (200, "")
    wrong = "ABSK" + base64.b64encode(f"{name}:wrong".encode()).decode()
    assert bear(server, wrong)[0] == 403
    assert bear(server, token, "/", **{"x-amz-target": "DynamoDB_20120810.ListTables",
                                       "content-type": "application/x-amz-json-1.0"})[0] in (400, 403, 404)
    secret = base64.b64decode(token.removeprefix("ABSK")).decode().partition(":")[2]
    signing = client(server, "dynamodb", {"AccessKeyId": name, "SecretAccessKey": secret})
    assert code(signing.list_tables) == "UnrecognizedClientException 400"
    iam.put_user_policy(UserName="bedrock", PolicyName="own", PolicyDocument=document(allowed, {
        "Effect": "Deny", "Action": "bedrock:CallWithBearerToken", "Resource": "*",
        "Condition": {"StringEquals": {"bedrock:bearerTokenType": "LONG_TERM"}}}))
    status, message = bear(server, token)
    assert (status, "bedrock:CallWithBearerToken" in message) == (403, True)
    iam.put_user_policy(UserName="bedrock", PolicyName="own", PolicyDocument=document(allowed))
    assert bear(server, token)[0] == 200
    identity = made["ServiceSpecificCredentialId"]
    iam.update_service_specific_credential(
        UserName="bedrock", ServiceSpecificCredentialId=identity, Status="Inactive")
    assert bear(server, token)[0] == 403
    iam.delete_service_specific_credential(UserName="bedrock", ServiceSpecificCredentialId=identity)
    assert bear(server, token)[0] == 403
