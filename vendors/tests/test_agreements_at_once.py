from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from vendors.services.agreements import record_agreement
from vendors.tests import make
from vendors.tests.test_agreements import draft


@pytest.fixture
def committed_vendor(committed):
    """A vendor that other connections see."""
    return make.vendor()


def test_of_eight_overlapping_agreements_at_once_one_is_stored(committed_vendor):
    start = Barrier(8)

    def record(number: int) -> str:
        start.wait()
        try:
            record_agreement(draft(committed_vendor, reference=f"BAA-{number}"), [], by=None)
        except ValidationError as error:
            return str(error)
        finally:
            connection.close()
        return "stored"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(record, range(8)))
    assert answers.count("stored") == 1
    assert sum("overlaps" in answer for answer in answers) == 7
    assert committed_vendor.agreements.count() == 1
