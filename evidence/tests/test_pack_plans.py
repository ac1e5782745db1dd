"""How a pack's queries are planned where PostgreSQL knows nothing of its tables."""

from __future__ import annotations

import pytest
from django.db import connection

from audits.tests.emptying import renew_partitions
from evidence.models import EvidencePack
from evidence.services import packs_building, packs_populations, packs_statistics
from evidence.tests import make, make_packs
from policies.tests.make import active_integration

pytestmark = pytest.mark.usefixtures("committed", "pack_root", "no_report")
# Of each of these a pack asks for as many rows as there are.
LARGE = ("audits_call", "audits_completion", "audits_lease")


@pytest.fixture
def plans(monkeypatch):
    """Query and plan of what a build asks of the large tables, of which there are no statistics."""
    with connection.cursor() as cursor:
        renew_partitions(cursor)
    use = active_integration()
    for number in range(3):
        make.call(use, actor_id=f"user:{number}")
    noted: list[tuple[str, list[str]]] = []

    def explain(execute, sql, params, many, context):
        if any(table in sql for table in LARGE) and not sql.startswith("EXPLAIN"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                noted.append((sql, [row[0] for row in cursor.fetchall()]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield noted


def test_no_query_of_a_pack_looks_up_calls_one_by_one(plans):
    pack = make_packs.built()
    assert pack.state == EvidencePack.State.READY, pack.failure
    joined = [sql for sql, _ in plans if "JOIN" in sql or "EXISTS" in sql]
    # Three populations, counted and written, and the calls that nothing closed.
    assert len(joined) >= 7
    for sql, plan in plans:
        assert not any("Nested Loop" in step for step in plan), sql


def test_without_the_setting_calls_would_be_looked_up_one_by_one(plans):
    plan = packs_building.plan_of(make_packs.asked())
    with packs_populations.snapshot():
        packs_statistics.call_figures(plan)
    assert any("Nested Loop" in step for _, steps in plans for step in steps)


def test_what_follows_is_planned_as_ever(plans):
    def settings():
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [names])
            return dict(cursor.fetchall())

    names = list(packs_populations.PLANNED_FOR_ALL)
    before = settings()
    with packs_populations.snapshot():
        with packs_populations.whole_tables():
            assert settings()["enable_nestloop"] == "off"
        assert settings() == before
