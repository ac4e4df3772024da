"""SAML responses, signed by a provider of this test whose metadata is registered with IAM.

Expected: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html; attacks:
https://www.usenix.org/conference/usenixsecurity12/technical-sessions/presentation/somorovsky (signature wrapping).
"""

import base64
import hashlib
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bus.virtual_time import run
from schemas.errors import AwsError
from tests.actors.sts.identity_provider import ATTRIBUTES, ENTITY, SIGN_IN, IdentityProvider, Response, text
from tests.actors.sts.skies import Sky, skies
from tests.world import ACCOUNT, EPOCH_S

PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/federated"
PAIR = f"{ROLE},{PROVIDER}"
IDP, STRANGER = IdentityProvider(), IdentityProvider()
TRUST = {"Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithSAML",
         "Condition": {"StringEquals": {"saml:aud": SIGN_IN, "saml:sub_type": "persistent", "saml:iss": ENTITY}}}


def signed(response: Response) -> str:
    return text(response.around(IDP.sign(response.assertion())))


async def prepared(sky: Sky, *actions: str) -> None:
    await sky.root().call("iam", "CreateSAMLProvider", Name="idp", SAMLMetadataDocument=IDP.metadata() + " " * 1000)
    trust = {**TRUST, "Action": [TRUST["Action"], *actions]}
    await sky.role("federated", trust, {"Action": "dynamodb:ListTables", "Resource": "*"})


async def asked(sky: Sky, assertion: str, **more: Any) -> Any:
    nobody = sky.root()
    nobody.access_key = "anonymous"
    return await nobody.call("sts", "AssumeRoleWithSAML", RoleArn=ROLE, PrincipalArn=PROVIDER,
                             SAMLAssertion=assertion, **more)


# Either the assertion is signed, or the response with it.
@pytest.mark.parametrize("whole", [False, True])
def test_a_good_response(tmp_path: Path, whole: bool) -> None:
    response = Response([PAIR])
    posted = text(IDP.sign(response.around(response.assertion()))) if whole else signed(response)

    async def main() -> None:
        async with skies(tmp_path) as sky:
            await prepared(sky)
            answer = await asked(sky, posted)
            qualifier = base64.b64encode(hashlib.sha1(f"{ENTITY}{ACCOUNT}/idp".encode()).digest()).decode()
            assert {key: value for key, value in answer.items() if key != "Credentials"} == {
                "AssumedRoleUser": answer["AssumedRoleUser"], "Subject": "me", "SubjectType": "persistent",
                "Issuer": ENTITY, "Audience": SIGN_IN, "NameQualifier": qualifier}
            assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/federated/me@example.com"
            session = sky.session(answer["Credentials"])
            await session.call("dynamodb", "ListTables")
            await session.denied("iam", "ListUsers")

    run(main())


def without_signature() -> str:
    return text(Response([PAIR]).around(Response([PAIR]).assertion()))


def by_a_stranger() -> str:
    return text(Response([PAIR]).around(STRANGER.sign(Response([PAIR]).assertion())))


def changed_afterwards() -> str:
    return text(etree.fromstring(base64.b64decode(signed(Response([PAIR]))).replace(b">me<", b">boss<")))


def evil() -> Any:
    return Response([PAIR], subject="boss").assertion("_evil")


def beside() -> str:
    """An unsigned assertion ahead of the signed one."""
    return text(Response([PAIR]).around(evil(), IDP.sign(Response([PAIR]).assertion())))


def wrapped() -> str:
    """The signed one inside the unsigned one, which bears its signature."""
    good, bad = IDP.sign(Response([PAIR]).assertion()), evil()
    signature = good.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    bad.insert(1, deepcopy(signature))
    etree.SubElement(bad, "Extension").append(good)
    return text(Response([PAIR]).around(bad))


def same_id() -> str:
    """Two of one ID, so that the reference may mean either."""
    good, bad = IDP.sign(Response([PAIR]).assertion()), Response([PAIR], subject="boss").assertion("_assertion")
    bad.insert(1, deepcopy(good.find("{http://www.w3.org/2000/09/xmldsig#}Signature")))
    bad.append(good)
    return text(Response([PAIR]).around(bad))


def response_around_a_signed_response() -> str:
    good = IDP.sign(Response([PAIR]).around(Response([PAIR]).assertion()))
    outer = Response([PAIR]).around(evil())
    outer.insert(1, deepcopy(good.find("{http://www.w3.org/2000/09/xmldsig#}Signature")))
    outer.append(good)
    return text(outer)


def with_entities() -> str:
    return base64.b64encode(b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + base64.b64decode(
        signed(Response([PAIR]))).replace(b">me<", b">&e;<")).decode()


BAD: dict[str, tuple[Callable[[], str] | Response, str]] = {
    "no base64": (lambda: "!!!!", "InvalidIdentityToken: Invalid base64 SAMLResponse"),
    "no XML": (lambda: "bm8geG1s", "InvalidIdentityToken: Invalid base64 SAMLResponse"),
    "unsigned": (without_signature, "InvalidIdentityToken: Response signature invalid"),
    "by a stranger": (by_a_stranger, "InvalidIdentityToken: Response signature invalid"),
    "changed afterwards": (changed_afterwards, "InvalidIdentityToken: Response signature invalid"),
    "an assertion beside": (beside, "InvalidIdentityToken: Response signature invalid"),
    "wrapped": (wrapped, "InvalidIdentityToken: Response signature invalid"),
    "the same id twice": (same_id, "InvalidIdentityToken: Response signature invalid"),
    "around a response": (response_around_a_signed_response, "InvalidIdentityToken: Response signature invalid"),
    "with entities": (with_entities, "InvalidIdentityToken: Invalid base64 SAMLResponse"),
    "another issuer": (Response([PAIR], issuer="https://evil.example"),
                       "InvalidIdentityToken: Issuer not present in specified provider"),
    "an old one": (Response([PAIR], issued=-400, until=900),
                   "ExpiredTokenException: Token must be redeemed within 5 minutes of issuance"),
    "expired": (Response([PAIR], issued=-200, until=-100), "ExpiredTokenException: Response has expired"),
    "not yet": (Response([PAIR], issued=1000, not_before=1000, until=2000),
                "InvalidIdentityToken: Response is not yet valid"),
    "for another audience": (Response([PAIR], audience="https://evil.example"),
                             "InvalidIdentityToken: Response does not contain the required audience."),
    "for another recipient": (Response([PAIR], recipient="https://evil.example"),
                              "InvalidIdentityToken: Response does not contain the required recipient."),
    "failed": (Response([PAIR], status="urn:oasis:names:tc:SAML:2.0:status:Responder"),
               "InvalidIdentityToken: Invalid base64 SAMLResponse"),
    "another role": (Response([PAIR.replace("federated", "admin")]), "IDPRejectedClaim: The role"),
    "no session name": (Response([PAIR], name=""),
                        "InvalidIdentityToken: RoleSessionName is required in AuthnResponse"),
    "a bad session name": (Response([PAIR], name="a b"),
                           "InvalidIdentityToken: RoleSessionName in AuthnResponse must match"),
    "tags the role does not take": (Response([PAIR], attributes={f"{ATTRIBUTES}PrincipalTag:a": ["b"]}),
                                    "AccessDenied: Not authorized to perform sts:AssumeRoleWithSAML"),
}


def test_bad_responses(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, open_mode=True) as sky:
            await prepared(sky)
            for made, expected in BAD.values():
                posted = signed(made) if isinstance(made, Response) else made()
                with pytest.raises(AwsError, match=re.escape(expected)):
                    await asked(sky, posted)

    run(main())


# What the provider vouches for goes into the session; its own session's end ends ours.
def test_attributes(tmp_path: Path) -> None:
    response = Response([f"{PROVIDER}, {ROLE}"], session_until=1000, attributes={
        f"{ATTRIBUTES}PrincipalTag:team": ["blue"], f"{ATTRIBUTES}TransitiveTagKeys": ["team"],
        f"{ATTRIBUTES}SourceIdentity": ["me"]})

    async def main() -> None:
        async with skies(tmp_path) as sky:
            await prepared(sky, "sts:TagSession", "sts:SetSourceIdentity")
            await sky.root().call("iam", "PutRolePolicy", RoleName="federated", PolicyName="own", PolicyDocument="""
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:ListTables",
                 "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue",
                 "aws:SourceIdentity": "me"}}}]}""")
            answer = await asked(sky, signed(response))
            assert answer["SourceIdentity"] == "me"
            assert 900 < answer["Credentials"]["Expiration"].timestamp() - EPOCH_S <= 1000
            await sky.session(answer["Credentials"]).call("dynamodb", "ListTables")

    run(main())


def test_providers(tmp_path: Path) -> None:
    from tests.actors.iam.caller import open_caller

    with open_caller(tmp_path) as iam:
        metadata = IDP.metadata() + " " * 1000
        tags = [{"Key": "a", "Value": "b"}]
        made = iam.call("CreateSAMLProvider", Name="idp", SAMLMetadataDocument=metadata, Tags=tags)
        arn = made["SAMLProviderArn"]
        assert made["Tags"] == tags
        shown = iam.call("GetSAMLProvider", SAMLProviderArn=arn)
        assert (shown["SAMLMetadataDocument"], shown["Tags"]) == (metadata, tags)
        assert [each["Arn"] for each in iam.call("ListSAMLProviders")["SAMLProviderList"]] == [arn]
        bad = '<!DOCTYPE x [<!ENTITY e "e">]>'
        for document in (" " * 1000, IDP.metadata(bad) + " " * 1000,
                         metadata.replace("<ds:X509Certificate>", "<ds:X509Certificate>AA")):
            assert iam.error("UpdateSAMLProvider", SAMLProviderArn=arn, SAMLMetadataDocument=document) == (
                "InvalidInput", "Could not parse metadata")
        iam.call("DeleteSAMLProvider", SAMLProviderArn=arn)
        assert iam.error("GetSAMLProvider", SAMLProviderArn=arn) == (
            "NoSuchEntity", f"Manifest not found for arn {arn}")
