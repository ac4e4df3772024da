"""boto3 with a web identity, as pods and build jobs use it: a token in a file, an issuer that publishes its keys over
HTTPS under a certificate of its own, known to IAM by its thumbprint.

Expected: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html.
"""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import jwt
import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests import servers

ACCOUNT = "000000000000"


class Issuer(NamedTuple):
    url: str
    key: rsa.RSAPrivateKey
    thumbprint: str

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        return jwt.encode({"iss": self.url, "aud": "sts.amazonaws.com", "sub": "pod", "iat": now, "exp": now + 300,
                           **claims}, self.key, "RS256", headers={"kid": "1"})


def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
            .sign(key, hashes.SHA256()))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = certificate(key)
    folder: Path = tmp_path_factory.mktemp("issuer")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    pages: dict[str, Any] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(pages.get(self.path, {})).encode()
            self.send_response(200 if self.path in pages else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Not into the tests' output."""

    server = HTTPServer(("127.0.0.1", 0), Pages)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://127.0.0.1:{server.server_port}"
    pages["/.well-known/openid-configuration"] = {"issuer": url, "jwks_uri": f"{url}/keys"}
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    pages["/keys"] = {"keys": [{**public, "kid": "1"}]}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Issuer(url, key, made.fingerprint(hashes.SHA1()).hex())
    server.shutdown()
    thread.join()
    server.server_close()


def prepared(skybus: servers.Server, issuer: Issuer, thumbprint: str, name: str) -> str:
    """The role's ARN."""
    make: Any = boto3.client
    iam = make("iam", endpoint_url=skybus.endpoint, region_name="us-east-1", aws_access_key_id="test",
               aws_secret_access_key="test")
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.url.removeprefix('https://')}"
    if provider in [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]:
        iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=provider, ThumbprintList=[thumbprint])
    else:
        iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sts.amazonaws.com"],
                                            ThumbprintList=[thumbprint])
    trust = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
             "Condition": {"StringEquals": {f"{issuer.url.removeprefix('https://')}:sub": "pod"}}}
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": trust}))["Role"]["Arn"])


def test_a_token_in_a_file(
    skybus: servers.Server, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = prepared(skybus, issuer, "0" * 40, "stranger")
    make: Any = boto3.client
    sts = make("sts", endpoint_url=skybus.endpoint, region_name="us-east-1")
    with pytest.raises(ClientError, match="IDPCommunicationError"):
        sts.assume_role_with_web_identity(RoleArn=stranger, RoleSessionName="me", WebIdentityToken=issuer.token())
    role = prepared(skybus, issuer, issuer.thumbprint.upper(), "pod")
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="me", WebIdentityToken=issuer.token(sub="x"))
    (tmp_path / "token").write_text(issuer.token())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": role, "AWS_ROLE_SESSION_NAME": "job",
        "AWS_ENDPOINT_URL": skybus.endpoint, "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    answer = boto3.Session().client("sts").get_caller_identity()
    assert answer["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/pod/job"
