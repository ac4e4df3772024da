"""AssumeRoleWithSAML: a response of a SAML provider that IAM knows, verified with the certificates of its metadata.

Sources: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-saml; what is
refused in which words: …/troubleshoot_saml.html, and public reports of users.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from hashlib import sha1
from typing import Any

from actors.iam import saml
from actors.iam.state import SAML, Book, Record
from actors.iam.vault import Vault
from actors.runtime.bounded.threads import Threads
from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.sts import federation, narrowing
from actors.sts.errors import ExpiredTokenException, IDPRejectedClaim, InvalidIdentityToken

RESPONSES_LIMIT, WAITING_LIMIT = 2, 62        # read at a time, and that wait
REDEEM_LIMIT_S = 300                          # from an assertion's issue to its use
LEEWAY_S = 300                                # of the provider's clock where it is ahead of ours
AUDIENCE = "urn:amazon:webservices"           # of AWS's own metadata; or a sign-in URL
_RECIPIENT = re.compile(r"https://([a-z0-9-]+\.)?signin\.aws\.amazon\.com/saml(/acs/[A-Za-z0-9-]+)?\Z")
_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_TAG = f"{_ATTRIBUTES}PrincipalTag:"
_NAME = re.compile(r"[a-zA-Z_0-9+=,.@-]{2,64}\Z")
_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:"

# Condition keys of attributes, by the attributes' names.
_KEYS = {
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.1": "edupersonaffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.2": "edupersonnickname",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.3": "edupersonorgdn", "urn:oid:1.3.6.1.4.1.5923.1.1.1.4": "edupersonorgunitdn",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.5": "edupersonprimaryaffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.6": "edupersonprincipalname",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.7": "edupersonentitlement",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.8": "edupersonprimaryorgunitdn",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.9": "edupersonscopedaffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.10": "edupersontargetedid",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.11": "edupersonassurance",
    "urn:oid:1.3.6.1.4.1.5923.1.2.1.2": "eduorghomepageuri",
    "urn:oid:1.3.6.1.4.1.5923.1.2.1.3": "eduorgidentityauthnpolicyuri",
    "urn:oid:1.3.6.1.4.1.5923.1.2.1.4": "eduorglegalname", "urn:oid:1.3.6.1.4.1.5923.1.2.1.5": "eduorgsuperioruri",
    "urn:oid:1.3.6.1.4.1.5923.1.2.1.6": "eduorgwhitepagesuri", "urn:oid:2.5.4.3": "cn",
    "http://schemas.xmlsoap.org/claims/CommonName": "commonname", "http://schemas.xmlsoap.org/claims/Group": "group",
    "urn:oid:2.5.4.42": "givenname", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname": "givenname",
    "urn:oid:0.9.2342.19200300.100.1.3": "mail",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": "mail",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": "name",
    "urn:oid:0.9.2342.19200300.100.1.45": "organizationstatus",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": "primarygroupsid",
    "urn:oid:2.5.4.4": "surname", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname": "surname",
    "urn:oid:0.9.2342.19200300.100.1.1": "uid", "urn:oid:2.5.4.45": "x500uniqueidentifier",
}

Request = Mapping[str, Any]
Answer = dict[str, Any]


async def assume(shard: Shard, vault: Vault, readers: Threads, context: Context, request: Request) -> Answer:
    provider = shard.read(lambda view: _provider(view, request))
    response = _decoded(request["SAMLAssertion"])
    try:
        asserted = await readers.run(saml.read_response, response, tuple(provider["certificates"]))
    except saml.MalformedSaml as error:
        raise InvalidIdentityToken("Invalid base64 SAMLResponse") from error
    except saml.BadSignature as error:
        raise InvalidIdentityToken("Response signature invalid") from error
    recipient = _checked(asserted, provider, context.now)
    _check_role(asserted, request)
    vouched = _vouched(asserted, recipient, request, context.now)
    answer: Answer = await shard.transact(
        lambda transaction: federation.begin(transaction, vault, context, request, vouched))
    return {**answer, "Subject": asserted.subject, "SubjectType": _subject_type(asserted), "Issuer": asserted.issuer,
            "Audience": recipient, "NameQualifier": vouched.keys["saml:namequalifier"]}


def _provider(view: Any, request: Request) -> Record:
    """Of the role's own account."""
    account = request["RoleArn"].split(":", 5)[4:5]
    book = Book(view, account[0] if account else "")
    record = book.find_arn(SAML, request["PrincipalArn"])
    if record is None:
        raise InvalidIdentityToken("Specified provider doesn't exist")
    return record


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidIdentityToken("Invalid base64 SAMLResponse") from error


def _checked(asserted: saml.Assertion, provider: Record, now: float) -> str:
    """The Recipient it is for. InvalidIdentityToken, ExpiredTokenException."""
    if asserted.issuer != provider["entity"]:
        raise InvalidIdentityToken("Issuer not present in specified provider")
    if (provider["valid_until"] or now + 1) <= now:
        raise InvalidIdentityToken("The provider's metadata has expired")
    if now > asserted.issued + REDEEM_LIMIT_S:
        raise ExpiredTokenException("Token must be redeemed within 5 minutes of issuance")
    if asserted.until is not None and asserted.until <= now:
        raise ExpiredTokenException("Response has expired")
    begins = max(asserted.issued, asserted.not_before or 0.0)
    if begins > now + LEEWAY_S:
        raise InvalidIdentityToken("Response is not yet valid")
    ours = [any(each == AUDIENCE or _RECIPIENT.match(each) for each in some) for some in asserted.audiences]
    if not ours or not all(ours):
        raise InvalidIdentityToken("Response does not contain the required audience.")
    bearers = [each for each in asserted.confirmations if _RECIPIENT.match(each.recipient)]
    if not bearers:
        raise InvalidIdentityToken("Response does not contain the required recipient.")
    latest = max(bearers, key=lambda each: each.until)
    if latest.until <= now:
        raise ExpiredTokenException("Response has expired")
    return latest.recipient


def _check_role(asserted: saml.Assertion, request: Request) -> None:
    """The provider must name this role and itself, in whichever order. IDPRejectedClaim."""
    wanted = {request["RoleArn"], request["PrincipalArn"]}
    named = asserted.attributes.get(f"{_ATTRIBUTES}Role", ())
    if not any({part.strip() for part in value.split(",")} == wanted for value in named):
        raise IDPRejectedClaim("The role and the provider requested are not in the SAML response.")


def _vouched(asserted: saml.Assertion, recipient: str, request: Request, now: float) -> federation.Vouched:
    name, identity = _one(asserted, "RoleSessionName"), _one(asserted, "SourceIdentity")
    if not name:
        raise InvalidIdentityToken("RoleSessionName is required in AuthnResponse")
    if not _NAME.match(name):
        raise InvalidIdentityToken("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
    if identity and (not _NAME.match(identity) or identity.startswith("aws:")):
        raise InvalidIdentityToken('Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"')
    left = None if asserted.session_until is None else asserted.session_until - now
    if left is not None and left <= 0:
        raise ExpiredTokenException("Response has expired")
    tags = narrowing.tags({
        "Tags": [{"Key": key, "Value": value} for key, value in _tags(asserted)],
        "TransitiveTagKeys": asserted.attributes.get(f"{_ATTRIBUTES}TransitiveTagKeys", ())})
    return federation.Vouched(request["PrincipalArn"], "sts:AssumeRoleWithSAML", name,
                              _condition_keys(asserted, recipient, request), tags, identity, left)


def _one(asserted: saml.Assertion, attribute: str) -> str:
    values = asserted.attributes.get(_ATTRIBUTES + attribute, ())
    return values[0] if len(values) == 1 else ""


def _tags(asserted: saml.Assertion) -> Iterator[tuple[str, str]]:
    for name, values in asserted.attributes.items():
        if name.startswith(_TAG) and values:
            yield name.removeprefix(_TAG), values[0]


def _condition_keys(asserted: saml.Assertion, recipient: str, request: Request) -> federation.Keys:
    account = request["PrincipalArn"].split(":")[4]
    provider = request["PrincipalArn"].rpartition("/")[2]
    qualifier = sha1(f"{asserted.issuer}{account}/{provider}".encode(), usedforsecurity=False).digest()
    keys: federation.Keys = {
        "saml:aud": recipient, "saml:iss": asserted.issuer, "saml:sub": asserted.subject,
        "saml:sub_type": _subject_type(asserted), "saml:doc": f"{account}/{provider}",
        "saml:namequalifier": base64.b64encode(qualifier).decode(),
    }
    for name, values in asserted.attributes.items():
        if name in _KEYS and values:
            keys[f"saml:{_KEYS[name]}"] = values
    return keys


def _subject_type(asserted: saml.Assertion) -> str:
    return asserted.subject_format.removeprefix(_FORMAT)
