"""What the elements of clinical documents hold, by their place.

Source: HL7 Clinical Document Architecture R2 and its C-CDA 2.1 templates; OID
2.16.840.1.113883.4.1 is the Social Security number, 2.16.840.1.113883.4.6 the NPI.
"""

from __future__ import annotations

from collections.abc import Sequence

from countersign.shapes.slots import PROTOCOL, TERM

_PARTS = {
    "streetAddressLine": "GEO_STREET",
    "streetName": "GEO_STREET",
    "houseNumber": "GEO_STREET",
    "additionalLocator": "GEO_STREET",
    "city": "GEO_PLACE",
    "county": "GEO_PLACE",
    "precinct": "GEO_PLACE",
    "postalCode": "GEO_ZIP",
}
_STAYS = frozenset({"state", "country", "prefix", "suffix"})
_MOMENTS = frozenset(
    [
        "birthTime",
        "effectiveTime",
        "time",
        "low",
        "high",
        "center",
        "value",
        "signatureTime",
        "deceasedTime",
        "availabilityTime",
    ]
)
_MODELS = frozenset({"manufacturerModelName", "softwareName"})
_PATIENTS = frozenset({"patientRole", "patient"})
_SSN = "2.16.840.1.113883.4.1"
_NPI = "2.16.840.1.113883.4.6"


def kind(names: Sequence[str], around: Sequence[dict[str, str]], name: str) -> str | None:
    """The kind, PROTOCOL or TERM of what stands in the element that `names` lead to.

    `around`: the attributes of each element of the path. `name`: "" for its text, "@x" for an
    attribute.
    """
    if not names:
        return None
    if name:
        return _attribute(names, around[-1], name[1:])
    return _text(names)


def _text(names: Sequence[str]) -> str | None:
    element = names[-1]
    inside = names[-4:]
    in_name, in_address = "name" in inside, "addr" in inside
    if element in _MODELS or (element in _STAYS and (in_name or in_address)):
        return TERM
    if element in _PARTS or in_address:
        return _PARTS.get(element, "GEO_STREET")
    if in_name:
        return "GEO_PLACE" if _organization(names) else "NAME"
    return None


def _organization(names: Sequence[str]) -> bool:
    owner = names[names.index("name", len(names) - min(4, len(names))) - 1]
    return owner.endswith(("Organization", "Custodian", "playingEntity", "location", "Facility"))


def _attribute(names: Sequence[str], attributes: dict[str, str], name: str) -> str | None:
    element = names[-1]
    if name in ("displayName", "codeSystemName"):
        return TERM
    if name not in ("value", "extension"):
        return PROTOCOL
    if element == "telecom":
        return _contact(attributes.get("value", ""))
    if element in ("id", "setId") and name == "extension":
        return _identifier(names, attributes.get("root", ""))
    return "DATE" if element in _MOMENTS and _moment(attributes[name]) else None


def _contact(value: str) -> str:
    scheme = value.partition(":")[0].lower()
    return {"mailto": "EMAIL", "fax": "FAX", "http": "URL", "https": "URL"}.get(scheme, "PHONE")


def _identifier(names: Sequence[str], root: str) -> str:
    if root == _SSN:
        return "SSN"
    if root == _NPI:
        return "LICENSE"
    owner = names[-2] if len(names) > 1 else ""
    if owner in _PATIENTS:
        return "MRN"
    return "UNIQUE_ID"


def _moment(value: str) -> bool:
    """More exact than a year: at least year and month, written without separators."""
    return len(value) >= 6 and value[:6].isdigit()
