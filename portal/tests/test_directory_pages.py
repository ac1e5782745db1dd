"""The pages of directories."""

import pytest
from django.urls import reverse

from audits.models import SecurityEvent
from policies.services.people import sync_roles
from policies.tests import make
from portal.models import Directory, DirectoryToken, User
from portal.tests.make_directory import Scim

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client):
    made = make.person("administrator")
    client.force_login(made)
    return made


def test_a_directory_is_connected_and_its_token_shown_once(administrator, client):
    form = {"name": "Entra ID", "kind": "people"}
    page = client.post(reverse("portal:directory-create"), form, follow=True)
    directory = Directory.objects.get()
    assert directory.created_by == administrator and "Entra ID" in page.text
    url = reverse("portal:directorytoken-create", args=[directory.pk])
    shown = client.post(url, {"days": "90", "cidrs": "127.0.0.0/8"})
    secret = shown.context["secret"]
    assert shown["Cache-Control"] == "no-store" and secret in shown.text
    token = DirectoryToken.objects.get()
    assert secret not in (token.secret_sha256, token.public_id)
    detail = client.get(reverse("portal:directory-detail", args=[directory.pk]))
    assert secret not in detail.text and token.public_id in detail.text
    asked = client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {secret}"})
    assert asked.status_code == 200
    assert client.post(url, {"days": "90"}).context["secret"]
    assert client.post(url, {"days": "90"}).context["form"].errors
    assert client.post(url, {"days": "9999"}).context["form"].errors
    client.post(reverse("portal:directorytoken-end", args=[token.pk]))
    asked = client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {secret}"})
    assert asked.status_code == 401
    kinds = SecurityEvent.objects.filter(kind="directory-token").values_list("reason", flat=True)
    assert sorted(kinds) == ["ended", "made", "made"]


def test_a_group_is_given_its_roles_and_the_syncs_are_counted(administrator, client):
    scim = Scim()
    ada = scim.add("ada@example.com")
    group = scim.add_group("Claims", ada)
    scim.ask("POST", "Users", {"userName": "nobody"})
    url = reverse("portal:directorygroup-edit", args=[group.pk])
    client.post(url, {"roles": ["Engineer", "Auditor"]})
    named = User.objects.get(pk=ada.user_id).groups.values_list("name", flat=True)
    assert set(named) == {"Engineer", "Auditor"}
    page = client.get(reverse("portal:directory-detail", args=[scim.directory.pk]))
    assert "Engineer, Auditor" in page.text
    [day] = page.context["days"]
    assert (day["added"], day["groups"], day["refused"]) == (1, 1, 1)
    assert client.post(url, {"roles": ["Root"]}).context["form"].errors


def test_nobody_maps_a_group_they_are_in(administrator, client):
    scim = Scim()
    group = scim.add_group("Claims", scim.add(administrator.email))
    url = reverse("portal:directorygroup-edit", args=[group.pk])
    refused = client.post(url, {"roles": ["Compliance officer"]})
    assert "nobody changes their own roles" in refused.text


def test_a_directory_ends_after_a_question(administrator, client):
    scim = Scim()
    entry = scim.add()
    url = reverse("portal:directory-end", args=[scim.directory.pk])
    assert client.get(url).status_code == 200
    assert scim.get("Users").status_code == 200
    client.post(url)
    assert scim.get("Users").status_code == 401
    assert User.objects.get(pk=entry.user_id).is_active


@pytest.mark.parametrize("role", ["officer", "auditor"])
def test_an_officer_reads_and_makes_no_administrator(client, role):
    sync_roles()
    scim = Scim()
    group = scim.add_group("Claims", scim.add())
    client.force_login(make.person(role))
    assert client.get(reverse("portal:directory-list")).status_code == 200
    url = reverse("portal:directorygroup-edit", args=[group.pk])
    assert client.post(url, {"roles": ["Administrator"]}).status_code == 403
    group.refresh_from_db()
    assert group.roles == []


def test_lists_cost_a_few_queries(administrator, client, django_assert_max_num_queries):
    for _ in range(3):
        Scim().add_group("Claims")
    for url in (
        reverse("portal:directory-list"),
        reverse("portal:directory-detail", args=[Directory.objects.first().pk]),
    ):
        client.get(url)
        with django_assert_max_num_queries(14):
            client.get(url)
