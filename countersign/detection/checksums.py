"""Check digits of numbers that have them. Each takes a number as it is written."""

from __future__ import annotations

import re

_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_VIN_VALUES = dict(
    zip(
        "0123456789ABCDEFGHJKLMNPRSTUVWXYZ",
        [*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)],
        strict=True,
    )
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# The prefix of the United States' health applications before an NPI, ISO/IEC 7812 issuer 80840.
_NPI_PREFIX = "80840"
# Length of an IBAN by country. Source: SWIFT IBAN Registry.
_IBAN_LENGTHS = {
    name: int(length)
    for name, length in (
        pair.split(":")
        for pair in [
            "AD:24",
            "AE:23",
            "AL:28",
            "AT:20",
            "AZ:28",
            "BA:20",
            "BE:16",
            "BG:22",
            "BH:22",
            "BI:27",
            "BR:29",
            "BY:28",
            "CH:21",
            "CR:22",
            "CY:28",
            "CZ:24",
            "DE:22",
            "DJ:27",
            "DK:18",
            "DO:28",
            "EE:20",
            "EG:29",
            "ES:24",
            "FI:18",
            "FK:18",
            "FO:18",
            "FR:27",
            "GB:22",
            "GE:22",
            "GI:23",
            "GL:18",
            "GR:27",
            "GT:28",
            "HR:21",
            "HU:28",
            "IE:22",
            "IL:23",
            "IQ:23",
            "IS:26",
            "IT:27",
            "JO:30",
            "KW:30",
            "KZ:20",
            "LB:28",
            "LC:32",
            "LI:21",
            "LT:20",
            "LU:20",
            "LV:21",
            "LY:25",
            "MC:27",
            "MD:24",
            "ME:22",
            "MK:19",
            "MN:20",
            "MR:27",
            "MT:31",
            "MU:30",
            "NI:28",
            "NL:18",
            "NO:15",
            "OM:23",
            "PK:24",
            "PL:28",
            "PS:29",
            "PT:25",
            "QA:29",
            "RO:24",
            "RS:22",
            "RU:33",
            "SA:24",
            "SC:31",
            "SD:18",
            "SE:24",
            "SI:19",
            "SK:24",
            "SM:27",
            "SO:23",
            "ST:25",
            "SV:28",
            "TL:23",
            "TN:24",
            "TR:26",
            "UA:29",
            "VA:22",
            "VG:24",
            "XK:20",
        ]
    )
}


def digits(text: str) -> str:
    """The ASCII digits of a text."""
    return "".join(character for character in text if "0" <= character <= "9")


def is_luhn(number: str) -> bool:
    """Whether the digits end in their Luhn check digit. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, character in enumerate(reversed(number)):
        value = ord(character) - 48
        total += _LUHN_DOUBLED[value] if place % 2 else value
    return bool(number) and total % 10 == 0


def is_card(text: str) -> bool:
    """Whether it is a payment card number: the first digits and length of a scheme, Luhn."""
    number = digits(text)
    return _CARD_FORM.fullmatch(number) is not None and _varies(number) and is_luhn(number)


# First digits and lengths: Visa, Mastercard, Amex, Diners, Discover, JCB, UnionPay, Maestro.
_CARD_FORM = re.compile(
    "4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}|3(?:0[0-5]"
    "|[689][0-9])[0-9]{11}"
    r"|35[0-9]{14}|6[0-9]{15,18}|5[06-9][0-9]{14}"
)


def _varies(number: str) -> bool:
    return len(set(number)) > 1


def is_npi(number: str) -> bool:
    """Whether 10 digits are a National Provider Identifier. Source: CMS, NPI check digit."""
    return len(number) == 10 and number[0] in "12" and is_luhn(_NPI_PREFIX + number)


def is_dea(text: str) -> bool:
    """Whether two letters and 7 digits are a DEA registration. Source: DEA, check digit."""
    number = [int(character) for character in digits(text)]
    if len(number) != 7:
        return False
    odd, even = number[0] + number[2] + number[4], number[1] + number[3] + number[5]
    return (odd + 2 * even) % 10 == number[6]


def is_vin(text: str) -> bool:
    """Whether 17 characters are a vehicle number with its check digit. Source: 49 CFR 565.15."""
    vin = text.upper()
    if len(vin) != 17 or not all(character in _VIN_VALUES for character in vin):
        return False
    total = sum(
        _VIN_VALUES[character] * weight for character, weight in zip(vin, _VIN_WEIGHTS, strict=True)
    )
    return "0123456789X"[total % 11] == vin[8]


def is_iban(text: str) -> bool:
    """Whether it is an IBAN: its country's length, remainder 1. Source: ISO 13616."""
    iban = text.replace(" ", "").replace("-", "").upper()
    if _IBAN_LENGTHS.get(iban[:2]) != len(iban):
        return False
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def is_ssn(number: str) -> bool:
    """Whether 9 digits could be issued: Source: SSA, randomization; ITINs begin with 9."""
    area, group, serial = number[:3], number[3:5], number[5:]
    return len(number) == 9 and area not in {"000", "666"} and group != "00" and serial != "0000"


def is_mbi(text: str) -> bool:
    """Whether 11 characters have the form of a Medicare Beneficiary Identifier. Source: CMS."""
    mbi = text.replace("-", "").replace(" ", "").upper()
    if len(mbi) != 11 or mbi[0] not in "123456789":
        return False
    letters = "ACDEFGHJKMNPQRTUVWXY"
    numbers = "0123456789"
    either = letters + numbers
    forms = (
        numbers,
        letters,
        either,
        numbers,
        letters,
        either,
        numbers,
        letters,
        letters,
        numbers,
        numbers,
    )
    return all(character in form for character, form in zip(mbi, forms, strict=True))


def is_nhs(number: str) -> bool:
    """Whether 10 digits are an NHS number: modulus 11. Source: NHS Data Dictionary."""
    if len(number) != 10:
        return False
    total = sum(
        int(digit) * weight for digit, weight in zip(number[:9], range(10, 1, -1), strict=True)
    )
    check = 11 - total % 11
    return check != 10 and (0 if check == 11 else check) == int(number[9])


def is_gtin(number: str) -> bool:
    """Whether 14 digits end in the GS1 check digit, as the device identifier of a UDI does."""
    total = sum(
        int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(number))
    )
    return len(number) == 14 and total % 10 == 0
