"""Every list that keeps views keeps, opens and exports them alike."""

from __future__ import annotations

import pytest
from django.test import Client

from policies.tests import make
from vendors.models import SavedView

pytestmark = pytest.mark.django_db
LISTS = {
    "vendors": ("/vendors/", "baa=ending", "/figures/vendors/csv/?"),
    "integrations": ("/integrations/", "state=active", "/integrations/?export=csv&"),
    "findings": ("/findings/", "severity=high", "/findings/export/?kind=csv&"),
    "calls": ("/calls/", "decision=deny", "/calls/export/?kind=csv&"),
}


@pytest.fixture
def client():
    client = Client()
    client.force_login(make.person("officer"))
    return client


@pytest.mark.parametrize("name", LISTS)
def test_a_view_is_saved_opened_and_exported(client, name):
    path, query, export = LISTS[name]
    make.active_integration()
    columns = [c.key for c in client.get(path).context["columns"]]
    chosen = f"{columns[0]}.{columns[-1]}"
    form = {"action": "save", "name": "Mine", "query": f"{query}&cols={chosen}", "is_shared": "on"}
    assert client.post(f"/views/{name}/", form).status_code == 302
    view = SavedView.objects.get()
    assert (view.list_name, view.columns) == (name, chosen.split("."))
    opened = client.get(f"/views/{name}/", {"open": view.pk})
    assert opened.url == f"{path}?{query}&cols={chosen}&view={view.pk}"
    page = client.get(opened.url)
    assert [c.key for c in page.context["columns"]] == chosen.split(".")
    assert "Mine" in page.content.decode()
    headings = b"".join(client.get(f"{export}cols={chosen}")).decode().splitlines()[0].split(",")
    expected = [h for c in page.context["columns"] for h, _ in c.cells]
    assert [h for h in headings if h not in ("PHI", "PHI until", "Integrations")] == expected


def test_text_that_somebody_searched_calls_for_is_not_kept(client):
    make.active_integration()
    form = {"action": "save", "name": "Mine", "query": "model=gpt-smith&decision=deny"}
    client.post("/views/calls/", form)
    assert SavedView.objects.get().query == {"decision": ["deny"]}


def test_a_view_of_calls_is_not_for_who_may_read_none():
    view = SavedView.objects.create(
        list_name="calls", name="All", owner=make.person("officer"), is_shared=True
    )
    viewer = Client()
    viewer.force_login(make.person("viewer"))
    assert viewer.get("/views/calls/", {"open": view.pk}).status_code == 403
    assert viewer.get("/views/vendors/", {"open": view.pk}).status_code == 404
