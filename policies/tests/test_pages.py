"""Every page of the app: what it shows, to whom, and in how many queries."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from countersign.keytext import parse_key
from policies.models import Integration, IntegrationDraft, IntegrationKey
from policies.services.keys import KeyTerms, issue_key
from policies.services.starter import load_data_classes
from policies.tests import make
from policies.tests.make import NOON
from vendors.tests import make as register

ROLES = ("officer", "engineer", "auditor", "viewer", "administrator", "")
READERS = {"officer", "engineer", "auditor", "viewer", "administrator"}


def url(name, *args):
    return reverse(f"policies:{name}", args=args)


@pytest.fixture
def made(db):
    """An active integration with a key, and its vendor."""
    integration = make.active_integration()
    issue_key(integration, KeyTerms("server"), by=integration.owner, at=NOON)
    return integration


PAGES = {
    "integration-list": lambda i: (),
    "integration-detail": lambda i: (i.slug,),
    "dataclass-list": lambda i: (),
    "dataclass-detail": lambda i: ("phi",),
    "vendor-verdict": lambda i: (i.service.vendor.slug,),
    "vendor-integrations": lambda i: (i.service.vendor.slug,),
}
# Pages of a step, and who besides the owner may open each by their role.
STEPS = {
    "integration-create": (lambda i: (), {"engineer"}),
    "integration-edit": (lambda i: (i.slug,), set()),
    "integration-submit": (lambda i: (i.slug,), set()),
    "integration-decide": (lambda i: (i.slug,), {"officer"}),
    "integration-suspend": (lambda i: (i.slug,), {"officer"}),
    "integration-resume": (lambda i: (i.slug,), {"officer"}),
    "integration-retire": (lambda i: (i.slug,), {"officer"}),
    "integration-owner": (lambda i: (i.slug,), {"officer"}),
    "integration-grant": (lambda i: (i.slug,), {"officer"}),
    "integration-withdraw": (lambda i: (i.slug,), {"officer"}),
    "key-create": (lambda i: (i.slug,), set()),
    "key-rotate": (lambda i: (i.slug, i.keys.get().pk), set()),
    "key-revoke": (lambda i: (i.slug, i.keys.get().pk), set()),
    "dataclass-create": (lambda i: (), {"officer"}),
    "dataclass-edit": (lambda i: ("phi",), {"officer"}),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PAGES)
def test_each_page_opens_for_its_readers_alone(client, made, name, role):
    client.force_login(make.person(role))
    answer = client.get(url(name, *PAGES[name](made)))
    assert answer.status_code == (200 if role in READERS else 403)


@pytest.mark.parametrize("name", [*PAGES, *STEPS])
def test_no_page_opens_for_a_stranger(client, made, name):
    arguments = PAGES[name] if name in PAGES else STEPS[name][0]
    for answer in (
        client.get(url(name, *arguments(made))),
        client.post(url(name, *arguments(made))),
    ):
        assert answer.status_code in (302, 405)
        assert answer.status_code == 405 or "/accounts/login/" in answer.url


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", STEPS)
def test_each_step_is_closed_to_other_roles_by_get_and_post(client, made, name, role):
    arguments, roles = STEPS[name]
    client.force_login(make.person(role))
    before = list(made.events.values_list("pk", flat=True))
    for answer in (
        client.get(url(name, *arguments(made))),
        client.post(url(name, *arguments(made))),
    ):
        if role in roles:
            assert answer.status_code in (200, 302, 404, 405)
        else:
            assert answer.status_code in (403, 405)
    if role not in roles:
        assert list(made.events.values_list("pk", flat=True)) == before


@pytest.mark.parametrize("tab", ["overview", "trail", "keys", "people", "history", "nonsense"])
def test_every_tab_shows_itself(client, made, tab):
    client.force_login(make.person("officer"))
    answer = client.get(url("integration-detail", made.slug) + f"?tab={tab}")
    assert answer.status_code == 200
    assert made.name in answer.text


def test_the_page_names_every_reason_with_its_remedy_and_source(client, made):
    agreement = made.service.vendor.agreements.get()
    agreement.terminated_on = register.TODAY
    agreement.save()
    client.force_login(made.owner)
    text = client.get(url("integration-detail", made.slug)).text
    assert "Denied for" in text
    assert "BAA not in force" in text
    assert "Renew the BAA and record the new version." in text
    assert "45 CFR 164.502(e), 164.308(b)(1)" in text


def test_buttons_that_would_fail_are_not_shown(client, made):
    detail = url("integration-detail", made.slug)
    for role, shown, hidden in (
        ("viewer", [], ["integration-edit", "integration-suspend", "integration-retire"]),
        ("officer", ["integration-suspend", "integration-retire"], ["integration-edit"]),
    ):
        client.force_login(make.person(role))
        text = client.get(detail).text
        assert all(url(name, made.slug) in text for name in shown)
        assert not any(url(name, made.slug) in text for name in hidden)
    client.force_login(made.owner)
    text = client.get(detail).text
    assert url("integration-edit", made.slug) in text
    assert url("integration-suspend", made.slug) not in text


@pytest.mark.parametrize(
    "query",
    [
        "?state=active",
        "?verdict=allowed",
        "?verdict=denied",
        "?data_class=phi",
        "?environment=production",
        "?owner=engineer",
        "?q=integration",
        "?sort=-name",
        "?page=99",
        "?service=vendor",
        "?state=nonsense&verdict=x&data_class=nope&page=x",
    ],
)
def test_the_register_filters_and_sorts(client, made, query):
    client.force_login(make.person("auditor"))
    answer = client.get(url("integration-list") + query)
    assert answer.status_code == 200
    assert (made.name in answer.text) is (query != "?verdict=denied")


def test_the_register_shows_the_same_verdicts_that_it_filters_by(client, made):
    draft = make.integration()
    client.force_login(make.person("viewer"))
    denied = client.get(url("integration-list") + "?verdict=denied").text
    assert draft.name in denied
    assert "Integration not active and 1 more" in denied


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_export_is_what_the_list_shows(client, made, kind):
    made.name = '=cmd|"/c calc"!A1'
    made.save()
    other = make.integration()
    client.force_login(make.person("auditor"))
    answer = client.get(url("integration-list") + f"?export={kind}&state=active")
    body = b"".join(answer.streaming_content)
    assert answer.status_code == 200
    if kind == "csv":
        text = body.decode()
        assert "'=cmd" in text
        assert "Allowed" in text
        assert other.name not in text


def test_the_pages_of_the_list_share_no_row_even_among_equals(client, db):
    owner, service = make.person("engineer"), make.good_service()
    made = {make.integration(owner=owner, service=service).pk for _ in range(30)}
    Integration.objects.update(name="The same")
    client.force_login(make.person("officer"))
    shown = [
        row["integration"].pk
        for page in (1, 2)
        for row in client.get(url("integration-list"), {"sort": "state", "page": page}).context[
            "rows"
        ]
    ]
    assert len(shown) == 30
    assert set(shown) == made


def test_the_list_stays_in_the_order_asked_for(client, db):
    owner, service = make.person("engineer"), make.good_service()
    for _ in range(3):
        make.integration(owner=owner, service=service)
    client.force_login(make.person("officer"))
    rows = client.get(url("integration-list"), {"sort": "-name"}).context["rows"]
    names = [row["integration"].name for row in rows]
    assert names == sorted(names, reverse=True)


@pytest.mark.parametrize(
    "query", ["", "?verdict=denied", "?sort=-service&page=2", "?q=i&owner=e&data_class=phi"]
)
def test_the_list_needs_few_queries_however_many_there_are(client, db, query):
    load_data_classes()
    owner, service = make.person("engineer"), make.good_service()
    for _ in range(30):
        make.approve(make.integration(owner=owner, service=service))
    client.force_login(make.person("officer"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url("integration-list") + query).status_code == 200
    # The session is kept aside: where it lives is a setting of the site, not of this page.
    own = [q["sql"] for q in queries if "portal_personsession" not in q["sql"]]
    # One of them is for the views that people keep of the list.
    most = 13 if query else 11
    assert len([sql for sql in own if "SAVEPOINT" not in sql]) <= most, "\n".join(own)


@pytest.mark.parametrize("tab", ["overview", "trail", "keys", "people"])
def test_the_detail_needs_a_fixed_number_of_queries(
    client, made, django_assert_max_num_queries, tab
):
    for number in range(5):
        issue_key(made, KeyTerms(f"server {number}"), by=made.owner, at=NOON)
    client.force_login(make.person("officer"))
    with django_assert_max_num_queries(32):
        client.get(url("integration-detail", made.slug) + f"?tab={tab}")


def test_the_secret_is_on_one_page_once_and_nowhere_else(client, made, caplog):
    client.force_login(made.owner)
    form = {
        "name": "server-2",
        "livemode": "live",
        "scopes": ["calls:write"],
        "expires_on": "2027-05-01",
    }
    answer = client.post(url("key-create", made.slug), form)
    key = IntegrationKey.objects.get(name="server-2")
    secret = next(word for word in answer.text.split('"') if word.startswith("csk_live_"))
    assert parse_key(secret).public_id == key.public_id
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))
    assert secret not in str(answer.request["PATH_INFO"]) + str(dict(client.session)) + caplog.text
    again = client.get(url("integration-detail", made.slug) + "?tab=keys").text
    assert key.public_id in again
    assert secret not in again


def test_a_key_as_the_form_offers_it_is_enough_for_the_library(client, made):
    client.force_login(made.owner)
    form = client.get(url("key-create", made.slug)).context["form"]
    assert tuple(form.initial["scopes"]) == KeyTerms("a").scopes


def test_a_key_of_another_integration_is_not_found(client, made):
    foreign = make.active_integration()
    key, _ = issue_key(foreign, KeyTerms("theirs"), by=foreign.owner, at=NOON)
    client.force_login(made.owner)
    for name in ("key-revoke", "key-rotate"):
        assert client.post(url(name, made.slug, key.pk), {"grace_hours": 0}).status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None
    assert not IntegrationKey.objects.filter(replaces=key).exists()


def test_an_engineer_does_nothing_to_what_another_one_owns(client, made):
    client.force_login(make.person("engineer"))
    for name, (arguments, _) in STEPS.items():
        if name == "integration-create":
            continue
        assert client.post(url(name, *arguments(made))).status_code == 403
    made.refresh_from_db()
    assert made.state == Integration.State.ACTIVE
    assert not IntegrationDraft.objects.exists()


def test_an_officer_approves_in_the_page_and_a_second_one_is_told(client, db):
    integration = make.integration()
    integration.state = Integration.State.SUBMITTED
    integration.save()
    page = url("integration-decide", integration.slug)
    client.force_login(make.person("officer"))
    read = client.get(page)
    posted = {
        "terms": read.context["form"].initial["terms"],
        "expires_on": read.context["form"].initial["expires_on"].isoformat(),
        "decision": "approve",
        "note": "Fine.",
    }
    assert client.post(page, posted).status_code == 302
    client.force_login(make.person("officer"))
    answer = client.post(page, posted, follow=True)
    assert "It is approved now, so it cannot be approved." in answer.text
    assert integration.approvals.count() == 1


def test_an_officer_who_owns_it_sees_no_decision_and_cannot_post_one(client, db):
    officer = make.person("officer")
    integration = make.integration(owner=officer)
    integration.state = Integration.State.SUBMITTED
    integration.save()
    client.force_login(officer)
    page = url("integration-decide", integration.slug)
    read = client.get(page)
    assert "Somebody else decides" in read.text
    assert 'name="decision"' not in read.text
    terms = read.context["form"].initial["terms"]
    answer = client.post(page, {"terms": terms, "decision": "approve"}, follow=True)
    assert "somebody else decides on it" in answer.text
    assert not integration.approvals.exists()


def test_grants_and_owner_change_in_the_page(client, made):
    colleague = make.person("engineer")
    client.force_login(make.person("officer"))
    form = {
        "person": colleague.pk,
        "names": ["send_prompt", "read_log"],
        "purpose": "Notes of their own patients",
        "last_day": timezone.localdate() + dt.timedelta(days=30),
    }
    client.post(url("integration-grant", made.slug), form)
    people = client.get(url("integration-detail", made.slug) + "?tab=people").text
    assert colleague.email in people
    grant = made.grants.get(permission="read_log")
    client.post(url("integration-withdraw", made.slug), {"grant": grant.pk})
    assert colleague.has_perm("policies.send_prompt", made)
    assert not colleague.has_perm("policies.read_log", made)
    client.post(url("integration-owner", made.slug), {"owner": colleague.pk})
    made.refresh_from_db()
    assert made.owner == colleague
    bad = client.post(url("integration-grant", made.slug), {"person": "Smith", "names": ["root"]})
    assert bad.status_code == 200
    assert "Smith" not in bad.text
