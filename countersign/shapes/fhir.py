"""What the elements of FHIR resources hold, by their place.

Sources: HL7 FHIR R4 (4.0.1) datatypes HumanName, Address, ContactPoint, Identifier, Reference,
Attachment; value set http://terminology.hl7.org/CodeSystem/v2-0203 for types of identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from countersign.shapes.slots import PROTOCOL, TERM

DAYS_OF_LIFE = frozenset({"birthDate", "deceasedDateTime", "bornDate", "deceasedDate"})
# A day or a month; a year alone may stay (164.514(b)(2)(i)(C)).
_DAY = re.compile(r"\d{4}-\d\d(-\d\d(T\d\d:\d\d.{0,24})?)?")
_WORDS = frozenset(
    [
        "system",
        "code",
        "url",
        "reference",
        "status",
        "use",
        "resourceType",
        "unit",
        "versionId",
        "language",
        "contentType",
        "intent",
        "mode",
        "linkId",
        "fullUrl",
        "method",
        "version",
        "source",
        "valueCode",
        "valueUri",
        "valueCanonical",
        "comparator",
        "kind",
        "gender",
        "currency",
        "hash",
        "format",
        "typeCode",
    ]
)
# References to persons: their `display` is a name.
_PERSONS = frozenset(
    [
        "subject",
        "patient",
        "beneficiary",
        "individual",
        "performer",
        "author",
        "requester",
        "recorder",
        "asserter",
        "practitioner",
        "participant",
        "member",
        "who",
        "actor",
        "enterer",
        "agent",
        "payee",
        "sender",
        "recipient",
        "provider",
        "attester",
        "informationSource",
        "subscriber",
        "policyHolder",
        "generalPractitioner",
        "link",
        "other",
        "responsible",
        "onBehalfOf",
        "collector",
        "interpreter",
        "resultsInterpreter",
        "careManager",
        "party",
        "verifier",
        "donor",
        "owner",
        "attendee",
        "witness",
    ]
)
_PEOPLE = frozenset({"Patient", "RelatedPerson", "Person", "Practitioner", "PractitionerRole"})
_PLACES = frozenset({"Location", "Organization", "HealthcareService"})
_CONTACTS = {
    "phone": "PHONE",
    "sms": "PHONE",
    "pager": "PHONE",
    "fax": "FAX",
    "email": "EMAIL",
    "url": "URL",
    "other": "UNIQUE_ID",
}
_IDENTIFIERS = {
    "MR": "MRN",
    "MRT": "MRN",
    "PI": "MRN",
    "PT": "MRN",
    "SS": "SSN",
    "DL": "LICENSE",
    "DN": "LICENSE",
    "MD": "LICENSE",
    "NPI": "LICENSE",
    "PRN": "LICENSE",
    "DEA": "LICENSE",
    "PPN": "LICENSE",
    "MB": "HEALTH_PLAN",
    "MC": "HEALTH_PLAN",
    "MA": "HEALTH_PLAN",
    "SN": "HEALTH_PLAN",
    "NIIP": "HEALTH_PLAN",
    "AN": "ACCOUNT",
    "VN": "ACCOUNT",
    "BA": "ACCOUNT",
    "CC": "CARD",
    "VEHICLE": "VEHICLE",
    "SNO": "DEVICE",
    "UDI": "DEVICE",
    "SID": "DEVICE",
}
_DEVICES = (
    "serialNumber",
    "lotNumber",
    "distinctIdentifier",
    "carrierHRF",
    "carrierAIDC",
    "deviceIdentifier",
    "udiCarrier",
)


def kinds(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    """The kind, or PROTOCOL, of the fields of an element that is called `name`."""
    found = {
        key: "DATE"
        for key, value in obj.items()
        if value.__class__ is str and value[:2] in ("19", "20") and _DAY.fullmatch(value)
    }
    for key in _WORDS & obj.keys():
        found[key] = PROTOCOL
    if "resourceType" in obj:
        found |= _resource(obj)
    for applies, rule in _RULES:
        if applies in obj:
            found |= rule(obj, name)
    return found


def _resource(obj: Mapping[str, Any]) -> dict[str, str]:
    kind = obj["resourceType"]
    if kind in _PEOPLE:
        return {"id": "UNIQUE_ID"}
    found = {"id": PROTOCOL}
    if kind in _PLACES:
        found |= {"name": "GEO_PLACE", "alias": "GEO_PLACE"}
    elif kind == "Device":
        found |= dict.fromkeys(_DEVICES, "DEVICE")
    elif kind == "Coverage":
        found |= {"subscriberId": "HEALTH_PLAN", "policyNumber": "HEALTH_PLAN"}
    return found


def _name(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    return {"family": "NAME", "given": "NAME", "text": "NAME"}


def _address(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    return {
        "line": "GEO_STREET",
        "city": "GEO_PLACE",
        "district": "GEO_PLACE",
        "postalCode": "GEO_ZIP",
        "text": "GEO_STREET",
    }


def _text(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    """Names and addresses may be written as one text, without their parts."""
    if name == "name":
        return {"text": "NAME"}
    if name == "address":
        return {"text": "GEO_STREET"}
    return {}


def _value(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    if name == "telecom":
        return {"value": _CONTACTS.get(str(obj.get("system")), "PHONE")}
    if name in ("identifier", "masterIdentifier", "groupIdentifier", "requisition"):
        return {"value": _identifier(obj)}
    return {}


def _identifier(obj: Mapping[str, Any]) -> str:
    system = str(obj.get("system", "")).lower()
    if "ssn" in system or system.endswith("2.16.840.1.113883.4.1"):
        return "SSN"
    kind = obj.get("type")
    coded = kind.get("coding") if isinstance(kind, dict) else None
    for coding in coded if isinstance(coded, list) else []:
        code = coding.get("code") if isinstance(coding, dict) else None
        if code in _IDENTIFIERS:
            return _IDENTIFIERS[code]
    return "LICENSE" if "npi" in system or "dea" in system else "UNIQUE_ID"


def _display(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    return {"display": "NAME"} if name in _PERSONS else {}


def _code(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    """A terminology's code, which may be a long number, and its own word for it."""
    return {"code": TERM, "display": TERM} if "system" in obj else {}


def _latitude(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    return {"latitude": "GEO_PLACE", "longitude": "GEO_PLACE"}


def _extension(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    url = str(obj["url"])
    if url in ("latitude", "longitude"):
        return {"valueDecimal": "GEO_PLACE"}
    if url.endswith("mothersMaidenName"):
        return {"valueString": "NAME"}
    if url.endswith("birthPlace"):
        return {"valueString": "GEO_PLACE"}
    return {}


def _profile(obj: Mapping[str, Any], name: str) -> dict[str, str]:
    return {"profile": PROTOCOL}


_RULES = (
    ("family", _name),
    ("given", _name),
    ("line", _address),
    ("postalCode", _address),
    ("city", _address),
    ("text", _text),
    ("value", _value),
    ("display", _display),
    ("code", _code),
    ("latitude", _latitude),
    ("url", _extension),
    ("profile", _profile),
)
