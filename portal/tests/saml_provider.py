"""A SAML identity provider in a process of its own, which also says what none may say.

`python portal/tests/saml_provider.py PORT`. Its key is made at the start. `GET /sso` answers an
AuthnRequest with a page that posts the response back; `?as=` names the person, `?case=` what is
wrong with it. `GET /metadata` is what a portal is configured with.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
import json
import re
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import CanonicalizationMethod

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
MINUTE = dt.timedelta(minutes=1)
BOMB = """<?xml version="1.0"?>
<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="x" Version="2.0">&d;
</samlp:Response>"""
FILE = """<?xml version="1.0"?><!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="x" Version="2.0">&f;
</samlp:Response>"""


def moment(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Key:
    """A private key, and the certificate that the portal trusts."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider of the tests")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.private.public_key())
            .serial_number(1)
            .not_valid_before(now - MINUTE)
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(self.private, hashes.SHA256())
        )
        self.certificate = made.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, element: etree._Element) -> etree._Element:
        """The element with a signature where the schema wants it, behind the issuer."""
        place = etree.Element(f"{{{DS}}}Signature", {"Id": "placeholder"}, nsmap={"ds": DS})
        element.insert(1, place)
        signer = XMLSigner(c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0)
        return signer.sign(
            element,
            key=self.private,
            cert=self.certificate,
            reference_uri=element.get("ID"),
        )


class Provider:
    """Makes responses; `case` breaks one thing."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key, self.foreign_key = Key(), Key()

    def metadata(self) -> str:
        body = "".join(self.key.certificate.split("\n")[1:-2])
        return (
            f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{self.url}/metadata">'
            f'<md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">'
            f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{body}'
            f"</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{self.url}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )

    def respond(self, request: str, told: dict[str, str]) -> tuple[str, str]:
        """The address to post to, and the response in base64."""
        asked = etree.fromstring(zlib.decompress(base64.b64decode(request), -15))
        acs = str(asked.get("AssertionConsumerServiceURL"))
        audience = str(asked.findtext(f"{{{SAML}}}Issuer"))
        case = told.get("case", "")
        if case in ("bomb", "file"):
            return acs, base64.b64encode((BOMB if case == "bomb" else FILE).encode()).decode()
        document = self._document(str(asked.get("ID")), acs, audience, told)
        return acs, base64.b64encode(self._signed(document, case)).decode()

    def _document(
        self, request_id: str, acs: str, audience: str, told: dict[str, str]
    ) -> etree._Element:
        case, now = told.get("case", ""), dt.datetime.now(dt.UTC)
        ends = now - 30 * MINUTE if case == "expired" else now + 5 * MINUTE
        signed_in = now - 600 * MINUTE if case == "old-sign-in" else now
        audience = "https://another.example/" if case == "audience" else audience
        recipient = "https://another.example/acs" if case == "recipient" else acs
        destination = "https://another.example/acs" if case == "destination" else acs
        answers = "" if case == "unasked" else f'InResponseTo="{request_id}"'
        inner = "" if case in ("unasked", "unbound") else f'InResponseTo="{request_id}"'
        form = "transient" if case == "transient" else "persistent"
        issuer = "https://another.example/idp" if case == "issuer" else f"{self.url}/metadata"
        restricted = (
            ""
            if case == "no-audience"
            else f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>"
            "</saml:AudienceRestriction>"
        )
        email = html.escape(told.get("email", ""))
        groups = "".join(
            f"<saml:AttributeValue>{html.escape(group)}</saml:AttributeValue>"
            for group in json.loads(told.get("groups", "[]"))
        )
        attributes = (
            f'<saml:Attribute Name="groups">{groups}</saml:Attribute>' if groups else ""
        ) + (
            f'<saml:Attribute Name="email"><saml:AttributeValue>{email}'
            "</saml:AttributeValue></saml:Attribute>"
        )
        return etree.fromstring(
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_{uuid4().hex}" '
            f'Version="2.0" IssueInstant="{moment(now)}" Destination="{destination}" {answers}>'
            f"<saml:Issuer>{issuer}</saml:Issuer>"
            '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>'
            f"</samlp:Status>"
            f'<saml:Assertion ID="_{uuid4().hex}" Version="2.0" IssueInstant="{moment(now)}">'
            f"<saml:Issuer>{issuer}</saml:Issuer>"
            f'<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:'
            f'{form}">{html.escape(told.get("as", ""))}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData NotOnOrAfter="{moment(ends)}" '
            f'Recipient="{recipient}" {inner}/></saml:SubjectConfirmation></saml:Subject>'
            f'<saml:Conditions NotBefore="{moment(now - 60 * MINUTE)}" '
            f'NotOnOrAfter="{moment(ends)}">{restricted}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{moment(signed_in)}"><saml:AuthnContext>'
            f"<saml:AuthnContextClassRef>{CLASSES}{told.get('class', 'Password')}"
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>"
            "</saml:Assertion></samlp:Response>"
        )

    def _signed(self, document: etree._Element, case: str) -> bytes:
        assertion = document.find(f"{{{SAML}}}Assertion")
        if case == "unsigned":
            return etree.tostring(document)
        if case == "message-signed-alone":
            return etree.tostring(self.key.sign(document))
        if case == "no-name":
            subject = assertion.find(f"{{{SAML}}}Subject")
            subject.remove(subject.find(f"{{{SAML}}}NameID"))
        key = self.foreign_key if case == "foreign-key" else self.key
        signed = key.sign(assertion)
        document.replace(assertion, signed)
        if case == "changed":
            return etree.tostring(document).replace(b">ada@", b">bob@")
        if case.startswith("wrapped"):
            self._wrap(document, signed, case)
        return etree.tostring(document)

    def _wrap(self, document: etree._Element, signed: etree._Element, case: str) -> None:
        """Signature wrapping: an assertion of the attacker beside, before or around the signed."""
        evil = etree.fromstring(etree.tostring(signed).replace(b">ada", b">bob"))
        evil.remove(evil.find(f"{{{DS}}}Signature"))
        if case != "wrapped-same-id":
            evil.set("ID", "_evil")
        place = list(document).index(signed)
        if case == "wrapped-before":
            document.insert(place, evil)
        elif case == "wrapped-after":
            document.append(evil)
        else:
            # The signed one inside a part of the evil one that the schema leaves open.
            document.replace(signed, evil)
            signature = signed.find(f"{{{DS}}}Signature")
            moved = etree.fromstring(etree.tostring(signature))
            holder = etree.SubElement(moved, f"{{{DS}}}Object")
            holder.append(signed)
            evil.insert(1, moved)


class Handler(BaseHTTPRequestHandler):
    provider: ClassVar[Provider]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        told = dict(parse_qsl(parts.query))
        if parts.path == "/metadata":
            self.answer(self.provider.metadata(), "application/samlmetadata+xml")
            return
        acs, response = self.provider.respond(told.pop("SAMLRequest"), told)
        self.answer(
            f'<!DOCTYPE html><html lang="en"><title>Provider</title>'
            f'<form method="post" action="{html.escape(acs)}">'
            f'<input type="hidden" name="SAMLResponse" value="{response}">'
            f"<button>Go on</button></form></html>",
            "text/html",
        )

    def answer(self, text: str, media_type: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{media_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Silent: what it answers is the test's to look at."""


def response_in(page: str) -> str:
    """The response that a page of this provider would post."""
    found = re.search(r'name="SAMLResponse" value="([^"]+)"', page)
    assert found, page
    return found[1]


if __name__ == "__main__":
    Handler.provider = Provider(int(sys.argv[1]))
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
