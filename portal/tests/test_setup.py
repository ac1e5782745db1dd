import pytest
from django.core.management import CommandError, call_command

from policies.roles import ROLES
from portal.demo.people import PEOPLE
from portal.models import User


def test_a_second_setup_changes_no_person(db, monkeypatch):
    monkeypatch.setenv("ADMIN_EMAIL", "Root@Example.com")
    monkeypatch.setenv("ADMIN_PASSWORD", "correct horse battery")
    call_command("setup")
    person = User.objects.get()
    assert person.email == "root@example.com"
    assert [g.name for g in person.groups.all()] == ["Administrator"]
    assert person.check_password("correct horse battery")

    person.full_name = "Ruth"
    person.save()
    monkeypatch.setenv("ADMIN_PASSWORD", "another horse battery")
    call_command("setup")
    person.refresh_from_db()
    assert person.full_name == "Ruth"
    assert person.check_password("correct horse battery")


def test_without_a_password_nobody_is_made(db, monkeypatch):
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)
    monkeypatch.setenv("ADMIN_EMAIL", "root@example.com")
    with pytest.raises(CommandError, match="ADMIN_PASSWORD"):
        call_command("setup")
    assert not User.objects.exists()


def test_every_role_has_somebody_in_the_demonstration():
    assert {role for _, role in PEOPLE.values()} == set(ROLES)
