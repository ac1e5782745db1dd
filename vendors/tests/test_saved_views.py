"""Views of lists: kept, opened, shared, chosen; nobody reads another's own."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from vendors.models import DefaultView, SavedView
from vendors.tests import make
from vendors.tests.test_pages import VIEWS

pytestmark = pytest.mark.django_db
URL = "/views/vendors/"


def client_of(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def person():
    return make.person(*VIEWS)


@pytest.fixture
def client(person):
    return client_of(person)


def save(client, query="", name="Mine", **fields):
    return client.post(URL, {"action": "save", "query": query, "name": name, **fields})


def view(owner, **fields) -> SavedView:
    fields = {"list_name": "vendors", "name": "Ending", **fields}
    return SavedView.objects.create(owner=owner, **fields)


def test_what_the_list_shows_is_saved_and_opened_again(client, person):
    answer = save(client, "baa=ending&state=&q=lark&sort=-review&page=3&cols=name.owner.baa")
    made = SavedView.objects.get()
    assert made.owner == person
    assert made.query == {"baa": ["ending"], "q": ["lark"]}
    assert (made.sort, made.columns) == ("-review", ["name", "owner", "baa"])
    wanted = f"/vendors/?baa=ending&q=lark&sort=-review&cols=name.owner.baa&view={made.pk}"
    assert answer.url == wanted
    assert client.get(URL, {"open": made.pk}).url == wanted


def test_filters_that_the_list_does_not_know_are_not_saved(client):
    answer = save(client, "baa=nonsense&secret=1&sort=colour&cols=name.nothing")
    made = SavedView.objects.get()
    assert (made.query, made.sort, made.columns) == ({}, "", ["name"])
    page = client.get(answer.url).content.decode()
    assert "not understood, is not kept" in page


def test_what_is_gone_from_the_list_is_left_out_with_a_note(client, person):
    old = view(
        person,
        query={"baa": ["in_force"], "soc2": ["removed"], "colour": ["red"]},
        sort="colour",
        columns=["name", "colour", "owner"],
    )
    answer = client.get(URL, {"open": old.pk}, follow=True)
    assert answer.redirect_chain[0][0] == (f"/vendors/?baa=in_force&cols=name.owner&view={old.pk}")
    assert answer.status_code == 200
    assert "4 filters or columns of this view" in answer.content.decode()


def test_nobody_elses_own_view_can_be_read_or_changed(client):
    other = view(make.person())
    assert client.get(URL, {"open": other.pk}).status_code == 404
    for action in ("rename", "share", "unshare", "delete", "begin"):
        assert client.post(URL, {"action": action, "view": other.pk}).status_code == 404
    assert "Ending" not in client.get(URL).content.decode()
    assert "Ending" not in client.get("/vendors/").content.decode()


def test_a_shared_view_is_everybodys_to_open_and_its_owners_to_change(client):
    shared = view(make.person(), is_shared=True)
    assert client.get(URL, {"open": shared.pk}).status_code == 302
    assert "Ending" in client.get("/vendors/").content.decode()
    client.post(URL, {"action": "rename", "view": shared.pk, "name": "Other"})
    client.post(URL, {"action": "delete", "view": shared.pk})
    assert SavedView.objects.get().name == "Ending"


def test_sharing_needs_its_permission(client, person):
    save(client, name="Mine", is_shared="on")
    assert not SavedView.objects.exists()
    own = view(person)
    client.post(URL, {"action": "share", "view": own.pk})
    assert not SavedView.objects.get().is_shared
    officer = make.person(*VIEWS, "vendors.share_savedview")
    theirs = view(officer, name="Theirs")
    client_of(officer).post(URL, {"action": "share", "view": theirs.pk})
    theirs.refresh_from_db()
    assert theirs.is_shared


def test_whoever_may_share_may_take_a_shared_view_away(person):
    shared = view(person, is_shared=True)
    officer = make.person(*VIEWS, "vendors.share_savedview")
    client_of(officer).post(URL, {"action": "delete", "view": shared.pk})
    assert not SavedView.objects.exists()


def test_a_view_is_renamed_and_deleted_by_its_owner(client, person):
    own = view(person)
    client.post(URL, {"action": "rename", "view": own.pk, "name": "Soon"})
    assert SavedView.objects.get().name == "Soon"
    client.post(URL, {"action": "delete", "view": own.pk})
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", "ENDING", "x" * 81])
def test_a_name_that_cannot_be_is_refused_and_kept_in_the_form(client, person, name):
    view(person)
    answer = save(client, "baa=ending", name=name)
    assert answer.status_code == 400
    assert answer.context["form"].errors["name"]
    assert answer.context["query"] == "baa=ending"
    assert SavedView.objects.count() == 1


def test_a_list_begins_with_the_view_that_was_chosen(client, person):
    own = view(person, query={"baa": ["ending"]})
    client.post(URL, {"action": "begin", "view": own.pk})
    assert client.get("/vendors/").url == f"{URL}?open={own.pk}"
    assert client.get("/vendors/", {"view": ""}).status_code == 200
    assert client.get("/vendors/", {"baa": "none"}).status_code == 200
    assert client_of(make.person(*VIEWS)).get("/vendors/").status_code == 200
    client.post(URL, {"action": "end", "view": own.pk})
    assert client.get("/vendors/").status_code == 200


def test_a_deleted_view_is_nobodys_beginning(client, person):
    own = view(person)
    client.post(URL, {"action": "begin", "view": own.pk})
    client.post(URL, {"action": "delete", "view": own.pk})
    assert not DefaultView.objects.exists()
    assert client.get("/vendors/").status_code == 200


def test_columns_are_chosen_and_put_in_order(client):
    answer = client.post(
        URL,
        {
            "action": "columns",
            "query": "baa=ending",
            "column": ["owner", "baa", "nonsense"],
            "place-owner": "1",
            "place-baa": "2",
        },
    )
    assert answer.url == "/vendors/?baa=ending&cols=name.owner.baa"
    make.vendor("Lark")
    page = client.get("/vendors/", {"cols": "name.owner.baa"})
    assert [column.key for column in page.context["columns"]] == ["name", "owner", "baa"]
    text = page.content.decode()
    assert 'data-label="Owner"' in text
    assert 'data-label="Criticality"' not in text


def test_the_file_has_the_columns_of_the_page_in_its_order(client):
    make.vendor("Lark", legal_name="Lark Inc")
    answer = client.get("/vendors/export/csv/", {"cols": "name.owner.criticality"})
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode())))
    assert rows[0] == ["Vendor", "Legal entity", "Services", "Owner", "Criticality"]
    assert rows[1] == ["Lark", "Lark Inc", "", "", "Medium"]


@pytest.mark.parametrize("number", ["x", "1e3", "9" * 30, "-1"])
def test_a_number_that_is_none_is_refused(client, number):
    assert client.get(URL, {"open": number}).status_code == 400


def test_an_unknown_step_is_refused(client):
    assert client.post(URL, {"action": "destroy"}).status_code == 400


def test_nobody_keeps_more_views_than_they_can_tell_apart(client, person):
    for number in range(50):
        view(person, name=f"View {number}")
    assert save(client, name="One more").status_code == 400
    assert SavedView.objects.count() == 50


def test_views_cost_the_list_one_query_however_many(client, person):
    client.get("/vendors/")
    with CaptureQueriesContext(connection) as few:
        client.get("/vendors/")
    for number in range(20):
        view(person, name=f"View {number}")
    with CaptureQueriesContext(connection) as many:
        client.get("/vendors/")
    assert len(few) == len(many)


def test_whoever_may_not_open_the_list_has_no_views_of_it():
    assert client_of(make.person()).get(URL).status_code == 403
    assert save(client_of(make.person())).status_code == 403
