"""The key of the ledger is made once, and never in the place of another."""

import os

import pytest
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from audits.services.appending import NewEvent, append_events
from install import Trouble
from ledger_key import signing_key


@pytest.fixture
def data(tmp_path):
    (tmp_path / "secrets").mkdir()
    return tmp_path


def address() -> str:
    """The test database, as another process names it."""
    return make_conninfo(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"])


def test_it_is_made_once_and_for_its_owner_alone(committed, data):
    file = signing_key(data, address())
    assert len(bytes.fromhex(file.read_text())) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    made = file.read_text()
    assert signing_key(data, "no address that is asked") == file
    assert file.read_text() == made
    assert [each.name for each in (data / "secrets").iterdir()] == [file.name]


def test_none_is_made_for_a_ledger_that_another_one_signed(committed, data):
    append_events([NewEvent("read", "", {})], at=timezone.now())
    with pytest.raises(Trouble, match="LEDGER_SIGNING_KEY, the key that signed it, is gone"):
        signing_key(data, address())
    assert list((data / "secrets").iterdir()) == []


def test_a_database_of_before_the_ledger_gets_one(committed, data):
    elsewhere = make_conninfo(os.environ["DATABASE_URL"], dbname="postgres")
    assert signing_key(data, elsewhere).exists()


def test_a_database_that_cannot_be_asked_is_one_sentence(data):
    with pytest.raises(Trouble, match="could not be asked"):
        signing_key(data, make_conninfo(os.environ["DATABASE_URL"], dbname="there_is_none"))
