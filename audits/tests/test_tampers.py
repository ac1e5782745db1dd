"""Sixteen ways to tamper with the ledger as the database's superuser, each found by its level.

1: columns against entries. 2: entries against tree and signatures. 3: all of it against a
checkpoint that somebody kept. What a level cannot find is not found by it here either.
"""

from __future__ import annotations

import pytest
from django.utils import timezone

from audits.models import Call, Ledger, Verification
from audits.services import appending, checkpoints, verifications, verifying
from audits.tests import tampering as t
from countersign import checkpoints as signed

COLUMNS = {"column-differs", "row-missing", "row-without-entry", "row-twice"}
KEPT = {"ledger-behind", "kept-differs", "kept-forged"}


@pytest.fixture
def data(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def calls(api, data) -> list[int]:
    """The indexes of six calls, each in a batch of its own, some of them completed."""
    opened = [api.open(model=f"gpt-{n}").json() for n in range(6)]
    for each in opened[:2]:
        assert api.complete(each["call_id"]).status_code == 201
    events = [appending.NewEvent("report", f"{n}", {"n": n}) for n in range(300)]
    appending.append_events(events, at=timezone.now())
    assert api.open().status_code == 201
    return [each["receipt"]["record"] for each in opened]


def found(*, kept: str = "") -> set[int]:
    """The levels that find something."""
    run = verifications.run(
        Ledger.objects.get(slug="live"),
        Verification.Kind.FULL,
        at=timezone.now(),
        given=[("kept", kept)] if kept else [],
    )
    assert (run.result == "passed") == (not run.problems)
    codes = {problem["code"] for problem in run.problems}
    return {1 if code in COLUMNS else 3 if code in KEPT else 2 for code in codes}


def newest() -> str:
    return checkpoints.latest(1).note


def test_nothing_is_found_where_nothing_was_done(calls):
    assert found(kept=newest()) == set()


def test_01_a_column_is_edited(calls):
    with t.superuser():
        t.sql("UPDATE audits_call SET model = 'other' WHERE ledger_id = 1 AND index = %s", calls[2])
    assert found() == {1}


def test_02_a_record_is_edited_and_rehashed(calls):
    with t.superuser():
        t.sql("UPDATE audits_call SET model = 'other' WHERE ledger_id = 1 AND index = %s", calls[2])
        copy = t.Copy()
        copy.edit(calls[2], model="other")
        copy.write()
    assert found() == {2}


def test_03_a_record_is_edited_and_all_of_it_signed_again_with_the_stolen_key(calls):
    kept = newest()
    with t.superuser():
        t.sql("UPDATE audits_call SET model = 'other' WHERE ledger_id = 1 AND index = %s", calls[2])
        copy = t.Copy()
        copy.edit(calls[2], model="other")
        copy.write(t.stolen_key())
    assert found() == set()
    assert found(kept=kept) == {3}


def test_04_a_row_is_deleted(calls):
    with t.superuser():
        t.sql("DELETE FROM audits_call WHERE ledger_id = 1 AND index = %s", calls[2])
    assert found() == {1}


def test_04_a_record_is_deleted_with_its_entry(calls):
    with t.superuser():
        t.remove(calls[2], calls[2] + 1)
    assert found() == {2}


def test_05_a_record_is_deleted_and_the_rest_renumbered(calls):
    with t.superuser():
        copy = t.Copy()
        batch = copy.batch_of(calls[4])
        copy.batches.remove(batch)
        for table in t.RECORDS:
            t.sql(f"DELETE FROM {table} WHERE ledger_id = 1 AND index = %s", calls[4])
        # What refers to a later call would be mended too; here nothing does.
        t.move({index: index - 1 for index in range(calls[4] + 1, t.size())})
        copy.write()
    assert found() == {2}


def test_06_two_records_are_swapped(calls):
    one, two = calls[3], calls[4]
    with t.superuser():
        copy = t.Copy()
        first, second = copy.line(one), copy.line(two)
        copy.replace(one, second)
        copy.replace(two, first)
        t.move({one: two, two: one})
        copy.write()
    assert 2 in found()
    assert 1 not in found()


def test_07_the_tail_is_cut(calls):
    with t.superuser():
        t.remove(t.size() - 1, t.size())
    assert found() == {2}


def cut(copy: t.Copy) -> None:
    """Cut the last batch off, and set the head back: a whole and older ledger."""
    last = copy.batches.pop()
    t.remove(last.first, last.size)
    copy.write()


def test_07_the_tail_is_cut_and_the_head_set_back(calls):
    kept = newest()
    with t.superuser():
        cut(t.Copy())
    assert found() == set()
    assert found(kept=kept) == {3}


def test_08_an_older_state_is_restored_and_goes_on(api, calls):
    """The rollback is not seen by what is there; one kept checkpoint tells, then and later."""
    kept = newest()
    with t.superuser():
        cut(t.Copy())
    assert found(kept=kept) == {3}
    for _ in range(3):
        assert api.open().status_code == 201
    assert found() == set()
    assert found(kept=kept) == {3}


def test_09_the_checkpoint_is_replaced_by_an_older_one(calls):
    with t.superuser():
        t.sql(
            "UPDATE audits_batch b SET root = o.root, signature = o.signature FROM audits_batch o "
            "WHERE b.ledger_id = 1 AND o.ledger_id = 1 AND b.size = %s AND o.size = %s",
            t.size(),
            calls[3] + 1,
        )
    assert found() == {2}


def test_10_a_checkpoint_is_forged(calls):
    with t.superuser():
        t.Copy().write(t.own_key())
    assert found() == {2}


def test_10_a_key_of_ones_own_is_put_beside_the_ledgers(calls):
    with t.superuser():
        own = t.own_key()
        ((key,),) = t.sql(
            "INSERT INTO audits_ledgerkey (ledger_id, public_key, first_index, retired_at_index) "
            "VALUES (1, %s, 0, 1000000) RETURNING id",
            own.public_key,
        )
        copy = t.Copy()
        for batch in copy.batches:
            batch.key_id = key
        copy.write(own)
    assert found() == {2}


def test_10_a_kept_checkpoint_is_forged(calls):
    forged = signed.signed(
        signed.parsed(t.notes.parsed(newest()).text)._replace(root=bytes(32)), t.own_key()
    )
    assert found(kept=forged) == {3}


def test_11_one_client_is_shown_another_tree(calls):
    """Both trees are signed by the ledger's own key: only who compares can tell."""
    shown = signed.signed(
        signed.Checkpoint(t.stolen_key().name, t.size(), bytes(32)), t.stolen_key()
    )
    assert found() == set()
    assert found(kept=shown) == {3}


def test_12_a_record_is_inserted_in_the_middle(calls):
    with t.superuser():
        copy = t.Copy()
        where = calls[3]
        t.move({index: index + 1 for index in reversed(range(where, t.size()))})
        batch = copy.batch_of(where)
        batch.lines.insert(0, copy.line(where).replace(b"gpt-3", b"gpt-x"))
        columns = [
            f.column for f in Call._meta.concrete_fields if f.column not in ("index", "model")
        ]
        listed = ", ".join(f'"{name}"' for name in columns)
        t.sql(
            f'INSERT INTO audits_call ("index", model, {listed}) SELECT %s, %s, {listed} '
            'FROM audits_call WHERE ledger_id = 1 AND "index" = %s',
            where,
            "gpt-x",
            where + 1,
        )
        copy.write()
    assert found() == {2}


def test_13_all_is_put_in_another_order(calls):
    with t.superuser():
        copy = t.Copy()
        first, last = calls[0], calls[5]
        indexes = list(range(first, last + 1))
        lines = [copy.line(index) for index in indexes]
        for index, line in zip(indexes, reversed(lines), strict=True):
            copy.replace(index, line)
        t.move(dict(zip(indexes, reversed(indexes), strict=True)))
        copy.write()
    assert found() == {2}


def test_14_a_partition_is_dropped(calls):
    with t.superuser():
        t.sql("DROP TABLE audits_call_1_0")
    assert found() == {1}


def test_14_all_tables_of_a_partition_are_dropped(calls):
    with t.superuser():
        for table in (*t.RECORDS, "audits_batch"):
            t.sql(f"DROP TABLE {table}_1_0")
    assert found() == {2}


@pytest.mark.parametrize(("table", "level"), [("audits_call", 1), ("audits_batch", 2)])
def test_15_only_the_moment_is_changed(calls, table, level):
    index = "first_index" if table == "audits_batch" else "index"
    with t.superuser():
        t.sql(
            f"UPDATE {table} SET received_at = received_at + interval '1 second' "
            f"WHERE ledger_id = 1 AND {index} = %s",
            calls[5],
        )
    assert found() == {level}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audits_completion SET outcome = 'failed' WHERE ledger_id = 1",
        "UPDATE audits_verdict SET baa_reference = 'BAA-OTHER'",
        "UPDATE audits_event SET payload = '{\"n\": 70}' WHERE type = 'report' AND subject = '7'",
        "UPDATE audits_event SET subject = 'x' WHERE type = 'report' AND subject = '7'",
        "UPDATE audits_call SET reasons = '{baa-expired}' WHERE ledger_id = 1",
        "UPDATE audits_call SET masked = '{\"email\": 1}' WHERE ledger_id = 1",
    ],
)
def test_16_a_column_differs_from_the_entry(calls, change):
    with t.superuser():
        t.sql(change)
    assert found() == {1}


def test_a_row_without_an_entry_is_found(calls):
    with t.superuser():
        t.sql(
            "INSERT INTO audits_event (ledger_id, index, type, received_at, subject, payload) "
            "VALUES (1, %s, 'read', now(), 'x', '{}')",
            t.size() + 5,
        )
    assert found() == {2}
    report = verifying.verify(1)
    assert [(problem.code, problem.what) for problem in report.problems] == [
        ("row-beyond-head", "event")
    ]


def test_a_trigger_that_is_off_is_found(calls):
    t.sql("SET CONSTRAINTS ALL IMMEDIATE")
    t.sql("ALTER TABLE audits_call_1_0 DISABLE TRIGGER append_only")
    report = verifying.verify(1)
    assert [(problem.code, problem.what) for problem in report.problems] == [
        ("trigger-missing", "audits_call_1_0")
    ]


def test_a_tile_that_was_changed_is_found(calls):
    with t.superuser():
        t.sql("UPDATE audits_tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)")
    assert [p.code for p in verifying.verify(1).problems] == ["tile-differs"]


def test_what_is_found_is_told_with_its_place(calls):
    with t.superuser():
        t.sql(
            "UPDATE audits_call SET model = 'secret' WHERE ledger_id = 1 AND index = %s", calls[2]
        )
    (problem,) = verifying.verify(1).problems
    assert (problem.code, problem.index, problem.what) == ("column-differs", calls[2], "model")
