"""HL7 version 2 messages (ER7, with bars): components are slots, delimiters stay as they are.

Source: HL7 v2.5.1, chapters 2 (delimiters and escapes), 3 (PID, NK1, PV1), 4 (ORC, OBR), 6 (GT1,
IN1), 7 (OBX). What a component of a person's field is, its data type says (XPN, XAD, XTN, CX, XCN).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from countersign.shapes.slots import OpaquePart, Slot, Unreadable

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_MOMENT = re.compile(r"(19|20)\d{4}(\d{2}(\d{2}(\d{2}(\d{2}(\.\d{1,4})?)?)?)?)?([+-]\d{4})?")

# By data type: the kind of each component, from 1 on. "*" is every other one.
_TYPES: Mapping[str, Mapping[str, str]] = {
    "name": {"1": "NAME", "2": "NAME", "3": "NAME"},
    "doctor": {"1": "UNIQUE_ID", "2": "NAME", "3": "NAME", "4": "NAME"},
    "address": {
        "1": "GEO_STREET",
        "2": "GEO_STREET",
        "3": "GEO_PLACE",
        "5": "GEO_ZIP",
        "8": "GEO_PLACE",
        "9": "GEO_PLACE",
    },
    "phone": {"1": "PHONE", "4": "EMAIL", "6": "PHONE", "7": "PHONE", "12": "PHONE"},
    "record": {"1": "MRN"},
    "account": {"1": "ACCOUNT"},
    "plan": {"1": "HEALTH_PLAN"},
    "ssn": {"1": "SSN"},
    "license": {"1": "LICENSE"},
    "unique": {"1": "UNIQUE_ID"},
    "date": {"1": "DATE"},
    "place": {"*": "GEO_PLACE"},
    "organization": {"1": "GEO_PLACE"},
    "device": {"1": "DEVICE"},
}


def _fields(text: str) -> dict[tuple[str, int], str]:
    table = {}
    for line in text.strip().splitlines():
        segment, *entries = line.split()
        for entry in entries:
            numbers, _, kind = entry.partition("=")
            for number in numbers.split(","):
                table[segment, int(number)] = kind
    return table


_FIELDS = _fields("""
PID 2,3,4,21=record 5,6,9=name 7,29=date 11=address 12=place 13,14,40=phone 18=account 19=ssn
PID 20=license 23=place
NK1 2,30=name 4,32=address 5,6,31=phone 12,33=unique 16=date 37=ssn
PD1 4=doctor 3=organization
PV1 3,6,11,42=place 7,8,9,17,52=doctor 5,19,50=account
PV2 23=organization
GT1 2=unique 3,4=name 5=address 6,7=phone 8=date 12=ssn 16=name 17=address 18=phone 19=unique
IN1 2,3=unique 4=organization 5=address 6=name 7=phone 8,10=plan 11=organization 16=name 18=date
IN1 19,44=address 36,49=plan
IN2 1=unique 2=ssn 3=doctor 6,8,61=plan 63,64,65=phone
MRG 1,2,4=record 3,5=account 7=name
ORC 2,3,4=unique 10,11,12,19=doctor 14,23=phone 21=organization 22,24=address
OBR 2,3=unique 10,16,28,32=doctor 17=phone
OBX 16,25=doctor 18=device 23=organization 24=address
SPM 2,3=unique
SCH 1,2=unique 12,16,20=doctor 13=phone 14=address
AIP 3=doctor
ROL 4=doctor 11=address 12=phone
TXA 5,9,10,11,22=doctor 12,13=unique
EVN 5=doctor
ACC 2=place
MSH 4,6=organization
PRT 5=doctor 10=device 14=address 15=phone
CON 24=doctor
FT1 2=unique 16=place 20,21=doctor
STF 2,11=unique 3=name 6=date 10=phone
""")
_HARVESTED_DATES = frozenset({("PID", 7), ("GT1", 8), ("IN1", 18), ("NK1", 16)})


class Hl7Document:
    """One or more messages, segments ended by CR, LF or both."""

    def __init__(self, text: str, *, path: str = "", fields: int = 200_000) -> None:
        """Raises: Unreadable unless it begins with a header that names its delimiters."""
        start = text.find("MSH")
        if start < 0 or len(text) < start + 8:
            raise Unreadable("not-readable")
        self._delimiters = text[start + 3 : start + 8]
        if any(sign.isalnum() or sign.isspace() for sign in self._delimiters[:4]):
            raise Unreadable("not-readable")
        self._path = path
        self.slots: list[Slot] = []
        self.opaque: list[OpaquePart] = []
        self._pieces: list[str | tuple[Slot, str]] = []
        for piece in re.split(r"([\r\n\x0b\x1c]+)", text):
            self._segment(piece)
            if len(self.slots) > fields:
                raise Unreadable("too-large")

    def render(self) -> str:
        return "".join(
            piece if isinstance(piece, str) else self._written(*piece) for piece in self._pieces
        )

    def _written(self, slot: Slot, raw: str) -> str:
        return raw if slot.new is None else self._escaped(slot.new)

    def _segment(self, text: str) -> None:
        bar = self._delimiters[0]
        name = text[:3]
        if not _SEGMENT.fullmatch(name) or text[3:4] not in (bar, ""):
            self._loose(text)
            return
        self._pieces.append(name)
        fields = text.split(bar)[1:]
        first = 2 if name == "MSH" else 1  # the bar is MSH-1 itself
        for number, field in enumerate(fields, start=first):
            self._pieces.append(bar)
            if name == "MSH" and number == 2:
                self._pieces.append(field)
            else:
                self._field(name, number, field)

    def _loose(self, text: str) -> None:
        """Lines of a segment whose text went on, and what separates segments."""
        if not text or text.isspace() or text.strip("\x0b\x1c\r\n") == "":
            self._pieces.append(text)
            return
        self._slot(self._path, "", text, None, harvested=False)

    def _field(self, segment: str, number: int, field: str) -> None:
        kinds = _TYPES.get(_FIELDS.get((segment, number), ""), {})
        harvests = (segment, number) in _HARVESTED_DATES
        repeat = self._delimiters[2]
        for index, repetition in enumerate(field.split(repeat)):
            if index:
                self._pieces.append(repeat)
            for component, text, sign in self._components(repetition):
                self._pieces.append(sign)
                if not text:
                    continue
                found = kinds.get(component) or kinds.get("*")
                if found is None and _MOMENT.fullmatch(text):
                    found = "DATE"
                elif found == "PHONE" and "@" in text:
                    found = "EMAIL"
                harvested = found is not None and (found != "DATE" or harvests)
                parent = f"{self._path}/{segment}/{number}"
                self._slot(parent, component, text, found, harvested=harvested)

    def _components(self, repetition: str) -> Iterator[tuple[str, str, str]]:
        """Number, text and the delimiter before it, of components and their subcomponents."""
        hat, ampersand = self._delimiters[1], self._delimiters[4]
        for number, component in enumerate(repetition.split(hat), start=1):
            sign = hat if number > 1 else ""
            for part in component.split(ampersand):
                yield str(number), part, sign
                sign = ampersand

    def _slot(self, parent: str, name: str, raw: str, kind: str | None, *, harvested: bool) -> None:
        slot = Slot(parent, name, self._read(raw), kind=kind, harvested=harvested)
        self.slots.append(slot)
        self._pieces.append((slot, raw))

    def _read(self, text: str) -> str:
        """Without escapes: of delimiters, line breaks and hexadecimal characters."""
        escape = self._delimiters[3]
        if escape not in text:
            return text
        signs = dict(zip("FSRET", self._marks(), strict=True)) | {".br": "\n"}
        sign = re.escape(escape)
        pattern = rf"{sign}(F|S|R|E|T|\.br|X(?:[0-9A-Fa-f]{{2}}){{1,8}}){sign}"

        def replaced(match: re.Match[str]) -> str:
            code = match[1]
            if code.startswith("X"):
                return bytes.fromhex(code[1:]).decode("utf-8", "replace")
            return signs[code]

        return re.sub(pattern, replaced, text)

    def _escaped(self, text: str) -> str:
        escape = self._delimiters[3]
        codes = dict(zip(self._marks(), "FSRET", strict=True)) | {"\n": ".br", "\r": ".br"}
        if codes.keys().isdisjoint(text):
            return text
        return "".join(f"{escape}{codes[c]}{escape}" if c in codes else c for c in text)

    def _marks(self) -> tuple[str, str, str, str, str]:
        bar, hat, repeat, escape, ampersand = list(self._delimiters)
        return bar, hat, repeat, escape, ampersand
