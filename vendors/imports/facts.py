"""Facts as an import reads them."""

from __future__ import annotations

from vendors.dimensions import IN_DAYS, VALUES
from vendors.imports import cells
from vendors.imports.naming import (
    MODEL,
    NAMED,
    NO_SERVICE,
    REGION,
    WORDS,
    choice_column,
    chosen,
    folded,
    needs,
    vendor_of,
)
from vendors.imports.planning import Column, Key, Kind, Known, Refused, Stored, Values
from vendors.models import Dimension, Grade

DIMENSION = chosen(Dimension.choices)
GRADE = chosen(Grade.choices)
VALUE_WORDS: WORDS = {value: value for words in VALUES.values() for value in words}
_FACT_COLUMNS = (
    Column("vendor", "Vendor", cells.text(120), needed=True, help=NAMED, example="Larkspur AI"),
    Column("service", "Service", cells.text(120), needed=True, example="Larkspur API"),
    choice_column(
        "dimension",
        "Question",
        DIMENSION,
        needed=True,
        also=("dimension", "fact"),
        example="Default retention (days)",
    ),
    Column(
        "value",
        "Value",
        cells.text(60),
        needed=True,
        also=("answer",),
        example="Days",
        help="One of the values that the question has.",
    ),
    Column(
        "number", "Days", cells.whole(0, 99_999), example="30", help="With the value Days only."
    ),
    Column("detail", "Detail", cells.text(2000)),
    Column("model_pattern", "Model", MODEL, help="Empty for all."),
    Column("region", "Region", REGION, help="Empty for all."),
    Column("endpoint", "Endpoint", cells.text(253), help="Empty for all."),
    Column("plan", "Plan", cells.text(80), help="Empty for all."),
    choice_column("grade", "Grade", GRADE, needed=True, example="Public page"),
    Column(
        "source", "Source", cells.text(500), needed=True, example="https://larkspur.example/terms"
    ),
    Column("page", "Page", cells.text(40)),
    Column("expires_on", "Expires", cells.day, also=("expires on",)),
)


def _identify_fact(values: Values, known: Known) -> Key:
    vendor = vendor_of(values, known)
    needs(values, "service", "dimension", "value")
    service = known.services.get((vendor, folded(values["service"])))
    if service is None:
        raise Refused("service", NO_SERVICE)
    values["service"] = service
    dimension = str(values["dimension"])
    labels = {folded(label): value for value, label in VALUES[dimension].items()}
    labels |= {value.casefold(): value for value in VALUES[dimension]}
    value = labels.get(folded(values["value"]))
    if value is None:
        allowed = ", ".join(VALUES[dimension].values())
        raise Refused("value", f"To this question write one of: {allowed}.")
    values["value"] = value
    if (value == "days" and dimension in IN_DAYS) != ("number" in values):
        raise Refused("number", "Give the number of days, and only with days.")
    scope = (str(values.get(name, "")) for name in ("model_pattern", "region", "endpoint", "plan"))
    return ("fact", vendor, folded(service), dimension, *scope)


def _check_fact(values: Values, stored: Stored | None, known: Known) -> None:
    """Nothing beyond what tells it apart: each fact is a row of its own."""


FACTS = Kind(
    "facts",
    "Facts",
    "fact",
    ("vendors.add_fact",),
    _FACT_COLUMNS,
    _identify_fact,
    _check_fact,
    ("vendor", "service", "dimension"),
    changeable=frozenset({"value", "number", "detail", "grade", "source", "page", "expires_on"}),
    fixed="What a fact speaks of stays.",
    note="Each new or changed line is recorded as verified by you today: import only what somebody "
    "read in its source. What was known before stays in the history.",
)
