import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audits.models import Call, Completion, Lease, ReadEvent
from audits.services.reads import Read, record_read
from policies.tests.make import person

TABLES = [Call, Completion, Lease, ReadEvent]


@pytest.fixture
def stored(api):
    """One row in each table."""
    call_id = api.open().json()["call_id"]
    api.post(f"calls/{call_id}/lease", {})
    api.complete(call_id)
    record_read(Read("list", "audits.call", 1), by=person(), at=timezone.now())


def sql(statement: str, model):
    with connection.cursor() as cursor:
        # Deferred checks of foreign keys would refuse a TRUNCATE before the trigger does.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement.format(model._meta.db_table))


@pytest.mark.parametrize("model", TABLES)
@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.objects.update(id=1),
        lambda model: model.objects.all().delete(),
        lambda model: model.objects.get().save(),
        lambda model: sql("UPDATE {} SET id = id", model),
        lambda model: sql("DELETE FROM {}", model),
        lambda model: sql("TRUNCATE {}", model),
        lambda model: sql("TRUNCATE {} CASCADE", model),
    ],
    ids=["update", "delete", "save", "raw update", "raw delete", "truncate", "cascade"],
)
def test_what_is_stored_stays_as_it_is(stored, model, change):
    before = list(model.objects.values())
    assert len(before) == 1
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change(model)
    assert list(model.objects.values()) == before
