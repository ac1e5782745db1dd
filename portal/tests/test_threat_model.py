"""The table of requirements names tests that exist, and leaves none of them out."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

GUIDE = settings.BASE_DIR / "docs" / "threat-model.md"
# Levels 1 and 2 of chapters V6 to V8 of OWASP ASVS 5.0.0: section, and its last number.
SECTIONS = {
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
}
NAMED = re.compile(r"`((?:[\w/]+/)?test_\w+(?:\.py)?(?:::test_\w+)?)`")
ROWS = re.findall(r"^\| (\d\.\d\.\d+) \| (.+?) \| (.+?) \| (.+) \|$", GUIDE.read_text(), re.M)


def test_every_requirement_is_in_the_table_once_and_in_order():
    wanted = [f"{section}.{n + 1}" for section, last in SECTIONS.items() for n in range(last)]
    assert [row[0] for row in ROWS] == wanted


@pytest.mark.parametrize(("number", "holds", "shown"), [(r[0], r[2], r[3]) for r in ROWS])
def test_what_a_line_names_exists(number, holds, shown):
    assert holds.split(",")[0] in {"yes", "in part", "no", "not asked"}
    for name in NAMED.findall(shown):
        assert exists(name), name
    if holds != "yes":
        assert len(shown) > 20


FIELDS = (
    GUIDE.read_text().partition("## Who reads and writes which fields")[2].partition("\n## ")[0]
)


def test_every_row_of_the_table_of_fields_names_tests_that_exist():
    rows = [line for line in FIELDS.splitlines() if line.startswith("| a")]
    assert len(rows) >= 11
    for row in rows:
        names = NAMED.findall(row)
        assert names, row
        assert [name for name in names if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether there is the test, or the module of tests, that the guide names."""
    module, _, test = name.partition("::")
    path = settings.BASE_DIR / (module if "/" in module else f"portal/tests/{module}.py")
    if not path.exists():
        return False
    return not test or bool(re.search(rf"^def {test}\(", path.read_text(), re.M))
