"""A SAML identity provider of these tests: its metadata, and responses that it signs."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.signer import XMLSigner

from tests.world import EPOCH_S

ENTITY = "https://idp.example/saml"
SIGN_IN = "https://signin.aws.amazon.com/saml"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_DS = "http://www.w3.org/2000/09/xmldsig#"


def moment(after_s: float = 0.0) -> str:
    return datetime.fromtimestamp(EPOCH_S + after_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class IdentityProvider:
    def __init__(self, entity: str = ENTITY) -> None:
        self.entity = entity
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp.example")])
        begins = datetime(2020, 1, 1, tzinfo=UTC)
        self.certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
            .serial_number(1).not_valid_before(begins).not_valid_after(begins + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )

    def metadata(self, more: str = "") -> str:
        der = base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()
        return f"""<?xml version="1.0"?>{more}
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{_DS}" entityID="{self.entity}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
      <ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{self.entity}"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""

    def sign(self, element: Any) -> Any:
        """Enveloped, behind the element's Issuer, as the schemas want it."""
        signer = XMLSigner(signature_algorithm="rsa-sha256", digest_algorithm="sha256",
                           c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
        place = etree.SubElement(element, f"{{{_DS}}}Signature", Id="placeholder", nsmap={"ds": _DS})
        element.insert(1, place)
        return signer.sign(element, key=self.key, cert=[self.certificate], reference_uri=element.get("ID"),
                           id_attribute="ID")


@dataclass
class Response:
    """What a response says; `xml` is the element, `text` what a client posts."""

    roles: list[str]
    issuer: str = ENTITY
    name: str = "me@example.com"
    subject: str = "me"
    audience: str = SIGN_IN
    recipient: str = SIGN_IN
    issued: float = 0.0                       # seconds after the tests' epoch, as all of these
    not_before: float = -60.0
    until: float = 300.0
    session_until: float | None = None
    status: str = SUCCESS
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def assertion(self, identity: str = "_assertion") -> Any:
        values = {f"{ATTRIBUTES}Role": self.roles, **self.attributes}
        if self.name:
            values[f"{ATTRIBUTES}RoleSessionName"] = [self.name]
        attributes = "".join(
            f'<saml:Attribute Name="{name}">' + "".join(
                f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in each) + "</saml:Attribute>"
            for name, each in values.items())
        session = "" if self.session_until is None else f' SessionNotOnOrAfter="{moment(self.session_until)}"'
        return etree.fromstring(f"""
<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{identity}" Version="2.0"
 IssueInstant="{moment(self.issued)}"><saml:Issuer>{self.issuer}</saml:Issuer>
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{self.subject}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 NotOnOrAfter="{moment(self.until)}" Recipient="{self.recipient}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{moment(self.not_before)}" NotOnOrAfter="{moment(self.until)}"><saml:AudienceRestriction>
<saml:Audience>{self.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{moment(self.issued)}"{session}/>
<saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>""".strip())

    def around(self, *assertions: Any) -> Any:
        root = etree.fromstring(f"""
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
 ID="_response" Version="2.0" IssueInstant="{moment(self.issued)}"><saml:Issuer>{self.issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="{self.status}"/></samlp:Status></samlp:Response>""".strip())
        root.extend(assertions)
        return root


def text(element: Any) -> str:
    return base64.b64encode(etree.tostring(element)).decode()
