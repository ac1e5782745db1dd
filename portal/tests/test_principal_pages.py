"""Pages of principals and groups: found, told who they are, imported whole or not at all."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from policies.models import Grant, Principal, PrincipalGroup
from policies.services import directory
from policies.services.principal_import import BadFile, import_principals, read_lines
from policies.services.principals import principal_of
from policies.tests import make

GOOD = (
    "kind,identifier,name,email,state,groups\n"
    "user,u-1042,Ada Nurse,ada@example.com,active,Clinicians; Night shift\n"
    "service,claims-batch,,,,Clinicians\n"
    "agent,triage,,,left,Clinicians\n"
)


@pytest.fixture
def officer(db, client):
    person = make.person("officer")
    client.force_login(person)
    return person


def url(name, *args):
    return reverse(f"policies:{name}", args=args)


def upload(client, text: str):
    file = SimpleUploadedFile("people.csv", text.encode(), "text/csv")
    return client.post(url("principal-import"), {"file": file}, follow=True)


def test_a_file_makes_principals_groups_and_memberships_once(client, officer):
    assert "3 new, 0 changed, 0 as before; 3 memberships added" in upload(client, GOOD).text
    clinicians = PrincipalGroup.objects.get(name="Clinicians")
    assert {p.actor for p in clinicians.members.all()} == {"user:u-1042", "service:claims-batch"}
    assert Principal.objects.get(identifier="triage").state == "left"
    assert "0 new, 0 changed, 3 as before; 0 memberships added" in upload(client, GOOD).text


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("robot,r-1,,,,", "Line 3: the kind is one of user, service, agent, system."),
        ("user,Quux Smith,,,,", "Line 3: the identifier is the id that calls carry"),
        ("user,u-1,,quux,,", "Line 3: the e-mail address is none."),
        ("user,u-1,,,gone,", "Line 3: the state is active or left, or empty."),
        ("user,u-7,,,,", "Line 3: it names the same principal as line 2."),
        ("user,u-1", "Line 3: it has not as many cells as the head."),
        (f"user,u-1,,,,Day;{'g' * 121}", "Line 3: the name of a group has 120 characters at most."),
    ],
)
def test_a_bad_line_is_named_and_nothing_of_the_file_is_stored(client, officer, line, problem):
    text = f"kind,identifier,name,email,state,groups\nuser,u-7,,,,Clinicians\n{line}\n"
    page = upload(client, text).text
    assert problem in page
    assert "Quux" not in page
    assert not Principal.objects.filter(source="csv").exists()
    assert not PrincipalGroup.objects.exists()


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"", b"kind,name\n", b"kind,identifier\n", b"kind,identifier,x\na,b,c\n"],
)
def test_what_is_no_such_file_is_refused(content):
    with pytest.raises(BadFile):
        read_lines(content)


def test_nobody_takes_themselves_into_a_group_by_a_file_or_a_page(client, officer):
    head = "kind,identifier,groups\n"
    page = upload(client, f"{head}service,batch,Clinicians\nuser,{officer.email},Clinicians\n")
    assert "Line 3: nobody adds themselves to a group." in page.text
    assert not PrincipalGroup.objects.exists()
    mine = directory.add_principal("user", officer.email, source="csv", at=timezone.now())
    group = directory.add_group("Clinicians", source="csv", at=timezone.now())
    answer = client.post(url("member-add", group.slug), {"actor": mine.actor}, follow=True)
    assert "Nobody adds themselves" in answer.text
    assert not group.members.exists()


def test_who_leaves_by_a_file_loses_grants_at_once(client, officer):
    batch = directory.add_principal("service", "batch", source="csv", at=timezone.now())
    (grant,) = make.grant(make.integration(), batch, at=timezone.now())
    upload(client, "kind,identifier,state\nservice,batch,left\n")
    grant.refresh_from_db()
    assert (grant.state, grant.ended_by) == ("ended", officer)


def test_who_has_left_comes_back_only_where_the_file_says_so(client, officer):
    batch = directory.add_principal("service", "batch", source="csv", at=timezone.now())
    directory.change_principal(batch, {"state": "left"}, by=officer, at=timezone.now())
    page = upload(client, "kind,identifier,name,state,groups\nservice,batch,Batch,,Clinicians\n")
    assert "0 new, 1 changed, 0 as before; 0 memberships added" in page.text
    batch.refresh_from_db()
    assert (batch.state, batch.name) == ("left", "Batch")
    upload(client, "kind,identifier,state\nservice,batch,active\n")
    batch.refresh_from_db()
    assert batch.state == "active"


def test_who_has_an_account_with_an_unusual_address_is_changed_and_ended(client, officer):
    person = make.person("engineer", "siobhan.o'brien=x@example.com")
    mine = principal_of(person, at=timezone.now())
    form = {"name": "Siobhan O'Brien", "email": person.email, "state": "left"}
    assert client.post(url("principal-edit", mine.pk), form).status_code == 302
    mine.refresh_from_db()
    assert (mine.state, mine.name) == ("left", "Siobhan O'Brien")


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19, "x", ""])
def test_what_is_no_member_is_not_taken_out(client, officer, number):
    group = directory.add_group("Clinicians", source="csv", at=timezone.now())
    assert client.post(url("member-remove", group.slug), {"principal": number}).status_code == 404
    use = make.integration()
    assert client.post(url("integration-withdraw", use.slug), {"grant": number}).status_code == 404


def test_an_unknown_one_is_said_who_it_is_in_its_page_and_keeps_its_id(client, officer):
    seen = Principal.objects.create(
        kind="user", identifier="u-9", state="unknown", source="seen", created_at=timezone.now()
    )
    assert "u-9" in client.get(url("principal-list") + "?state=unknown").text
    form = {"kind": "service", "identifier": "other", "name": "Ada", "email": "", "state": "active"}
    client.post(url("principal-edit", seen.pk), form)
    seen.refresh_from_db()
    assert (seen.actor, seen.name, seen.state) == ("user:u-9", "Ada", "active")
    assert "Ada" in client.get(url("principal-detail", seen.pk)).text


def test_a_form_that_names_more_fields_changes_none_of_them(client, officer):
    """Mass assignment: an account, a source or a moment is not the form's to say."""
    form = {
        "kind": "user",
        "identifier": "u-1",
        "name": "",
        "email": "",
        "state": "active",
        "user": officer.pk,
        "source": "scim",
        "external_id": "x",
    }
    client.post(url("principal-create"), form)
    made = Principal.objects.get(identifier="u-1")
    assert (made.user, made.source, made.external_id) == (None, "portal", "")


def test_a_group_is_made_filled_and_given_up(client, officer):
    client.post(url("principalgroup-create"), {"name": "Batches"})
    group = PrincipalGroup.objects.get(name="Batches")
    batch = directory.add_principal("service", "batch", source="csv", at=timezone.now())
    client.post(url("member-add", group.slug), {"actor": "service:batch"})
    assert list(group.members.all()) == [batch]
    assert "service:batch" in client.get(url("principalgroup-detail", group.slug)).text
    bad = client.post(url("member-add", group.slug), {"actor": "Quux Smith"})
    assert "No principal is known by this." in bad.text
    make.grant(make.integration(), group, at=timezone.now())
    client.post(url("principalgroup-end", group.slug))
    group.refresh_from_db()
    assert group.ended_at
    assert not group.members.exists()
    assert Grant.objects.get(group=group).state == "ended"
    assert "Batches" in client.get(url("principalgroup-list")).text


def test_a_member_of_another_group_is_not_removed_by_its_number(client, officer):
    now = timezone.now()
    one, two = (directory.add_group(name, source="csv", at=now) for name in ("One", "Two"))
    batch = directory.add_principal("service", "batch", source="csv", at=now)
    directory.change_members(one, add=[batch], by=None, at=now)
    answer = client.post(url("member-remove", two.slug), {"principal": batch.pk})
    assert answer.status_code == 404
    assert one.members.exists()


def test_thousands_of_lines_are_read_in_a_moment_and_the_list_asks_a_fixed_number(
    client, officer, django_assert_max_num_queries
):
    lines = read_lines(("kind,identifier\n" + "".join(f"user,u-{n}\n" for n in range(60))).encode())
    import_principals(lines, by=officer, at=timezone.now())
    with django_assert_max_num_queries(14):
        page = client.get(url("principal-list"))
    assert "60 principals" in page.text
