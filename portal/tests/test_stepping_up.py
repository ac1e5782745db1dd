"""Keys, approvals, grants and settings ask once more who is there, and lose nothing."""

import re
import time
import uuid

import pytest
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.core.cache import cache
from django.urls import reverse

from policies.tests import make
from portal.checks import asking_again
from portal.identity.stepping_up import ASKED, BUTTON, FORM, NOT_ASKED
from portal.models import PersonSession, User
from portal.tests.test_matrix import OPEN, PATTERNS, RULES

PASSWORD = "correct horse battery staple"
FORM_PAGE = "/access/people/add/"
NEW = {"email": "new@example.com", "full_name": "Nia & <New>", "roles": ["Auditor", "Viewer"]}
RECORDS = "account_authentication_methods"


@pytest.fixture(autouse=True)
def _on(settings):
    settings.STEP_UP_SECONDS = 900


@pytest.fixture
def admin(db, client):
    person = make.person("administrator", "ada@example.com")
    person.set_password(PASSWORD)
    person.save()
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    client.get("/")
    return person


def age(client, seconds: int) -> None:
    """Make it look as if the person had proven who they are so long ago."""
    session = client.session
    session[RECORDS] = [{**each, "at": each["at"] - seconds} for each in session[RECORDS]]
    session.save()


def prove(client, where: str):
    return client.post(where, {"password": PASSWORD})


def test_who_has_just_signed_in_is_not_asked(admin, client):
    assert client.get(FORM_PAGE).status_code == 200


def test_who_signed_in_long_ago_is_asked_before_the_form(admin, client):
    age(client, 901)
    assert client.get("/access/").status_code == 200
    asked = client.get(FORM_PAGE + "?a=b")
    assert asked.url == "/accounts/reauthenticate/?next=%2Faccess%2Fpeople%2Fadd%2F%3Fa%3Db"
    key = client.session.session_key
    assert prove(client, asked.url).url == FORM_PAGE + "?a=b"
    assert client.session.session_key != key
    assert client.get(FORM_PAGE).status_code == 200


def test_a_wrong_password_opens_nothing(admin, client):
    age(client, 901)
    client.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert client.get(FORM_PAGE).status_code == 302


def test_what_was_posted_waits_and_is_sent_after_the_proof(admin, client):
    age(client, 901)
    asked = client.post(FORM_PAGE, NEW)
    assert asked.url.startswith("/accounts/reauthenticate/?next=%2Faccess%2Fagain%2F")
    assert not User.objects.filter(email="new@example.com")
    resumed = prove(client, asked.url)
    page = client.get(resumed.url).text
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    sent = [pair for pair in fields if pair[0] != "csrfmiddlewaretoken"]
    assert ("full_name", "Nia &amp; &lt;New&gt;") in sent
    assert [value for name, value in sent if name == "roles"] == ["Auditor", "Viewer"]
    assert f'action="{FORM_PAGE}"' in page
    assert not User.objects.filter(email="new@example.com")
    client.post(FORM_PAGE, NEW)
    assert User.objects.get(email="new@example.com").groups.count() == 2


def test_what_was_posted_is_shown_to_nobody_else_and_not_for_ever(admin, client, django_user_model):
    age(client, 901)
    asked = client.post(FORM_PAGE, NEW)
    waits = prove(client, asked.url).url
    other = make.person("administrator", "other@example.com")
    other.set_password(PASSWORD)
    other.save()
    theirs = type(client)()
    theirs.post("/accounts/login/", {"login": other.email, "password": PASSWORD})
    assert theirs.get(waits).url == "/"
    assert client.get(waits).status_code == 200
    cache.clear()
    assert client.get(waits).url == "/"


def test_what_was_posted_lies_sealed_while_it_waits(admin, client):
    age(client, 901)
    waits = prove(client, client.post(FORM_PAGE, NEW).url).url
    kept = uuid.UUID(waits.rstrip("/").rpartition("/")[2]).hex
    raw = cache.get(f"countersign.step-up.{kept}")
    assert raw
    assert NEW["email"] not in str(raw)
    cache.set(f"countersign.step-up.{kept}", raw[:-2] + "AA", 60)
    assert client.get(waits).url == "/"


def test_part_of_a_page_leads_the_whole_page_to_the_question(admin, client):
    age(client, 901)
    answer = client.post(FORM_PAGE, NEW, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith("/accounts/reauthenticate/?next=")
    assert answer.content == b""


def test_a_session_that_nobody_proved_is_asked(db, client):
    """Whatever way a session came about: without a record of a proof it is not fresh."""
    client.force_login(make.person("administrator"))
    assert client.get(FORM_PAGE).status_code == 302


def test_a_header_does_not_get_around_the_question(admin, client):
    age(client, 901)
    assert client.post(FORM_PAGE, NEW, headers={"Authorization": "Some thing"}).status_code == 302


def test_where_a_second_factor_was_used_the_password_alone_is_not_enough(admin, client):
    session = client.session
    session[RECORDS] = [
        {"method": "password", "at": time.time() - 901},
        {"method": "mfa", "type": "totp", "at": time.time() - 901},
    ]
    session.save()
    prove(client, "/accounts/reauthenticate/")
    assert client.get(FORM_PAGE).status_code == 302
    session = client.session
    session[RECORDS] = [*session[RECORDS], {"method": "mfa", "type": "totp", "at": time.time()}]
    session.save()
    assert client.get(FORM_PAGE).status_code == 200


@pytest.mark.parametrize(("seconds", "required"), [(600, False), (1000, True)])
def test_allauths_own_pages_ask_by_the_same_rule(admin, client, rf, seconds, required):
    age(client, seconds)
    assert asked_by_allauth(client, rf, admin) is required
    session = client.session
    session[RECORDS] = [{"method": "mfa", "type": "totp", "at": time.time() - seconds}]
    session.save()
    prove(client, "/accounts/reauthenticate/")
    assert asked_by_allauth(client, rf, admin) is required


def test_where_nobody_is_asked_allauth_does_not_ask_either(admin, client, rf, settings):
    settings.STEP_UP_SECONDS = 60
    age(client, 61)
    assert asked_by_allauth(client, rf, admin)
    settings.STEP_UP_SECONDS = 0
    assert not asked_by_allauth(client, rf, admin)


def asked_by_allauth(client, rf, person) -> bool:
    request = rf.get("/")
    request.user, request.session = person, client.session
    with request_context(request):
        return get_adapter().is_reauthentication_required(app="mfa")


def test_records_of_somebody_else_prove_nothing(admin, client):
    session = client.session
    session["account_authentication_methods_user"] = "0"
    session.save()
    assert client.get(FORM_PAGE).status_code == 302


@pytest.mark.parametrize("which", ["portal:session-end", "portal:session-end-others"])
def test_a_stolen_session_does_not_sign_its_owner_out(admin, client, which):
    owner = type(client)()
    owner.post("/accounts/login/", {"login": admin.email, "password": PASSWORD})
    theirs = PersonSession.objects.get(session_key=owner.session.session_key)
    address = reverse(which, args=[theirs.public_id] if which == "portal:session-end" else [])
    age(client, 901)
    asked = client.post(address)
    assert asked.url.startswith("/accounts/reauthenticate/?next=")
    assert owner.get("/").status_code == 200
    prove(client, asked.url)
    assert client.post(address).url == reverse("portal:session-list")
    assert owner.get("/").status_code == 302


def test_the_api_says_so_to_a_session(admin, client, monkeypatch):
    monkeypatch.setitem(ASKED, "vendors-api:vendor-list", BUTTON)
    age(client, 901)
    answer = client.post("/api/v1/vendors", "{}", content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:countersign:problem:step-up-required"
    assert client.get("/api/v1/vendors").status_code == 200


def test_zero_never_asks(admin, client, settings):
    settings.STEP_UP_SECONDS = 0
    age(client, 10**6)
    assert client.get(FORM_PAGE).status_code == 200


SOUNDS = re.compile(
    r"grant|approv|decide|key|token|role|emergency|review|director|session|principal|mfa_|password|duties"
)


def test_every_address_that_matters_is_in_the_table_or_says_why_not():
    writing = {name for name, rule in RULES.items() if rule.post} | {
        name for name in PATTERNS if name.startswith(("mfa_", "account_"))
    }
    sounding = {name for name in writing - OPEN if SOUNDS.search(name)}
    assert sounding - set(ASKED) - set(NOT_ASKED) == set()


def test_every_name_in_the_table_is_an_address():
    assert set(ASKED) | set(NOT_ASKED) <= set(PATTERNS)
    assert set(ASKED) & set(NOT_ASKED) == set()
    assert set(ASKED.values()) == {FORM, BUTTON}


def test_the_way_back_is_an_address_of_this_site():
    assert reverse("portal:step-up-resume", args=[uuid.uuid4()]).startswith("/access/again/")


def test_a_deployment_that_never_asks_is_warned(settings):
    assert asking_again() == []
    settings.STEP_UP_SECONDS = 0
    assert [each.id for each in asking_again()] == ["portal.W001"]
