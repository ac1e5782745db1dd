"""The table of types: whole, described, and kept by what appends events."""

from __future__ import annotations

import ast
import re

import pytest
from django.conf import settings

from audits.ledger.types import TYPES
from audits.services import startup
from audits.tests.event_types import KINDS, misfits

GUIDE = settings.BASE_DIR / "docs" / "ledger.md"


def appended() -> set[str]:
    """Types that code names where it appends an event."""
    found = set()
    for app in ("audits", "evidence", "portal"):
        for path in (settings.BASE_DIR / app).rglob("*.py"):
            if "tests" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
                if name == "NewEvent":
                    kind = node.args[0]
                    if isinstance(kind, ast.Constant):
                        found.add(kind.value)
    return found


def test_code_appends_known_types():
    assert appended() | {startup.RESTORED, "archive", "disposal", "restore"} <= set(TYPES)
    assert {"key-change", "ledger-start", "ledger-stop", "legal-hold"} <= appended()


def test_the_guide_has_every_type_with_its_members():
    table = GUIDE.read_text().partition("## What is recorded")[2].partition("\n## ")[0]
    told = {}
    for line in table.splitlines():
        if found := re.match(r"\| `([a-z-]+)` \| (.+?) \| (.*) \|$", line):
            told[found[1]] = (found[2], set(re.findall(r"`(\w+)`", found[3])))
    assert told == {code: (each.seals, set(each.members)) for code, each in TYPES.items()}


def test_every_member_has_a_kind_and_every_type_words_for_a_page():
    for code, each in TYPES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert each.title and each.seals.endswith(".")
        assert set(each.members.values()) <= set(KINDS)


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"policy_digest": "ab"}, []),
        ({"policy_digest": 1}, ["policy_digest"]),
        ({"note": "x"}, ["note"]),
    ],
)
def test_what_does_not_fit_a_type_is_named(payload, found):
    assert misfits("policy", payload) == found


def test_a_yes_is_no_number():
    assert misfits("sign-in", {"user": True}) == ["user"]
