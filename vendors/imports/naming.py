"""What the kinds of import share: patterns, and how a line's names are found in the register."""

from __future__ import annotations

from vendors.imports import cells
from vendors.imports.planning import Column, Known, Refused, Values

WORDS = dict[str, str]
SLUG = cells.text(80, r"[A-Za-z0-9_-]+", "Use letters, digits, - and _.")
REGION = cells.text(40, r"[a-z0-9][a-z0-9-]*", "Use lower case letters, digits and -.")
MODEL = cells.text(
    120, r"[A-Za-z0-9*][A-Za-z0-9*.:/_@-]*", "Use the provider's model name; * matches any."
)
REFERENCE = cells.text(
    80, r"[A-Za-z0-9][A-Za-z0-9._/-]*", "Use letters, digits and . _ / - without spaces."
)
PROVIDER = cells.text(60, r"[a-z0-9][a-z0-9._-]*", "Use lower case letters and digits.")
NO_VENDOR = "No vendor of this name is in the register. Import vendors first."
NO_SERVICE = "This vendor has no service of that name. Import services first."
NO_PERSON = "No active person has this address."
NAMED = "Name or short name of a vendor in the register."


def chosen(labels: list[tuple[str, str]]) -> WORDS:
    return {value: str(label) for value, label in labels}


def folded(value: object) -> str:
    """A name for comparison: one blank between words, whatever its case."""
    return " ".join(str(value).split()).casefold()


def choice_column(name: str, heading: str, labels: WORDS, **more: object) -> Column:
    return Column(name, heading, cells.choice(labels), labels=labels, **more)  # type: ignore[arg-type]


def vendor_of(values: Values, known: Known) -> str:
    if "vendor" not in values:
        raise Refused("vendor", "Is empty.")
    slug = known.vendors.get(folded(values["vendor"]))
    if slug is None:
        raise Refused("vendor", NO_VENDOR)
    values["vendor"] = slug
    return slug


def owner_known(values: Values, known: Known) -> None:
    if "owner" in values and values["owner"] not in known.people:
        raise Refused("owner", NO_PERSON)


def needs(values: Values, *names: str) -> None:
    for name in names:
        if name not in values:
            raise Refused(name, "Is empty.")


def services_known(values: Values, known: Known, name: str) -> None:
    """Write the services of a cell as the register does. Raises: Refused."""
    entries = values.get(name, ())
    assert isinstance(entries, tuple)
    found = []
    for entry in entries:
        service, *narrowed = entry.split(" | ")
        stored = known.services.get((str(values["vendor"]), folded(service)))
        if stored is None:
            raise Refused(name, NO_SERVICE)
        found.append(cells.joined(stored, *[*narrowed, "", ""][:2]))
    if entries:
        values[name] = tuple(sorted(found))


def resolved(values: Values, known: Known, *names: str) -> None:
    for name in names:
        services_known(values, known, name)
