"""JSON of applications: what a field holds is told by its name and by the names beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign.shapes import fhir
from countersign.shapes.json_documents import Place, Reader
from countersign.shapes.names import kind_of

_LABELS = ("name", "label", "key", "field", "title", "question")
_VALUES = ("value", "answer", "text")


class RecordReader(Reader):
    """Fields called `ssn` or `date_of_birth`, pairs of label and value, and FHIR inside."""

    def kinds(self, obj: Mapping[str, Any], place: Place) -> Mapping[str, str]:
        kinds = {key: kind for key in obj if (kind := kind_of(key))}
        if kinds:  # it is somebody's record, so "name" and "address" are theirs
            kinds = {key: kind for key in obj if (kind := kind_of(key, record=True))}
        elif "value" in obj or "answer" in obj:
            return _labelled(obj)
        return kinds

    def below(self, obj: Mapping[str, Any], key: str, place: Place) -> Reader:
        return self.item(obj[key])

    def item(self, value: Mapping[str, Any] | list[Any]) -> Reader:
        return FHIR if is_resource(value) else self


def is_resource(value: object) -> bool:
    """Whether it looks like a FHIR resource."""
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _labelled(obj: Mapping[str, Any]) -> Mapping[str, str]:
    for label in _LABELS:
        said = obj.get(label)
        if isinstance(said, str) and (kind := kind_of(said, record=True)):
            return {value: kind for value in _VALUES if value in obj and value != label}
    return {}


class FhirReader(Reader):
    """Resources of HL7 FHIR R4 and R5, bundles of them, and what they contain."""

    def kinds(self, obj: Mapping[str, Any], place: Place) -> Mapping[str, str]:
        return fhir.kinds(obj, place.name)

    def harvests(self, key: str, kind: str) -> bool:
        return kind != "DATE" or key in fhir.DAYS_OF_LIFE


RECORDS = RecordReader()
FHIR = FhirReader()


def reader_of(root: object) -> Reader:
    """Who reads a document of no known shape."""
    return FHIR if is_resource(root) else RECORDS
