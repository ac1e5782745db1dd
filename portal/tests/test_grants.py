"""Asking for a grant, deciding on it, using it, taking it away; nobody on their own."""

import datetime as dt

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audits.models import SecurityEvent
from audits.services import facts
from policies.gate import CallTerms
from policies.models import Grant, Principal
from policies.services import duties, granting
from policies.services.directory import add_group, change_members
from policies.services.granting import Wanted
from policies.services.people import officers
from policies.services.principals import principal_of
from policies.services.telling import tell_emergency
from policies.services.trail import Refused
from policies.tests import make

pytestmark = pytest.mark.django_db
REASON = "Patient portal is down, nobody reads outputs."


def url(name, *args):
    return reverse(f"policies:{name}", args=args)


def body(of, **fields):
    return {
        "integration": of.slug,
        "permission": "send_prompt",
        "holder": "",
        "purpose": "Intake notes of the clinic.",
        "last_day": (timezone.localdate() + dt.timedelta(days=30)).isoformat(),
        **fields,
    }


@pytest.fixture
def scene(client):
    """An integration for known actors, an engineer who wants in, and two officers."""
    integration = make.active_integration(known_actors_only=True)
    return integration, make.person("engineer"), make.person("officer"), make.person("officer")


def ask(client, person, of, **fields) -> Grant:
    client.force_login(person)
    answer = client.post(url("grant-create"), body(of, **fields))
    assert answer.status_code == 302, answer.context["form"].errors
    return Grant.objects.latest("pk")


def denied(integration, person) -> bool:
    """Whether the gate stops the person here for want of a grant, at this moment."""
    model = integration.model_patterns[0].replace("*", "4o")
    call = CallTerms(
        model=model,
        region=integration.region,
        phi_present=True,
        data_classes=("phi",),
        actor=f"user:{person.email}",
    )
    said = facts.Facts().state().decide(integration.pk, call, timezone.now())
    return "principal-not-granted" in said.reasons


def decide(client, person, grant, decision="approve", **fields):
    client.force_login(person)
    return client.post(url("grant-decide", grant.pk), {"decision": decision, **fields})


def test_a_grant_that_is_asked_for_holds_from_another_persons_approval_on(client, scene):
    integration, engineer, officer, _ = scene
    grant = ask(client, engineer, integration)
    assert (grant.state, grant.principal.user) == ("requested", engineer)
    assert denied(integration, engineer)
    answer = decide(client, officer, grant, note="For the quarter.")
    assert answer.status_code == 302
    grant.refresh_from_db()
    assert (grant.state, grant.decided_by) == ("standing", officer)
    assert not denied(integration, engineer)
    client.force_login(engineer)
    client.post(url("grant-withdraw", grant.pk), {"note": "Done."})
    assert denied(integration, engineer)
    told = SecurityEvent.objects.filter(kind="grant-changed").order_by("pk")
    assert [e.reason for e in told] == ["requested", "approved", "withdrawn"]
    assert {e.subject for e in told} == {f"policies.grant:{grant.pk}"}


def test_a_request_that_is_refused_gives_nothing_and_says_why(client, scene):
    integration, engineer, officer, _ = scene
    grant = ask(client, engineer, integration)
    assert decide(client, officer, grant, "refuse").status_code == 200
    assert decide(client, officer, grant, "refuse", note="Use the shared one.").status_code == 302
    grant.refresh_from_db()
    assert grant.state == "refused"
    client.force_login(engineer)
    assert "Use the shared one." in client.get(url("grant-detail", grant.pk)).content.decode()
    assert denied(integration, engineer)


def test_an_officer_may_approve_for_less_long_but_not_for_longer(client, scene):
    integration, engineer, officer, _ = scene
    grant = ask(client, engineer, integration)
    today = timezone.localdate()
    later = decide(client, officer, grant, last_day=today + dt.timedelta(days=60))
    assert "more than was asked" in later.content.decode()
    decide(client, officer, grant, last_day=today + dt.timedelta(days=7))
    grant.refresh_from_db()
    assert timezone.localdate(grant.ends_at) == today + dt.timedelta(days=8)


class TestNobodyDecidesOnTheirOwn:
    def test_by_the_page(self, client, scene):
        integration, _, officer, _ = scene
        grant = ask(client, officer, integration)
        assert "Nobody decides" in decide(client, officer, grant, note="x").content.decode() or (
            "another officer decides" in decide(client, officer, grant).content.decode()
        )
        grant.refresh_from_db()
        assert grant.state == "requested"
        page = client.get(url("grant-detail", grant.pk)).content.decode()
        assert url("grant-decide", grant.pk) not in page

    def test_by_having_another_ask_for_them(self, client, scene):
        integration, engineer, officer, _ = scene
        grant = ask(client, engineer, integration, holder=officer.email)
        decide(client, officer, grant)
        grant.refresh_from_db()
        assert grant.state == "requested"

    def test_by_asking_for_another(self, client, scene):
        integration, engineer, officer, _ = scene
        grant = ask(client, officer, integration, holder=engineer.email)
        decide(client, officer, grant)
        grant.refresh_from_db()
        assert grant.state == "requested"

    def test_by_giving(self, client, scene):
        integration, _, officer, _ = scene
        client.force_login(officer)
        for holder in (officer.email, officer.email.upper(), f"user:{officer.email}"):
            answer = client.post(url("grant-give"), body(integration, holder=holder))
            assert answer.status_code == 200, holder
        assert not Grant.objects.exists()

    def test_by_a_group_they_are_in(self, client, scene):
        integration, engineer, officer, other = scene
        now = timezone.now()
        group = add_group("Clinicians", source="portal", at=now)
        change_members(group, add=[principal_of(officer, at=now)], by=other, at=now)
        client.force_login(officer)
        answer = client.post(url("grant-give"), body(integration, holder="group:clinicians"))
        assert "themselves" in answer.content.decode()
        grant = ask(client, engineer, integration, holder="group:clinicians")
        decide(client, officer, grant)
        grant.refresh_from_db()
        assert grant.state == "requested"
        decide(client, other, grant)
        assert not denied(integration, officer)

    def test_by_adding_themselves_to_a_group_that_holds_it(self, client, scene):
        integration, _, officer, _ = scene
        now = timezone.now()
        group = add_group("Clinicians", source="portal", at=now)
        client.force_login(officer)
        client.post(url("grant-give"), body(integration, holder="group:clinicians"))
        assert Grant.objects.get().state == "standing"
        with pytest.raises(Refused, match="themselves"):
            change_members(group, add=[principal_of(officer, at=now)], by=officer, at=now)

    def test_by_an_emergency_that_they_review_themselves(self, client, scene):
        integration, _, officer, other = scene
        now = timezone.now()
        grant = granting.break_in(
            integration,
            permission="view_output",
            by=officer,
            at=now - dt.timedelta(hours=5),
            reason=REASON,
        )
        client.force_login(officer)
        answer = client.post(url("emergency-review", grant.pk), {"note": "It was needed."})
        assert answer.status_code == 200
        grant.refresh_from_db()
        assert grant.reviewed_at is None
        client.force_login(other)
        client.post(url("emergency-review", grant.pk), {"note": "It was needed."})
        grant.refresh_from_db()
        assert grant.reviewed_by == other


@pytest.mark.parametrize("role", ["engineer", "auditor", "viewer", "administrator"])
def test_only_officers_decide_give_and_review(client, scene, role):
    integration, engineer, *_ = scene
    grant = ask(client, engineer, integration)
    client.force_login(make.person(role))
    for name in ("grant-decide", "emergency-review"):
        assert client.post(url(name, grant.pk), {"decision": "approve"}).status_code == 403
    other = make.person("engineer")
    assert client.post(url("grant-give"), body(integration, holder=other.email)).status_code == 403
    grant.refresh_from_db()
    assert grant.state == "requested"


def test_what_a_form_does_not_ask_is_not_taken(client, scene):
    """Mass assignment: who decided, since when, in which state are no one's to say."""
    integration, engineer, officer, _ = scene
    sent = {
        "state": "standing",
        "kind": "emergency",
        "decided_by": officer.pk,
        "decided_at": "2026-01-01",
        "asked_by": officer.pk,
        "principal": principal_of(officer, at=timezone.now()).pk,
        "ends_at": "2030-01-01",
    }
    grant = ask(client, engineer, integration, **sent)
    assert (grant.state, grant.kind) == ("requested", "standing")
    assert (grant.asked_by, grant.decided_by, grant.principal.user) == (engineer, None, engineer)


def test_grants_of_others_are_not_there(client, scene):
    integration, engineer, *_ = scene
    grant = ask(client, engineer, integration)
    client.force_login(make.person("engineer"))
    for name in ("grant-detail", "grant-withdraw"):
        assert client.get(url(name, grant.pk)).status_code == 404
    assert client.post(url("grant-withdraw", grant.pk), {}).status_code == 404
    grant.refresh_from_db()
    assert grant.state == "requested"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"integration": "no-such"}, "Choose an integration from the list."),
        ({"permission": "change_integration"}, "Choose from the list."),
        ({"permission": "read_everything"}, "Choose from the list."),
        ({"holder": "nobody@example.org"}, "Nobody is known by this"),
        ({"holder": "group:nowhere"}, "Nobody is known by this"),
        ({"holder": "Mr Smith"}, "Write an e-mail address"),
        ({"purpose": ""}, "required"),
        ({"last_day": "2020-01-01"}, "from today on"),
        ({"last_day": "2099-01-01"}, "from today on"),
    ],
)
def test_what_cannot_be_granted_is_refused_with_a_reason(client, scene, fields, words):
    integration, engineer, *_ = scene
    client.force_login(engineer)
    answer = client.post(url("grant-create"), body(integration, **fields))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Grant.objects.exists()
    assert not Principal.objects.filter(user=engineer).exists()


def test_somebody_nobody_has_named_yet_is_granted_nothing(client, scene):
    integration, engineer, *_ = scene
    Principal.objects.create(
        kind="service", identifier="batch", source="seen", state="unknown", created_at=make.NOON
    )
    client.force_login(engineer)
    answer = client.post(url("grant-create"), body(integration, holder="service:batch"))
    assert "Nobody has said yet who this is." in answer.content.decode()


def test_a_pair_of_duties_stops_a_request_an_approval_and_a_membership(client, scene):
    integration, engineer, officer, other = scene
    reason = "Engineers of this house never send prompts."
    grant = ask(client, engineer, integration)
    duties.keep_pair("grant:send_prompt", "role:Engineer", reason=reason, by=officer, at=make.NOON)
    assert "One person may not hold both" in decide(client, officer, grant).content.decode()
    second = make.person("engineer")
    client.force_login(second)
    assert reason in client.post(url("grant-create"), body(integration)).content.decode()
    now = timezone.now()
    group = add_group("Clinicians", source="portal", at=now)
    terms = Wanted(
        permission="send_prompt", group=group, purpose="Notes", ends_at=now + dt.timedelta(days=9)
    )
    granting.give_grant(integration, terms, by=officer, at=now)
    with pytest.raises(Refused, match="may not hold both"):
        change_members(group, add=[principal_of(second, at=now)], by=other, at=now)
    assert denied(integration, second)


class TestEmergency:
    def take(self, client, person, integration, **fields):
        client.force_login(person)
        sent = {
            "integration": integration.slug,
            "permission": "send_prompt",
            "hours": 2,
            "reason": REASON,
            **fields,
        }
        return client.post(url("emergency-create"), sent)

    def test_it_holds_at_once_ends_by_itself_and_is_told(self, client, scene):
        integration, engineer, officer, other = scene
        assert denied(integration, engineer)
        assert self.take(client, engineer, integration).status_code == 302
        assert not denied(integration, engineer)
        grant = Grant.objects.get()
        assert grant.ends_at - grant.starts_at == dt.timedelta(hours=2)
        assert SecurityEvent.objects.filter(kind="emergency-access", user=engineer).exists()
        assert tell_emergency(grant) == officers().count()
        assert {officer.email, other.email} <= {to for m in mail.outbox for to in m.to}
        assert url("grant-detail", grant.pk) in mail.outbox[0].body
        assert REASON not in mail.outbox[0].body

    @pytest.mark.parametrize(
        "fields", [{"hours": 5}, {"hours": 0}, {"reason": "Need it"}, {"permission": "manage_keys"}]
    )
    def test_it_needs_a_reason_and_lasts_four_hours_at_most(self, client, scene, fields):
        integration, engineer, *_ = scene
        assert self.take(client, engineer, integration, **fields).status_code == 200
        assert not Grant.objects.exists()
        assert denied(integration, engineer)

    @pytest.mark.parametrize("role", ["auditor", "viewer", "administrator"])
    def test_it_is_for_who_works_with_integrations(self, client, scene, role):
        assert self.take(client, make.person(role), scene[0]).status_code == 403

    def test_an_officer_ends_it_early_and_then_reviews_it(self, client, scene):
        integration, engineer, officer, _ = scene
        self.take(client, engineer, integration)
        grant = Grant.objects.get()
        client.force_login(officer)
        page = client.get(url("emergency-review", grant.pk)).content.decode()
        assert "has not ended yet" in page
        client.post(url("grant-withdraw", grant.pk), {"note": "Not an emergency."})
        assert denied(integration, engineer)
        client.post(url("emergency-review", grant.pk), {"note": "Not an emergency at all."})
        grant.refresh_from_db()
        assert grant.reviewed_by == officer


def test_a_grant_s_page_asks_once_whether_it_is_ones_own(client, scene):
    integration, engineer, officer, _ = scene
    grant = ask(client, engineer, integration)
    for reader in (engineer, officer):
        client.force_login(reader)
        client.get(url("grant-detail", grant.pk))
        with CaptureQueriesContext(connection) as asked:
            page = client.get(url("grant-detail", grant.pk))
        assert page.context["own"] is (reader == engineer)
        assert page.context["may_decide"] is (reader == officer)
        own = [each for each in asked if "policies_groupmembership" in each["sql"]]
        assert len(own) == 1


def test_the_lists_ask_few_queries(client, scene, django_assert_max_num_queries):
    integration, _, officer, _ = scene
    now = timezone.now()
    for _ in range(30):
        whose = principal_of(make.person("viewer"), at=now)
        terms = Wanted(
            permission="read_log", principal=whose, purpose="Audit", ends_at=now + dt.timedelta(9)
        )
        granting.give_grant(integration, terms, by=officer, at=now)
    client.force_login(officer)
    for name in ("grant-list", "emergency-list", "grant-matrix"):
        client.get(url(name))
        with django_assert_max_num_queries(10):
            assert client.get(url(name)).status_code == 200
    rows = b"".join(client.get(url("grant-export", "csv"))).decode().splitlines()
    assert len(rows) == 31
