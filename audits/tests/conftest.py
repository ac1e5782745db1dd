import pytest
from django.test import Client

from audits.api import limits
from audits.services import facts, uses
from audits.tests import make
from policies.tests.make import person


@pytest.fixture(autouse=True)
def _new_process():
    """No test sees what another one's process holds in memory."""
    facts.SHARED.forget()
    limits.BUCKETS.forget()
    uses.forget()


@pytest.fixture
def integration(db):
    return make.active_integration()


@pytest.fixture
def api(integration):
    """A program that calls with a live key of an active integration."""
    return make.Api(Client(), make.key(integration)[1])


@pytest.fixture
def officer(db):
    """The browser of a compliance officer who has signed in."""
    client = Client()
    client.force_login(person("officer"))
    return client


@pytest.fixture
def live(committed):
    """An active integration that every connection sees."""
    return make.active_integration()
