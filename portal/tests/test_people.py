import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from policies.tests import make
from portal.models import User
from portal.services.people import NotAllowed, add_person, change_person


def change(person, *, by, **fields):
    fields = {
        "full_name": person.full_name,
        "roles": [g.name for g in person.groups.all()],
        "is_active": person.is_active,
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
        add_person("Olivia@Example.com", full_name="", roles=["Auditor"])
    assert User.objects.count() == 1


def test_an_unknown_role_makes_nobody(db):
    with pytest.raises(LookupError):
        add_person("eve@example.com", full_name="Eve", roles=["Root"])
    assert not User.objects.exists()
