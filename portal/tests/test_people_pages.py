import re

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.urls import reverse

from audits.models import ReadEvent
from policies.tests import make
from portal.celery import app
from portal.models import User


@pytest.fixture
def admin(db, client):
    person = make.person("administrator", "ada@example.com")
    client.force_login(person)
    return person


@pytest.fixture(autouse=True)
def _at_once():
    """Tasks run where they are asked for: what the worker would do is done here."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_somebody_new_gets_a_link_that_works_once(
    admin, client, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(
            reverse("portal:user-create"),
            {"email": "New@Example.com", "full_name": "Nia New", "roles": ["Auditor", "Viewer"]},
        )
    person = User.objects.get(email="new@example.com")
    assert answer.url == reverse("portal:user-detail", args=[person.pk])
    assert {g.name for g in person.groups.all()} == {"Auditor", "Viewer"}
    assert not person.has_usable_password()
    assert mail.outbox[0].to == ["new@example.com"]
    link = re.search(r"http\S+", mail.outbox[0].body).group()
    path = link.removeprefix("http://localhost:8000")

    client.logout()
    form = client.get(path, follow=True)
    new = {"password1": "a long enough phrase", "password2": "a long enough phrase"}
    assert client.post(form.request["PATH_INFO"], new).status_code == 302
    person.refresh_from_db()
    assert person.check_password("a long enough phrase")
    client.session.flush()
    assert b"password1" not in client.get(path, follow=True).content


def test_an_address_that_is_taken_is_refused_with_a_sentence(admin, client):
    answer = client.post(
        reverse("portal:user-create"), {"email": "ADA@example.com", "full_name": "Other"}
    )
    assert answer.status_code == 200
    assert "Somebody has this e-mail address already." in answer.text
    assert User.objects.count() == 1


def test_a_change_of_roles_is_in_the_history_with_its_actor(admin, client):
    person = make.person("viewer")
    client.post(
        reverse("portal:user-edit", args=[person.pk]),
        {"full_name": "Victor", "roles": ["Auditor"], "is_active": "on"},
    )
    assert [g.name for g in person.groups.all()] == ["Auditor"]
    entries = LogEntry.objects.get_for_object(person).filter(actor=admin)
    changes = [e.changes["groups"] for e in entries if "groups" in e.changes]
    assert {(c["operation"], *c["objects"]) for c in changes} == {
        ("add", "Auditor"),
        ("delete", "Viewer"),
    }
    assert "Auditor" in client.get(reverse("portal:user-detail", args=[person.pk])).text


def test_an_administrator_cannot_raise_or_end_themselves(admin, client):
    client.post(
        reverse("portal:user-edit", args=[admin.pk]),
        {"full_name": "Ada B", "roles": ["Administrator", "Compliance officer"]},
    )
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.full_name == "Ada B"
    assert [g.name for g in admin.groups.all()] == ["Administrator"]


def test_a_field_that_the_form_does_not_have_is_not_taken(admin, client):
    """Mass assignment, by what makes an account and by what changes one."""
    own = Permission.objects.get(codename="change_user", content_type__app_label="portal")
    more = {
        "is_superuser": "on",
        "is_staff": "on",
        "password": "pbkdf2_sha256$1$x$y",
        "user_permissions": own.pk,
        "groups": Group.objects.get(name="Administrator").pk,
        "last_login": "2026-01-01",
        "id": admin.pk,
    }
    said = {"email": "eve@example.com", "full_name": "Eve", "roles": ["Viewer"], **more}
    client.post(reverse("portal:user-create"), said)
    eve = User.objects.get(email="eve@example.com")
    for _ in range(2):
        assert not (eve.is_superuser or eve.is_staff or eve.has_usable_password())
        assert [group.name for group in eve.groups.all()] == ["Viewer"]
        assert not eve.user_permissions.exists()
        assert eve.last_login is None
        client.post(reverse("portal:user-edit", args=[eve.pk]), {**said, "is_active": "on"})
        eve = User.objects.get(pk=eve.pk)


def test_a_role_that_is_not_in_the_catalogue_is_refused(admin, client):
    answer = client.post(
        reverse("portal:user-create"),
        {"email": "eve@example.com", "full_name": "Eve", "roles": ["Root"]},
    )
    assert answer.status_code == 200
    assert not User.objects.filter(email="eve@example.com").exists()


def test_the_list_narrows_and_leaves_as_a_file_that_says_the_same(admin, client):
    make.person("auditor", "aisha@example.com")
    gone = make.person("engineer", "gone@example.com")
    gone.is_active = False
    gone.full_name = "=HYPERLINK()"
    gone.save()
    url = reverse("portal:user-list")
    assert "gone@example.com" not in client.get(url, {"role": "Auditor"}).text
    assert "aisha@example.com" not in client.get(url, {"is_active": "False"}).text
    file = client.get(reverse("portal:user-export", args=["csv"]), {"is_active": "False"})
    lines = file.getvalue().decode().splitlines()
    assert len(lines) == 2
    assert "'=HYPERLINK()" in lines[1]
    event = ReadEvent.objects.get(action="export")
    assert (event.action, event.row_count, event.filters) == ("export", 1, {"is_active": "False"})


@pytest.mark.parametrize("page", ["user-list", "role-list"])
def test_more_people_cost_no_more_queries(admin, client, page, django_assert_max_num_queries):
    for _ in range(30):
        make.person("viewer")
    with django_assert_max_num_queries(12):
        assert client.get(reverse(f"portal:{page}")).status_code == 200


def test_a_person_page_names_grants_and_ownership(admin, client):
    integration = make.integration(name="Claims triage")
    text = client.get(reverse("portal:user-detail", args=[integration.owner.pk])).text
    assert "Claims triage" in text
    assert "All that its owner may do" in text
