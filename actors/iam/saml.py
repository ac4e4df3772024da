"""SAML 2.0 as IAM and STS need it: a provider's metadata, and responses of which only what was signed is read.

The only importer of lxml and signxml; knows no request and no record. XML comes from strangers: a document with a DTD
is refused, entities are never expanded, nothing is fetched. What a signature covers is taken from the verifier's own
result, never looked up again in the document, so an unsigned assertion beside or around a signed one is not seen.

Sources: https://docs.oasis-open.org/security/saml/v2.0/saml-core-2.0-os.pdf (sections 2 and 5) and its neighbours;
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_saml.html (a certificate's dates are not looked at).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

_ASSERTION, _PROTOCOL = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
_METADATA, _SIGNATURE = "urn:oasis:names:tc:SAML:2.0:metadata", "http://www.w3.org/2000/09/xmldsig#"
_NAMES = {"saml": _ASSERTION, "samlp": _PROTOCOL, "md": _METADATA, "ds": _SIGNATURE}
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

CERTIFICATES_LIMIT = 16                       # of one provider, each of which may be tried
ASSERTIONS_LIMIT = 8                          # in one response
ATTRIBUTES_LIMIT = 512                        # values of one assertion


class MalformedSaml(ValueError):
    """No metadata, or no response, that could be read."""


class BadSignature(ValueError):
    """Nothing in the response is signed by the provider."""


class Metadata(NamedTuple):
    entity: str                               # entityID, the Issuer of its assertions
    certificates: tuple[str, ...]             # X.509 in base64, of keys that sign
    valid_until: float | None                 # seconds since the epoch


class Bearer(NamedTuple):
    """A SubjectConfirmation of the method bearer."""

    recipient: str
    until: float


class Assertion(NamedTuple):
    """What a provider has signed. Times in seconds since the epoch, None where the assertion has none."""

    issuer: str
    issued: float
    subject: str
    subject_format: str                       # a URN; "" where there is none
    confirmations: tuple[Bearer, ...]
    not_before: float | None
    until: float | None
    session_until: float | None
    audiences: tuple[tuple[str, ...], ...]    # each restriction must be met
    attributes: dict[str, tuple[str, ...]]


def read_metadata(text: str) -> Metadata:
    """MalformedSaml."""
    root = _parsed(text.encode())
    if root.tag != f"{{{_METADATA}}}EntityDescriptor" or not root.get("entityID"):
        raise MalformedSaml("no EntityDescriptor")
    keys = [each for each in root.iterfind("md:IDPSSODescriptor/md:KeyDescriptor", _NAMES)
            if each.get("use", "signing") == "signing"]
    found = ["".join(_plain(each).split()) for key in keys
             for each in key.iterfind("ds:KeyInfo/ds:X509Data/ds:X509Certificate", _NAMES)]
    reachable = root.find("md:IDPSSODescriptor/md:SingleSignOnService", _NAMES) is not None
    if not reachable or not 0 < len(found) <= CERTIFICATES_LIMIT:
        raise MalformedSaml("no identity provider that could be asked and believed")
    for certificate in found:
        _certificate(certificate)
    until = root.get("validUntil")
    return Metadata(root.get("entityID"), tuple(found), None if until is None else _moment(until))


def read_response(response: bytes, certificates: tuple[str, ...]) -> Assertion:
    """The one assertion that one of `certificates` signed, itself or with the whole response. MalformedSaml,
    BadSignature."""
    root = _parsed(response)
    if root.tag != f"{{{_PROTOCOL}}}Response":
        raise MalformedSaml("no Response")
    status = root.find("samlp:Status/samlp:StatusCode", _NAMES)
    if status is None or status.get("Value") != _SUCCESS:
        raise MalformedSaml("the provider did not succeed")
    if root.find("ds:Signature", _NAMES) is not None:
        signed = _signed(root, certificates)
        assertions = signed.findall("saml:Assertion", _NAMES)
    else:
        found = root.findall("saml:Assertion", _NAMES)
        assertions = [_signed(each, certificates) for each in found[:ASSERTIONS_LIMIT]]
    if len(assertions) != 1:
        raise MalformedSaml(f"{len(assertions)} assertions")
    return _assertion(assertions[0])


def _parsed(text: bytes) -> Any:
    from lxml import etree  # late: 50 ms and some megabytes, rarely needed

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
                             huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedSaml("no XML") from error
    if root.getroottree().docinfo.doctype or any(not isinstance(each.tag, str) for each in root.iter()):
        raise MalformedSaml("a document type definition")
    return root


def _certificate(text: str) -> Any:
    from base64 import b64decode

    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(b64decode(text, validate=True))
    except ValueError as error:
        raise MalformedSaml("no X.509 certificate") from error


def _signed(element: Any, certificates: tuple[str, ...]) -> Any:
    """What of `element` is signed, which must be all of it: a tree of its own. BadSignature."""
    from lxml import etree
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    alone = _parsed(etree.tostring(element, with_tail=False))
    for text in certificates:
        certificate = _certificate(text)
        expected = SignatureConfiguration(location="./", verification_time=certificate.not_valid_before_utc)
        try:
            result = XMLVerifier().verify(alone, x509_cert=certificate, id_attribute="ID", expect_config=expected)
        except (SignXMLException, ValueError):
            continue
        assert not isinstance(result, list), "one reference is expected"
        signed = result.signed_xml
        if signed is not None and signed.tag == element.tag and signed.get("ID") == element.get("ID"):
            return signed
    raise BadSignature("the signature is not the provider's")


def _assertion(found: Any) -> Assertion:
    name, conditions = found.find("saml:Subject/saml:NameID", _NAMES), found.find("saml:Conditions", _NAMES)
    statement = found.find("saml:AuthnStatement", _NAMES)
    issued = _when(found, "IssueInstant")
    if conditions is None or issued is None or name is None:
        raise MalformedSaml("an assertion without IssueInstant, Conditions or NameID")
    audiences = tuple(tuple(_plain(each) for each in restriction.iterfind("saml:Audience", _NAMES))
                      for restriction in conditions.iterfind("saml:AudienceRestriction", _NAMES))
    return Assertion(
        _plain(found.find("saml:Issuer", _NAMES)), issued, _plain(name), name.get("Format", ""),
        tuple(_confirmations(found)), _when(conditions, "NotBefore"), _when(conditions, "NotOnOrAfter"),
        None if statement is None else _when(statement, "SessionNotOnOrAfter"), audiences, _attributes(found),
    )


def _confirmations(found: Any) -> Iterator[Bearer]:
    for confirmation in found.iterfind("saml:Subject/saml:SubjectConfirmation", _NAMES):
        data = confirmation.find("saml:SubjectConfirmationData", _NAMES)
        until = None if data is None else _when(data, "NotOnOrAfter")
        if confirmation.get("Method") == _BEARER and until is not None:
            yield Bearer(data.get("Recipient", ""), until)


def _attributes(found: Any) -> dict[str, tuple[str, ...]]:
    """An attribute that stands twice has the values of both."""
    made: dict[str, tuple[str, ...]] = {}
    for attribute in found.iterfind("saml:AttributeStatement/saml:Attribute", _NAMES):
        values = tuple(_plain(each) for each in attribute.iterfind("saml:AttributeValue", _NAMES))
        made[attribute.get("Name", "")] = made.get(attribute.get("Name", ""), ()) + values
    if sum(map(len, made.values())) > ATTRIBUTES_LIMIT:
        raise MalformedSaml("too many attributes")
    return made


def _plain(element: Any) -> str:
    """All of an element's text: a part of it alone is what attacks with comments live on."""
    return "" if element is None else "".join(element.itertext()).strip()


def _when(element: Any, name: str) -> float | None:
    text = element.get(name)
    return None if text is None else _moment(text)


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedSaml(f"{text} is no time") from error
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
