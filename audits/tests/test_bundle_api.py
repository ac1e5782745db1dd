"""The bundle as a client fetches it, and what the gate says of calls by the bundle they name."""

import datetime as dt
import json

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from audits.models import Call, Pending, ReadEvent
from audits.services import facts
from audits.tests import make
from countersign import bundles
from countersign.rules import Policy
from countersign.tests.make_rules import ALWAYS, document, permit, transform
from policies.models import Integration, IssuedBundle
from policies.services import bundling, policy_uses, versions
from policies.services.bundle_keys import public_key
from policies.tests import make as policies

MINUTE = dt.timedelta(minutes=1)
KEYS = [bytes.fromhex(public_key())]
MASK = document(transform("all", ALWAYS, "mask"))


@pytest.fixture
def officer_person(db):
    return policies.person("officer")


@pytest.fixture
def before(integration):
    """A moment just ago, from which on the integration goes by a policy."""
    at = timezone.now() - MINUTE
    policies.ruled(integration, at=at)
    return at


def fetch(api, integration, **headers):
    return api.get(f"integrations/{integration.slug}/bundle", **headers)


def parsed(answer):
    return bundles.parse_bundle(answer.content, KEYS, now=timezone.now())


def code(answer) -> str:
    return answer.json()["type"].rpartition(":")[2]


def test_a_client_gets_the_rules_in_force_signed(api, integration, before):
    answer = fetch(api, integration)
    assert answer.status_code == 200
    bundle = bundles.parse_bundle(
        answer.content, KEYS, now=timezone.now(), integration=integration.slug, livemode=True
    )
    assert bundle.policy.digest == Policy.parse(versions.starter_document()).digest
    assert (bundle.mode, bundle.enforcement) == ("strict", "enforce")
    assert bundle.terms.phi and bundle.terms.baa_in_force and bundle.terms.soc2_current
    assert bundle.terms.valid_until is not None
    assert IssuedBundle.objects.get().bundle_id == bundle.id
    assert "document" not in json.dumps(IssuedBundle.objects.get().content)


def test_the_same_bundle_is_not_sent_twice(api, integration, before):
    first = fetch(api, integration)
    again = fetch(api, integration, **{"If-None-Match": first["ETag"]})
    if again.status_code == 200:  # a slot of five minutes began between the two
        again = fetch(api, integration, **{"If-None-Match": again["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first["ETag"].startswith('"') and first["Cache-Control"] == "private, no-cache"


def test_each_bundle_that_is_sent_is_noted_as_read(api, integration, before):
    first = fetch(api, integration)
    fetch(api, integration, **{"If-None-Match": first["ETag"]})
    reads = ReadEvent.objects.filter(subject="policies.issuedbundle")
    assert {r.subject_id for r in reads} == {parsed(first).id}
    assert reads.count() <= 2


def test_an_integration_without_a_policy_has_a_bundle_too(api, integration):
    bundle = parsed(fetch(api, integration))
    assert bundle.policy is None
    assert bundle.mode == "strict"


def test_the_bundle_is_for_keys_of_its_integration_with_the_scope(integration, officer, before):
    other = policies.active_integration()
    api = make.Api(Client(), make.key(other)[1])
    assert code(fetch(api, integration)) == "integration-mismatch"
    write_only = make.Api(Client(), make.key(integration, scopes=["calls:write"])[1])
    assert code(fetch(write_only, integration)) == "key-scope"
    answer = officer.get(f"/api/v1/integrations/{integration.slug}/bundle")
    assert (answer.status_code, code(answer)) == (403, "key-required")
    assert Client().get(f"/api/v1/integrations/{integration.slug}/bundle").status_code == 401


def test_a_test_key_has_a_bundle_of_its_own(integration, before):
    api = make.Api(Client(), make.key(integration, livemode=False)[1])
    assert not parsed(fetch(api, integration)).livemode


def test_broken_glass_shadow_and_monitor_are_in_the_bundle(
    api, integration, before, officer_person
):
    by = officer_person
    policy = policy_uses.use_of(integration).policy
    waiting = policies.policy_version(policy, document=MASK)
    policy_uses.set_shadow(integration, waiting, by=by, at=before)
    policy_uses.set_enforcement(integration, "monitor", by=by, at=before)
    why = "The database is moved tonight."
    glass = policy_uses.break_glass(integration, hours=1, reason=why, by=by, at=before)
    bundle = parsed(fetch(api, integration))
    assert bundle.shadow.policy.digest == waiting.digest
    assert bundle.enforcement == "monitor"
    assert bundle.break_glass.event == glass.pk
    assert bundle.mode_at(timezone.now()) == "spool"
    assert why not in fetch(api, integration).content.decode()


def call(api, **fields):
    answer = api.post("calls", make.call_body(**fields))
    assert answer.status_code == 201, answer.content
    body = answer.json()
    return body["decision"], [reason["code"] for reason in body["reasons"]]


def test_a_call_names_the_bundle_that_its_rules_came_from(api, integration, before):
    bundle = parsed(fetch(api, integration)).id
    assert call(api, bundle=bundle) == ("allow", [])
    assert call(api) == ("deny", ["bundle-too-old"])
    assert call(api, bundle="b-" + "0" * 32) == ("deny", ["bundle-too-old"])
    assert Call.objects.filter(bundle=bundle).count() == 1


def test_an_integration_without_a_policy_names_none(api, integration):
    assert call(api) == ("allow", [])


def test_rules_that_were_replaced_may_be_named_for_a_quarter_of_an_hour(
    api, integration, before, officer_person
):
    old = parsed(fetch(api, integration)).id
    assert call(api, bundle=old) == ("allow", [])
    policy_uses.set_enforcement(integration, "monitor", by=officer_person, at=timezone.now())
    assert call(api, bundle=old) == ("allow", [])
    IssuedBundle.objects.update(last_issued_at=timezone.now() - 16 * MINUTE)
    facts.SHARED.forget()
    assert call(api, bundle=old) == ("deny", ["bundle-too-old"])
    new = parsed(fetch(api, integration)).id
    assert new != old
    assert call(api, bundle=new) == ("allow", [])


def test_a_call_that_a_journal_held_back_was_made_under_the_rules_of_then(
    api, integration, before, officer_person
):
    old = parsed(fetch(api, integration)).id
    issued = timezone.now() - 60 * MINUTE
    IssuedBundle.objects.update(last_issued_at=issued, first_issued_at=issued)
    policy_uses.set_enforcement(integration, "monitor", by=officer_person, at=timezone.now())
    for minutes, decision in ((50, "allow"), (40, "deny")):
        started = (timezone.now() - minutes * MINUTE).isoformat()
        line = {"type": "call", "body": make.call_body(bundle=old, started_at=started)}
        body = json.dumps(line).encode()
        answer = api.post("events", body, content_type="application/x-ndjson")
        assert json.loads(answer.content)["body"]["decision"] == decision


def test_a_version_that_begins_by_itself_counts_from_its_moment_on(
    integration, before, officer_person
):
    policy = policy_uses.use_of(integration).policy
    at = before + MINUTE
    starts = at + 5 * MINUTE
    waiting = policies.policy_version(policy, document=MASK)
    versions.approve(waiting, by=officer_person, at=at, starts_at=starts)
    state = facts.Facts().state()

    def current(moment):
        state.use((integration.pk, facts.day_of(moment)), moment)
        (held,) = state.bundles.values()
        return held.current

    first = current(at)
    assert current(starts - MINUTE) == first
    assert state.holds_use(integration.pk, starts - MINUTE)
    assert not state.holds_use(integration.pk, starts)
    assert current(starts).isdisjoint(first)


def test_a_claim_of_safe_harbor_needs_rules_that_support_it(api, integration, officer_person):
    def claimed():
        Integration.objects.filter(pk=integration.pk).update(deidentification="rules")
        integration.refresh_from_db()
        policies.approve(integration)
        facts.SHARED.forget()

    claimed()
    assert call(api) == ("deny", ["deid-not-by-rules"])
    at = timezone.now() - MINUTE
    policy = policies.ruled(integration, at=at)
    facts.SHARED.forget()
    bundle = parsed(fetch(api, integration)).id
    assert call(api, bundle=bundle) == ("allow", [])
    limited = policies.policy_version(policy, document=document(permit("let", ALWAYS)))
    versions.approve(limited, by=officer_person, at=timezone.now())
    bundle = parsed(fetch(api, integration)).id
    assert call(api, bundle=bundle) == ("deny", ["deid-not-by-rules"])


def test_a_policy_without_a_version_in_force_gives_no_bundle(api, integration, before):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE policies_policyversion SET ends_at = starts_at")
    answer = fetch(api, integration)
    assert (answer.status_code, code(answer)) == (409, "no-rules-in-force")
    assert call(api, bundle="b-" + "0" * 32) == ("deny", ["bundle-too-old"])


def test_what_the_bundle_says_of_papers_follows_them(integration, before):
    on = before.date()
    good = bundling.issue(integration, livemode=True, on=on, at=before)
    later = bundling.issue(integration, livemode=True, on=on + dt.timedelta(days=400), at=before)
    one, two = (bundles.parse_bundle(x.body, KEYS, now=None) for x in (good, later))
    assert one.terms.baa_in_force
    assert not two.terms.baa_in_force
    assert not two.terms.soc2_current


def test_steps_of_a_policy_are_noted_for_the_ledger(integration, before, officer_person):
    why = "The database is moved tonight."
    glass = policy_uses.break_glass(integration, hours=1, reason=why, by=officer_person, at=before)
    policy_uses.mend_glass(glass, by=officer_person, at=before + MINUTE)
    policy_uses.take(integration, by=officer_person, at=before)
    noted = {n.type: n.payload for n in Pending.objects.order_by("pk")}
    assert noted["policy-version"]["state"] == "approved"
    assert noted["policy-use"]["integration"] == integration.pk
    assert noted["policy-use-removed"]["integration"] == integration.pk
    assert noted["break-glass"]["closed_at"]
    assert why not in json.dumps(list(noted.values()))
