"""Every reason both ways: a good case allows, and breaking one thing gives that reason alone."""

import datetime as dt
from dataclasses import replace

import pytest

from policies.gate import CallTerms, ClassTerms, decide
from policies.reasons import REASONS, UNCONDITIONAL
from policies.tests.gate_cases import CALL, PHI, POSTURE, USE, baa, fact, report
from vendors.tests.make import TODAY

DAY = dt.timedelta(days=1)


def with_facts(**changed):
    """The good posture, the facts of the named dimensions replaced or (None) left out."""
    facts = [f for f in POSTURE.facts if f.dimension not in changed]
    return replace(POSTURE, facts=(*facts, *(f for f in changed.values() if f)))


def use_class(**limits):
    return replace(USE, classes=(replace(PHI, **limits),))


BROKEN = {
    "integration-not-active": [(POSTURE, replace(USE, active=False), CALL)],
    "approval-void": [
        (POSTURE, replace(USE, approved_digest="other"), CALL),
        (POSTURE, replace(USE, approved_until=TODAY - DAY), CALL),
        (POSTURE, replace(USE, approved_digest=None, approved_until=None), CALL),
    ],
    "data-class-not-allowed": [
        (POSTURE, USE, replace(CALL, data_classes=("phi", "unheard-of"))),
        (POSTURE, USE, replace(CALL, data_classes=("unheard-of",), phi_present=False)),
        (
            POSTURE,
            replace(USE, classes=(PHI, replace(PHI, slug="pii", is_phi=False))),
            replace(CALL, data_classes=("phi", "pii")),
        ),
        (POSTURE, replace(USE, classes=(replace(PHI, is_phi=False),)), CALL),
    ],
    "model-not-listed": [
        (POSTURE, USE, replace(CALL, model="o1")),
        (replace(POSTURE, models=("o1",)), USE, CALL),
    ],
    "principal-not-granted": [
        (POSTURE, replace(USE, known_actors_only=True), replace(CALL, actor="user:a@example.com"))
    ],
    "baa-missing": [
        (replace(POSTURE, baas=()), USE, CALL),
        (replace(POSTURE, baas=(baa(first_day=TODAY + DAY),)), USE, CALL),
    ],
    "baa-expired": [(replace(POSTURE, baas=(baa(last_day=TODAY - DAY),)), USE, CALL)],
    "baa-scope": [
        (replace(POSTURE, baas=(baa(scopes=()),)), USE, CALL),
        (replace(POSTURE, baas=(baa(model_pattern="o1*"),)), USE, CALL),
        (replace(POSTURE, baas=(baa(region="eu-west-1"),)), USE, CALL),
        (
            replace(POSTURE, baas=(baa(features_excluded=("web-search",)),)),
            USE,
            replace(CALL, features=("web-search",)),
        ),
    ],
    "report-missing": [
        (replace(POSTURE, reports=()), USE, CALL),
        (replace(POSTURE, reports=(report(accepted=False),)), USE, CALL),
    ],
    "report-stale": [
        (replace(POSTURE, reports=(report(last_day=TODAY - 366 * DAY),)), USE, CALL),
    ],
    "report-type1-overdue": [
        (replace(POSTURE, reports=(report(type2=False, type2_due_on=TODAY - DAY),)), USE, CALL),
        (replace(POSTURE, reports=(report(type2=False),)), USE, CALL),
    ],
    "report-qualified": [(replace(POSTURE, reports=(report(clean=False),)), USE, CALL)],
    "region-not-allowed": [
        (POSTURE, USE, replace(CALL, region="eu-west-1")),
        (replace(POSTURE, regions=("eu-west-1",)), USE, CALL),
        (POSTURE, use_class(allowed_regions=("eu-west-1",)), CALL),
    ],
    "deployment-not-allowed": [
        (POSTURE, use_class(allowed_deployments=("private_endpoint",)), CALL)
    ],
    "training-not-excluded": [
        (with_facts(training_use=None), USE, CALL),
        (with_facts(training_use=fact("training_use", "yes")), USE, CALL),
    ],
    "retention-too-long": [
        (with_facts(retention_days=fact("retention_days", number=30)), USE, CALL),
        (with_facts(retention_days=None), USE, CALL),
    ],
    "encryption-too-weak": [
        (with_facts(tls_minimum=fact("tls_minimum", "1.1")), USE, CALL),
        (with_facts(encryption_at_rest=None), USE, CALL),
    ],
    "fact-stale": [
        (with_facts(training_use=fact("training_use", "no", stale_on=TODAY)), USE, CALL),
        (with_facts(training_use=fact("training_use", "no", stale_on=None)), USE, CALL),
        (with_facts(retention_days=fact("retention_days", number=0, stale_on=TODAY)), USE, CALL),
    ],
    "deid-undocumented": [
        (POSTURE, replace(USE, deidentification="expert"), CALL),
        (
            POSTURE,
            replace(USE, deidentification="expert", deid_documented=True, deid_until=TODAY - DAY),
            CALL,
        ),
    ],
    "review-overdue": [
        (replace(POSTURE, vendor_state="suspended"), USE, CALL),
        (replace(POSTURE, review_due_on=TODAY - DAY), USE, CALL),
    ],
}
CASES = [(code, *case) for code, cases in BROKEN.items() for case in cases]


def test_every_reason_of_the_catalogue_is_in_the_table():
    assert set(BROKEN) == set(REASONS)


def test_the_good_case_is_allowed_without_a_warning():
    verdict = decide(POSTURE, USE, CALL, TODAY)
    assert (verdict.decision, verdict.reasons, verdict.warnings) == ("allow", (), ())


@pytest.mark.parametrize(("code", "posture", "use", "call"), CASES)
def test_breaking_one_thing_gives_its_reason_alone(code, posture, use, call):
    verdict = decide(posture, use, call, TODAY)
    assert verdict.reasons == (code,)
    assert verdict.decision == "deny"
    assert verdict.until is None


@pytest.mark.parametrize(("code", "posture", "use", "call"), CASES)
def test_what_a_reason_does_is_the_policys_unless_it_is_unconditional(code, posture, use, call):
    held = code in UNCONDITIONAL or call.region != use.region
    chain = {
        "baa-expired": ["baa-scope"],
        "baa-missing": ["baa-scope", "baa-expired"],
        "report-qualified": ["report-type1-overdue"],
        "report-stale": ["report-type1-overdue", "report-qualified"],
        "report-missing": ["report-type1-overdue", "report-qualified", "report-stale"],
    }.get(code, [])
    for effect in ("warn", "off"):
        effects = dict.fromkeys([code, *chain], effect)
        if effect == "warn":
            effects["fact-stale"] = "warn"
        classes = tuple(replace(c, effects=effects) for c in use.classes)
        verdict = decide(posture, replace(use, classes=classes), call, TODAY)
        assert verdict.allowed is not held
        assert (code in verdict.warnings) is (effect == "warn" and not held)


def test_all_reasons_that_fail_are_named_not_the_first():
    posture = replace(POSTURE, baas=(), reports=(), facts=(), regions=(), models=())
    verdict = decide(posture, replace(USE, active=False), CALL, TODAY)
    assert len(verdict.reasons) == 8
    assert verdict.reasons == tuple(code for code in REASONS if code in verdict.reasons)


def test_the_strictest_of_several_classes_decides():
    lenient = replace(PHI, slug="public", is_phi=False, effects=dict.fromkeys(REASONS, "off"))
    use = replace(USE, classes=(lenient, PHI), allowed=frozenset({"phi", "public"}))
    call = replace(CALL, data_classes=("public", "phi"))
    assert "baa-missing" in decide(replace(POSTURE, baas=()), use, call, TODAY).reasons
    only_public = CallTerms(CALL.model, CALL.region, phi_present=False, data_classes=("public",))
    assert decide(replace(POSTURE, baas=(), facts=()), use, only_public, TODAY).allowed


def test_a_call_that_denies_phi_on_a_phi_integration_is_judged_as_phi():
    call = replace(CALL, data_classes=(), phi_present=False)
    assert decide(POSTURE, USE, call, TODAY).allowed
    assert decide(replace(POSTURE, baas=()), USE, call, TODAY).reasons == ("baa-missing",)


def test_a_stale_fact_that_no_requirement_of_the_data_asks_for_does_not_matter():
    posture = with_facts(
        training_use=fact("training_use", "no", stale_on=TODAY),
        retention_days=fact("retention_days", number=999, stale_on=TODAY),
    )
    internal = ClassTerms("internal", is_phi=False, effects={"training-not-excluded": "off"})
    use = replace(USE, classes=(internal,), allowed=frozenset({"internal"}))
    call = replace(CALL, phi_present=False, data_classes=("internal",))
    assert decide(posture, use, call, TODAY).reasons == ()


def test_a_baa_that_follows_the_old_one_carries_on():
    following = baa(2, first_day=TODAY + 11 * DAY, last_day=TODAY + 40 * DAY)
    posture = replace(POSTURE, baas=(baa(last_day=TODAY + 10 * DAY), following))
    assert decide(posture, USE, CALL, TODAY).until == TODAY + 40 * DAY
    gap = replace(following, first_day=TODAY + 12 * DAY)
    posture = replace(POSTURE, baas=(baa(last_day=TODAY + 10 * DAY), gap))
    assert decide(posture, USE, CALL, TODAY).until == TODAY + 10 * DAY
