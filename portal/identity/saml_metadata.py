"""Reads the metadata of a SAML identity provider: entity, address, certificates."""

from __future__ import annotations

from typing import Any

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


class MetadataUnreadable(ValueError):
    """The metadata cannot be used; the text says why and quotes nothing."""


def read_metadata(text: str) -> dict[str, Any]:
    """`entity_id`, `sso_url` and `certificates` of the one provider that the metadata is of.

    Raises: MetadataUnreadable.
    """
    # Only where SAML is configured: it brings libxml2 and xmlsec.
    from lxml.etree import LxmlError  # noqa: PLC0415
    from onelogin.saml2.idp_metadata_parser import (  # noqa: PLC0415
        OneLogin_Saml2_IdPMetadataParser as Parser,
    )

    try:
        found = Parser.parse(text, required_sso_binding=REDIRECT).get("idp", {})
    except (LxmlError, ValueError):
        raise MetadataUnreadable("its metadata is not the XML that SAML asks for") from None
    several = found.get("x509certMulti", {}).get("signing", [])
    certificates = tuple(several or filter(None, [found.get("x509cert")]))
    url = found.get("singleSignOnService", {}).get("url", "")
    if not (found.get("entityId") and url and certificates):
        raise MetadataUnreadable("its metadata lacks entity, redirect address or certificate")
    return {"entity_id": found["entityId"], "sso_url": url, "certificates": certificates}
