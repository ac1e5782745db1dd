"""Every reason both ways: a good case allows, and breaking one thing gives that reason alone."""

import datetime as dt
from dataclasses import replace

import pytest

from policies.gate import CallTerms, ClassTerms, decide
from policies.reasons import REASONS, UNCONDITIONAL
from policies.tests.gate_cases import CALL, GRANT, PHI, POSTURE, USE, baa, fact, report
from vendors.coverage import CarveOut
from vendors.posture import Place
from vendors.tests.make import TODAY

DAY = dt.timedelta(days=1)


def with_facts(**changed):
    """The good posture, the facts of the named dimensions replaced or (None) left out."""
    facts = [f for f in POSTURE.facts if f.dimension not in changed]
    return replace(POSTURE, facts=(*facts, *(f for f in changed.values() if f)))


def use_class(**limits):
    return replace(USE, classes=(replace(PHI, **limits),))


REPORT = ["report-type1-overdue", "report-qualified", "report-carve-out", "report-stale"]


def scoped(**scope):
    """The good posture with a BAA that covers no more than this."""
    return replace(POSTURE, baas=(baa(**scope),))


def placed(*places):
    """The good posture with what is recorded of places: purpose, region and guarantee."""
    return replace(POSTURE, places=tuple(Place(*place) for place in places))


CARVED = (CarveOut("hosting"),)
PROCESSED = ("us-east-1", "processing", "contract")
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
        (POSTURE, replace(USE, known_actors_only=True), replace(CALL, actor="user:a@example.com")),
        (
            POSTURE,
            replace(USE, known_actors_only=True),
            replace(CALL, grant=replace(GRANT, until=TODAY - DAY)),
        ),
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
        (scoped(features_excluded=("files",)), replace(USE, features=("files",)), CALL),
        (scoped(features=("files",)), USE, replace(CALL, features=("web-search",))),
        (scoped(features=("files",)), replace(USE, features=("files", "batch")), CALL),
        (scoped(plan="enterprise"), USE, CALL),
        (replace(scoped(plan="enterprise"), plan="team"), USE, CALL),
        (scoped(account="org-1"), USE, CALL),
        (scoped(account="org-1"), replace(USE, account="org-2"), CALL),
        (replace(POSTURE, baas=(replace(baa(), account="org-1"),)), USE, CALL),
        (scoped(endpoint="eu.api.example.com"), USE, CALL),
        (
            scoped(endpoint="eu.api.example.com"),
            USE,
            replace(CALL, endpoint="api.example.com"),
        ),
        (
            scoped(endpoint="eu.api.example.com"),
            replace(USE, endpoint="eu.api.example.com"),
            replace(CALL, endpoint="api.example.com"),
        ),
        (
            replace(scoped(endpoint="eu.api.example.com"), hosts=("api.example.com",)),
            USE,
            CALL,
        ),
        (scoped(settings_required=("zero-retention",)), USE, CALL),
        (
            scoped(settings_required=("zero-retention", "no-logging")),
            replace(USE, settings=("zero-retention",)),
            CALL,
        ),
        (
            replace(scoped(general_availability_only=True), previews=("gpt-*",)),
            USE,
            CALL,
        ),
        (
            replace(
                scoped(general_availability_only=True),
                models=("gpt-*", "gpt-5-preview*"),
                previews=("gpt-5-preview*",),
            ),
            USE,
            replace(CALL, model="gpt-5-preview-1"),
        ),
        (
            replace(
                scoped(general_availability_only=True),
                models=("gpt-*", "gpt-5-preview*"),
                previews=("gpt-5-preview*",),
            ),
            USE,
            replace(CALL, model="gpt-*"),
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
    "report-carve-out": [
        (replace(POSTURE, reports=(report(carve_outs=CARVED),)), USE, CALL),
        (
            replace(
                POSTURE,
                reports=(report(carve_outs=(CarveOut("hosting", (report(clean=False),)),)),),
            ),
            USE,
            CALL,
        ),
    ],
    "region-not-allowed": [
        (POSTURE, USE, replace(CALL, region="eu-west-1")),
        (replace(POSTURE, regions=("eu-west-1",)), USE, CALL),
        (POSTURE, use_class(allowed_regions=("eu-west-1",)), CALL),
        *(
            (
                placed(PROCESSED, ("eu-west-1", purpose, "contract")),
                use_class(allowed_regions=("us-east-1",)),
                CALL,
            )
            for purpose in ("at_rest", "support_access", "failover")
        ),
        (
            placed(PROCESSED, ("us-east-1", "at_rest", "none"), ("eu", "at_rest", "contract")),
            use_class(allowed_regions=("us-east-1",)),
            CALL,
        ),
        (
            placed(("us-east-1", "processing", "default")),
            use_class(minimum_guarantee="configurable"),
            CALL,
        ),
        (
            placed(PROCESSED, ("eu", "at_rest", "configurable")),
            use_class(minimum_guarantee="contract"),
            CALL,
        ),
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
    "deid-not-by-rules": [
        (POSTURE, replace(USE, deidentification="rules"), CALL),
        (POSTURE, replace(USE, deidentification="rules", rules_claim="limited"), CALL),
        (POSTURE, replace(USE, deidentification="rules", deid_documented=True), CALL),
    ],
    "bundle-too-old": [(POSTURE, USE, replace(CALL, bundle_stale=True))],
    "review-overdue": [
        (replace(POSTURE, vendor_state="suspended"), USE, CALL),
        (replace(POSTURE, review_due_on=TODAY - DAY), USE, CALL),
        (
            replace(
                POSTURE,
                vendor_state="approved_with_conditions",
                conditional_until=TODAY - DAY,
            ),
            USE,
            CALL,
        ),
    ],
    "service-retired": [
        (replace(POSTURE, retired_on=TODAY), USE, CALL),
        (replace(POSTURE, retired_on=TODAY - DAY), USE, CALL),
    ],
}
# The other way: each differs from a case above by the one thing that makes it good.
US = use_class(allowed_regions=("us-east-1",))
PREVIEWS = replace(
    scoped(general_availability_only=True),
    models=("gpt-*", "gpt-5-preview*"),
    previews=("gpt-5-preview*",),
)
GOOD = [
    (scoped(model_pattern="gpt-*", region="us-east-1"), USE, CALL),
    (scoped(features_excluded=("files",)), replace(USE, features=("batch",)), CALL),
    (scoped(features=("files", "web-search")), USE, replace(CALL, features=("web-search",))),
    (scoped(features=("files",)), USE, CALL),
    (replace(scoped(plan="enterprise"), plan=" Enterprise"), USE, CALL),
    (scoped(account="org-1"), replace(USE, account="org-1"), CALL),
    (
        replace(POSTURE, baas=(replace(baa(), account="org-1"),)),
        replace(USE, account="org-1"),
        CALL,
    ),
    (scoped(endpoint="eu.api.example.com"), replace(USE, endpoint="eu.api.example.com"), CALL),
    (scoped(endpoint="*.example.com"), USE, replace(CALL, endpoint="eu.api.example.com")),
    (replace(scoped(endpoint="api.example.com"), hosts=("api.example.com",)), USE, CALL),
    (
        scoped(settings_required=("zero-retention",)),
        replace(USE, settings=("no-logging", "zero-retention")),
        CALL,
    ),
    (PREVIEWS, USE, CALL),
    (replace(PREVIEWS, models=("gpt-*",), previews=()), USE, replace(CALL, model="gpt-*")),
    (
        replace(POSTURE, reports=(report(carve_outs=(CarveOut("hosting", (report(9),)),)),)),
        USE,
        CALL,
    ),
    (replace(POSTURE, reports=(report(carve_outs=CARVED), report(2))), USE, CALL),
    (placed(PROCESSED, ("us-east-1", "at_rest", "contract")), US, CALL),
    (
        placed(PROCESSED, ("eu", "at_rest", "contract"), ("us-east-1", "at_rest", "default")),
        US,
        CALL,
    ),
    (placed(PROCESSED, ("us-east-1", "failover", "none")), US, CALL),
    (placed(PROCESSED), use_class(minimum_guarantee="contract"), CALL),
    (
        placed(PROCESSED, ("eu", "support_access", "none")),
        use_class(minimum_guarantee="contract"),
        CALL,
    ),
    (
        replace(POSTURE, vendor_state="approved_with_conditions", conditional_until=TODAY),
        USE,
        CALL,
    ),
    (replace(POSTURE, vendor_state="approved", conditional_until=TODAY - DAY), USE, CALL),
    (replace(POSTURE, retired_on=TODAY + DAY), USE, CALL),
    (POSTURE, replace(USE, deidentification="rules", rules_claim="safe_harbor"), CALL),
]
CASES = [(code, *case) for code, cases in BROKEN.items() for case in cases]


def test_every_reason_of_the_catalogue_is_in_the_table():
    assert set(BROKEN) == set(REASONS)


def test_the_good_case_is_allowed_without_a_warning():
    verdict = decide(POSTURE, USE, CALL, TODAY)
    assert (verdict.decision, verdict.reasons, verdict.warnings) == ("allow", (), ())


@pytest.mark.parametrize(("posture", "use", "call"), GOOD)
def test_what_is_covered_is_allowed(posture, use, call):
    verdict = decide(posture, use, call, TODAY)
    assert (verdict.decision, verdict.reasons, verdict.warnings) == ("allow", (), ())


@pytest.mark.parametrize(
    ("posture", "until"),
    [
        (replace(POSTURE, retired_on=TODAY + 9 * DAY), TODAY + 8 * DAY),
        (
            replace(
                POSTURE,
                vendor_state="approved_with_conditions",
                conditional_until=TODAY + 9 * DAY,
            ),
            TODAY + 9 * DAY,
        ),
        (
            replace(
                POSTURE,
                reports=(
                    report(
                        carve_outs=(CarveOut("hosting", (report(9, last_day=TODAY - 360 * DAY),)),)
                    ),
                ),
            ),
            TODAY + 5 * DAY,
        ),
    ],
)
def test_an_allow_ends_with_the_first_of_what_it_rests_on(posture, until):
    assert decide(posture, USE, CALL, TODAY).until == until


@pytest.mark.parametrize(
    ("narrow", "call", "use"),
    [
        ({"model_pattern": "gpt-5"}, CALL, USE),
        ({"region": "us-east-1"}, CALL, USE),
        ({"plan": "enterprise"}, CALL, USE),
        ({"endpoint": "*.example.com"}, replace(CALL, endpoint="a.example.com"), USE),
        ({"endpoint": "a.example.com"}, CALL, replace(USE, endpoint="a.example.com")),
    ],
)
def test_of_two_facts_the_narrower_is_taken_whatever_its_age(narrow, call, use):
    trains = replace(fact("training_use", "yes"), fact_id=99)
    narrow = replace(fact("training_use", "no"), fact_id=98, **narrow)
    posture = replace(with_facts(training_use=trains), plan="Enterprise")
    assert decide(posture, use, call, TODAY).reasons == ("training-not-excluded",)
    posture = replace(posture, facts=(narrow, *posture.facts))
    assert decide(posture, use, call, TODAY).allowed


def test_a_fact_of_another_plan_or_host_says_nothing():
    for narrow in ({"plan": "team"}, {"endpoint": "eu.example.com"}):
        posture = with_facts(training_use=replace(fact("training_use", "no"), **narrow))
        assert decide(posture, USE, CALL, TODAY).reasons == ("training-not-excluded",)


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
        "report-carve-out": REPORT[:2],
        "report-stale": REPORT[:3],
        "report-missing": REPORT[:4],
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
