"""The checks of scim2-tester, an independent reading of RFC 7643 and 7644."""

import pytest
from django.test.client import ClientHandler
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from portal.tests.make_directory import Scim

# What it leaves out, because we say that we do not offer it.
SKIPPED = {"search_with_attributes"}

HANDLER = ClientHandler()


def served(environ, start_response):
    """The portal as a WSGI application that leaves the test's connection open."""
    response = HANDLER(environ)
    status = f"{response.status_code} {response.reason_phrase}"
    start_response(status, list(response.items()))
    return [response.content]


@pytest.mark.django_db
def test_scim2_tester_finds_nothing_wrong(settings):
    settings.PUBLIC_URL = "http://localhost"
    client = WSGISCIMClient(
        served,
        base_url="http://localhost/scim/v2",
        headers={"Authorization": f"Bearer {Scim().secret}"},
    )
    results = check_server(client)
    wrong = [
        f"{r.title}: {r.reason}"
        for r in results
        if r.status not in (Status.SUCCESS, Status.SKIPPED)
    ]
    assert not wrong, "\n".join(wrong)
    assert {r.title for r in results if r.status is Status.SKIPPED} <= SKIPPED
    assert len(results) > 60
