"""Tokens of identity providers: real JWTs, signed by keys of this test, whose provider is registered with IAM.

Expected: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
"""

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from actors.sts import issuers
from bus.virtual_time import run
from tests.actors.sts.skies import Sky, skies
from tests.world import ACCOUNT, EPOCH_S

ISSUER = "issuer.example/realm"
RSA, EC, OTHER_RSA = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048), ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(public_exponent=65537, key_size=2048),
)
CLAIMS = {"iss": f"https://{ISSUER}", "aud": "client", "sub": "repo:me/it", "exp": EPOCH_S + 600, "iat": EPOCH_S}
PROVIDER = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}
TRUST = {"Principal": PROVIDER, "Action": "sts:AssumeRoleWithWebIdentity",
         "Condition": {"StringEquals": {f"{ISSUER}:aud": "client", f"{ISSUER}:sub": "repo:me/it"}}}


def published(url: str, thumbprints: Sequence[str]) -> Any:
    if url == f"https://{ISSUER}/.well-known/openid-configuration":
        return {"jwks_uri": "https://issuer.example/keys"}
    assert url == "https://issuer.example/keys"
    keys = [("rsa", jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())),
            ("ec", jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key()))]
    return {"keys": [{**json.loads(key), "kid": name} for name, key in keys]}


def unreachable(url: str, thumbprints: Sequence[str]) -> Any:
    raise ConnectionRefusedError(url)


def token(key: Any = RSA, kid: str = "rsa", algorithm: str = "RS256", more: Any = None, **claims: Any) -> str:
    return jwt.encode({**CLAIMS, **claims, **(more or {})}, key, algorithm, headers={"kid": kid})


async def asked(sky: Sky, role: str, web_token: str) -> Any:
    nobody = sky.root()
    nobody.access_key = "anonymous"
    return await nobody.call("sts", "AssumeRoleWithWebIdentity", RoleArn=role, RoleSessionName="job",
                             WebIdentityToken=web_token)


async def prepared(sky: Sky, trusted: Any = None) -> str:
    await sky.root().call("iam", "CreateOpenIDConnectProvider", Url=f"https://{ISSUER}", ClientIDList=["client"])
    return await sky.role("deploy", trusted or TRUST, {"Action": "dynamodb:ListTables", "Resource": "*"})


@pytest.mark.parametrize(("key", "kid", "algorithm"), [(RSA, "rsa", "RS256"), (EC, "ec", "ES256")])
def test_a_good_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Any, kid: str, algorithm: str
) -> None:
    monkeypatch.setattr("actors.sts.issuers.fetch_json", published)

    async def main() -> None:
        async with skies(tmp_path) as sky:
            answer = await asked(sky, await prepared(sky), token(key, kid, algorithm))
            assert answer["SubjectFromWebIdentityToken"] == "repo:me/it"
            assert (answer["Audience"], answer["Provider"]) == ("client", PROVIDER["Federated"])
            session = sky.session(answer["Credentials"])
            assert (await session.call("sts", "GetCallerIdentity"))["Arn"].endswith("assumed-role/deploy/job")
            await session.call("dynamodb", "ListTables")
            await session.denied("iam", "ListUsers")

    run(main())


BAD: dict[str, tuple[str, str]] = {
    "no token": ("nonsense", "InvalidIdentityToken"),
    "another's key": (token(OTHER_RSA), "InvalidIdentityToken"),
    "a key nobody published": (token(kid="new"), "InvalidIdentityToken"),
    "unsigned": (jwt.encode(CLAIMS, "", "none"), "InvalidIdentityToken"),
    "signed with the public key as a secret": (jwt.encode(CLAIMS, "x" * 64, "HS256"), "InvalidIdentityToken"),
    "expired": (token(exp=EPOCH_S - 1), "ExpiredTokenException"),
    "not yet": (token(nbf=EPOCH_S + 1000), "InvalidIdentityToken"),
    "without an end": (token(exp=None), "InvalidIdentityToken"),
    "for another": (token(aud="someone"), "InvalidIdentityToken"),
    "of another issuer": (token(iss="https://evil.example"), "InvalidIdentityToken"),
    "not the subject": (token(sub="repo:evil/it"), "AccessDenied"),
    "tags the role does not take": (
        token(more={"https://aws.amazon.com/tags": {"principal_tags": {"a": ["b"]}}}), "AccessDenied"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("actors.sts.issuers.fetch_json", published)
    web_token, expected = BAD[kind]

    async def main() -> None:
        from schemas.errors import AwsError

        async with skies(tmp_path, open_mode=True) as sky:
            role = await prepared(sky)
            with pytest.raises(AwsError, match=expected):
                await asked(sky, role, web_token)

    run(main())


def test_a_provider_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.sts.issuers.fetch_json", unreachable)

    async def main() -> None:
        from schemas.errors import AwsError

        async with skies(tmp_path) as sky:
            role = await prepared(sky)
            with pytest.raises(AwsError, match="IDPCommunicationError"):
                await asked(sky, role, token())

    run(main())


# Tags and the source identity that the provider vouches for go into the session, where the role takes them.
def test_tags_in_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.sts.issuers.fetch_json", published)

    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.root().call("iam", "CreateOpenIDConnectProvider", Url=f"https://{ISSUER}",
                                  ClientIDList=["client"])
            actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]
            role = await sky.role(
                "deploy", {**TRUST, "Action": actions},
                {"Action": "dynamodb:ListTables", "Resource": "*", "Condition": {"StringEquals": {
                    "aws:PrincipalTag/team": "blue", "aws:SourceIdentity": "me",
                    "aws:FederatedProvider": PROVIDER["Federated"]}}})
            answer = await asked(sky, role, token(more={
                "https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}},
                "https://aws.amazon.com/source_identity": "me"}))
            assert answer["SourceIdentity"] == "me"
            await sky.session(answer["Credentials"]).call("dynamodb", "ListTables")

    run(main())


# A provider that only ever says a little more does not hold its thread for ever.
def test_a_fetch_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "FETCH_LIMIT_S", 0.01)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\n")
        with issuers._ended_in_time(ours):
            while ours.recv(4):
                pass
