import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from policies.services.duties import keep_pair
from policies.tests import make
from portal.models import User
from portal.services.people import NotAllowed, add_person, change_person, set_roles


def change(person, *, by, **fields):
    fields = {
        "full_name": person.full_name,
        "roles": [g.name for g in person.groups.all()],
        "is_active": person.is_active,
        "at": timezone.now(),
        **fields,
    }
    return change_person(person, by=by, **fields)


def signed_in(client) -> bool:
    return client.get(reverse("portal:home")).status_code == 200


def test_somebody_who_leaves_is_signed_out_at_once_and_for_good(db, client):
    admin, leaver = make.person("administrator"), make.person("officer")
    client.force_login(leaver)
    assert signed_in(client)
    change(leaver, by=admin, is_active=False)
    assert not signed_in(client)
    change(leaver, by=admin, is_active=True)
    assert not signed_in(client)


def test_others_stay_signed_in_when_somebody_leaves(db, client):
    admin, leaver = make.person("administrator"), make.person("officer")
    client.force_login(admin)
    change(leaver, by=admin, is_active=False)
    assert signed_in(client)


@pytest.mark.parametrize("fields", [{"roles": ["Auditor"]}, {"roles": []}, {"is_active": False}])
def test_nobody_changes_their_own_access(db, fields):
    admin, _other = make.person("administrator"), make.person("administrator")
    with pytest.raises(NotAllowed, match="their own"):
        change(admin, by=admin, **fields)
    assert [g.name for g in User.objects.get(pk=admin.pk).groups.all()] == ["Administrator"]


def test_a_person_may_correct_their_own_name(db):
    admin = make.person("administrator")
    assert change(admin, by=admin, full_name="Ada").full_name == "Ada"


@pytest.mark.parametrize("fields", [{"roles": ["Auditor"]}, {"is_active": False}])
def test_the_last_administrator_stays(db, fields):
    admin, former = make.person("administrator"), make.person("officer")
    with pytest.raises(NotAllowed, match="last administrator"):
        change(admin, by=former, **fields)
    make.person("administrator")
    change(admin, by=former, **fields)


def test_an_address_is_taken_whatever_its_case(db):
    make.person("officer", "olivia@example.com")
    with pytest.raises(ValidationError):
        add_person("Olivia@Example.com", full_name="", roles=["Auditor"], at=timezone.now())
    assert User.objects.count() == 1


def test_an_unknown_role_makes_nobody(db):
    with pytest.raises(LookupError):
        add_person("eve@example.com", full_name="Eve", roles=["Root"], at=timezone.now())
    assert not User.objects.exists()


PAIR = ("role:Auditor", "role:Compliance officer")


def test_roles_that_exclude_each_other_are_given_to_nobody(db):
    keep_pair(*PAIR, reason="Who decides does not examine.", by=None, at=make.NOON)
    both, admin = ["Auditor", "Compliance officer"], make.person("administrator")
    with pytest.raises(NotAllowed, match="may not hold both"):
        add_person("both@example.com", full_name="Both", roles=both, at=timezone.now())
    auditor = make.person("auditor")
    with pytest.raises(NotAllowed, match="may not hold both"):
        change(auditor, by=admin, roles=both)
    with pytest.raises(NotAllowed, match="may not hold both"):
        set_roles(auditor, both, by=None, at=timezone.now())
    assert {g.name for g in auditor.groups.all()} == {"Auditor"}
    assert not User.objects.filter(email="both@example.com").exists()


def test_a_role_is_refused_for_a_grant_that_the_person_holds(db):
    keep_pair(
        "grant:send_prompt",
        "role:Auditor",
        reason="Examines, and asks nothing.",
        by=None,
        at=make.NOON,
    )
    viewer, admin = make.person("viewer"), make.person("administrator")
    assign_perm("policies.send_prompt", viewer, make.active_integration())
    with pytest.raises(NotAllowed, match="Send prompts"):
        change(viewer, by=admin, roles=["Auditor"])


def test_a_directory_sets_roles_but_neither_ones_own_nor_the_last_administrators(db):
    admin, viewer = make.person("administrator"), make.person("viewer")
    assert set_roles(viewer, ["Engineer"], by=None, at=timezone.now())
    assert not set_roles(viewer, ["Engineer"], by=None, at=timezone.now())
    with pytest.raises(NotAllowed, match="last administrator"):
        set_roles(admin, [], by=None, at=timezone.now())
    with pytest.raises(NotAllowed, match="their own"):
        set_roles(admin, ["Administrator", "Viewer"], by=admin, at=timezone.now())
    with pytest.raises(LookupError):
        set_roles(viewer, ["Root"], by=None, at=timezone.now())


def test_the_page_says_why_two_roles_are_not_given(db, client):
    keep_pair(*PAIR, reason="Who decides does not examine.", by=None, at=make.NOON)
    client.force_login(make.person("administrator"))
    sent = {
        "email": "new@example.com",
        "full_name": "New",
        "roles": ["Auditor", "Compliance officer"],
    }
    answer = client.post(reverse("portal:user-create"), sent)
    assert "Who decides does not examine." in answer.content.decode()
    assert not User.objects.filter(email="new@example.com").exists()
