"""Checks SAML responses: SAML 2.0 profiles, section 4.1.4, each "may" of it taken as "must".

python3-saml verifies schema, signature, moments, audience and that the signed element is the one
that is read (signature wrapping). What it lets a response leave out is asked for here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core.cache import cache
from lxml.etree import LxmlError
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from portal.identity.providers import Claims, IdentityProvider
from portal.identity.refusals import Refusal, Refused

# A response of an identity provider has some ten kilobytes. Looked at before it is decoded.
LONGEST = 256 * 1024
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
# Attributes by the names that directories give them; the first one that is there counts.
SUBJECT = ("urn:oasis:names:tc:SAML:attribute:subject-id",)
EMAIL = (
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "email",
    "mail",
)
NAME = (
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "displayName",
    "name",
)
# Moments may differ by this much; python3-saml allows the same.
DRIFT_SECONDS = Saml.ALLOWED_CLOCK_DRIFT


@dataclass(frozen=True, slots=True)
class Response:
    """A response whose every mark was checked but that it answers a request of this browser."""

    in_response_to: str
    claims: Claims

    def stored(self) -> dict[str, Any]:
        return {"in_response_to": self.in_response_to, "claims": asdict(self.claims)}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Response:
        return cls(stored["in_response_to"], Claims(**stored["claims"]))


def check(
    encoded: str, *, provider: IdentityProvider, service: dict[str, Any], acs: str
) -> Response:
    """What the response says, which came to the address `acs`; `service` are its settings.

    Each is taken once: until it ends, its identifier is remembered.
    Raises: Refused.
    """
    if not encoded or len(encoded) > LONGEST:
        raise Refused(Refusal.ASSERTION)
    try:
        response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(settings=service), encoded)
        if not response.is_valid(arrived_at(acs)):
            raise Refused(Refusal.ASSERTION)
        return _read(response, provider, service["sp"]["entityId"], acs)
    # binascii's errors and those of forbidden DTDs and entities are ValueErrors.
    except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, LxmlError, ValueError):
        raise Refused(Refusal.ASSERTION) from None


def _read(
    response: OneLogin_Saml2_Response, provider: IdentityProvider, entity: str, acs: str
) -> Response:
    """The response, if it is for us and new. Raises: Refused."""
    confirmed = _confirmation(response, acs)
    if response.get_audiences() != [entity]:
        raise Refused(Refusal.ASSERTION)
    claims = _claims(response, provider)
    _take_once(provider, response.get_assertion_id(), confirmed["NotOnOrAfter"])
    return Response(confirmed["InResponseTo"], claims)


def arrived_at(acs: str) -> dict[str, Any]:
    """The request as python3-saml wants it: by our configured address, never by the Host header."""
    scheme, _, rest = acs.partition("://")
    host, _, path = rest.partition("/")
    return {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": f"/{path}",
        "get_data": {},
        "post_data": {},
    }


def _confirmation(response: OneLogin_Saml2_Response, acs: str) -> Mapping[str, str]:
    """The bearer confirmation of the one, signed assertion: for us, for one request, with an end.

    Raises: Refused.
    """
    document = response.get_xml_document()
    found = document.xpath(
        "/samlp:Response/saml:Assertion[@ID=$id]/saml:Subject"
        f"/saml:SubjectConfirmation[@Method='{Saml.CM_BEARER}']/saml:SubjectConfirmationData",
        namespaces=Saml.NSMAP,
        id=response.get_assertion_id(),
    )
    if len(found) != 1 or document.get("Destination") != acs:
        raise Refused(Refusal.ASSERTION)
    marks: Mapping[str, str] = found[0].attrib
    answers = marks.get("InResponseTo")
    if marks.get("Recipient") != acs or not marks.get("NotOnOrAfter"):
        raise Refused(Refusal.ASSERTION)
    if not answers or answers != response.get_in_response_to():
        raise Refused(Refusal.STATE)
    return marks


def _take_once(provider: IdentityProvider, identifier: str, ends: str) -> None:
    left = OneLogin_Saml2_Utils.parse_SAML_to_time(ends) - time.time() + DRIFT_SECONDS
    place = f"sso:saml:taken:{provider.slug}:{identifier}"
    if not cache.add(place, 1, timeout=max(int(left), 1)):
        raise Refused(Refusal.REPLAYED)


def _claims(response: OneLogin_Saml2_Response, provider: IdentityProvider) -> Claims:
    """What the assertion says of the person. Raises: Refused if it names nobody for good."""
    attributes: Mapping[str, list[str]] = response.get_attributes()
    subject = _first(attributes, SUBJECT)
    if not subject and response.get_nameid_format() != TRANSIENT:
        subject = response.get_nameid() or ""
    if not subject:
        raise Refused(Refusal.ASSERTION)
    email = _first(attributes, EMAIL)
    if not email and response.get_nameid_format() == Saml.NAMEID_EMAIL_ADDRESS:
        email = response.get_nameid()
    instants = response.get_xml_document().xpath(
        "/samlp:Response/saml:Assertion/saml:AuthnStatement/@AuthnInstant", namespaces=Saml.NSMAP
    )
    return Claims(
        subject=subject,
        email=email,
        # SAML has no word for it: what a provider signs of its own domains is verified.
        email_verified=True,
        name=_first(attributes, NAME),
        groups=tuple(attributes.get(provider.groups_claim, ())),
        methods=tuple(response.get_authn_contexts()),
        authenticated_at=float(OneLogin_Saml2_Utils.parse_SAML_to_time(instants[0])),
    )


def _first(attributes: Mapping[str, list[str]], names: tuple[str, ...]) -> str:
    for name in names:
        if values := attributes.get(name):
            return str(values[0] or "")
    return ""
