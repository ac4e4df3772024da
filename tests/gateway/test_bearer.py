"""Bedrock's API keys, made as AWS's token generator makes them: verified by their signature, and by nothing less."""

import base64
import time

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from bus.subjects import is_token
from gateway.bearer import INVALID, read_key
from gateway.bearer import prove as prove_key
from gateway.sigv4 import Reason, Refusal


def made(secret: str = "secret", expires: int = 600, service: str = "bedrock", action: str = "CallWithBearerToken",
         host: str = "bedrock.amazonaws.com") -> tuple[str, float]:
    """The key and when it was signed."""
    request = AWSRequest("POST", f"https://{host}/", headers={"host": host}, params={"Action": action})
    SigV4QueryAuth(Credentials("AKIDEXAMPLE", secret), service, "eu-west-1", expires=expires).add_auth(request)
    url = str(request.url).replace("https://", "") + "&Version=1"
    return "bedrock-api-key-" + base64.b64encode(url.encode()).decode(), time.time()


def said(token: str, secret: str | None, now: float) -> str:
    """"" when the key is believed, else what is said."""
    try:
        key = read_key({"authorization": f"Bearer {token}"}, "us-east-1", any_form=False, now=now)
        assert key is not None
        prove_key(key, secret, now)
    except Refusal as refusal:
        return refusal.detail if refusal.reason is Reason.BEARER else repr(refusal)
    return ""


def test_short_term() -> None:
    token, now = made()
    key = read_key({"authorization": f"Bearer {token}"}, "us-east-1", any_form=False, now=now)
    assert key is not None
    assert (key.claim.signer.access_key, key.claim.signer.region) == ("AKIDEXAMPLE", "eu-west-1")
    assert said(token, "secret", now) == ""
    assert said(token, "other", now) == INVALID
    assert said(token, "secret", now + 601) == "Bearer Token has expired"
    assert said(token, None, now) == ""                            # open mode: the key is nobody's
    assert said(made(expires=12 * 3600)[0], "secret", now) == ""
    assert said(made(expires=12 * 3600 + 1)[0], "secret", now) == INVALID
    assert said(made(service="s3")[0], "secret", now) == INVALID
    assert said(made(action="ListUsers")[0], "secret", now) == INVALID
    assert said(made(host="sts.amazonaws.com")[0], "secret", now) == INVALID


def test_long_term() -> None:
    token = "ABSK" + base64.b64encode(b"BedrockAPIKey-ab1c-at-123456789012:S3cret+/=").decode()
    assert said(token, "S3cret+/=", 0.0) == ""
    assert said(token, "S3cret", 0.0) == INVALID
    assert said("ABSK" + base64.b64encode(b"no colon").decode(), "x", 0.0) == INVALID


# One changed character of a key is no key any more.
@given(st.data())
def test_tampering(data: st.DataObject) -> None:
    token, now = made()
    url = bytearray(base64.b64decode(token.removeprefix("bedrock-api-key-")))
    place = data.draw(st.integers(0, len(url) - 1 - len("&Version=1")))
    url[place] = data.draw(st.integers(33, 126).filter(lambda byte: byte != url[place]))
    changed = "bedrock-api-key-" + base64.b64encode(bytes(url)).decode()
    assert said(changed, "secret", now) != ""


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
@example("ABSK")
def test_anything(text: str) -> None:
    for prefix in ("bedrock-api-key-", "ABSK"):
        assert said(prefix + text, "secret", 0.0) != ""
    try:
        key = read_key({"x-api-key": text}, "us-east-1", any_form=True, now=0.0)
    except Refusal:
        assert text.startswith(("bedrock-api-key-", "ABSK"))
        return
    if key is not None:
        assert is_token(key.claim.signer.access_key)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic abc"}, {"authorization": "Bearer abc"}])
def test_none(headers: dict[str, str]) -> None:
    assert read_key(headers, "us-east-1", any_form=False, now=0.0) is None
