import pytest
from django.test import Client

from audits.api import ingest, limits
from audits.services import facts
from audits.tests import make


@pytest.fixture(autouse=True)
def _new_process():
    """No test sees what another one's process holds in memory."""
    facts.SHARED.forget()
    limits.BUCKETS.forget()
    ingest.forget_uses()


@pytest.fixture
def integration(db):
    return make.active_integration()


@pytest.fixture
def api(integration):
    """A program that calls with a live key of an active integration."""
    return make.Api(Client(), make.key(integration)[1])
