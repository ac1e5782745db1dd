"""What holds of the gate whatever the facts are."""

import datetime as dt
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policies.gate import CallTerms, ClassTerms, decide, judge
from policies.reasons import REASONS
from policies.tests.gate_cases import POSTURE, USE, baa, fact, report
from vendors.coverage import CarveOut
from vendors.posture import GUARANTEES, Place
from vendors.tests.make import TODAY

DAYS = st.integers(-500, 500).map(lambda n: TODAY + dt.timedelta(days=n))
MAYBE_DAY = st.none() | DAYS
REGIONS = st.sampled_from(["us-east-1", "eu-west-1"])


@st.composite
def baas(draw):
    return tuple(
        baa(
            number,
            first_day=draw(DAYS),
            last_day=draw(MAYBE_DAY),
            model_pattern=draw(st.sampled_from(["", "gpt-*", "o1"])),
            region=draw(st.sampled_from(["", "us-east-1", "eu-west-1"])),
            plan=draw(st.sampled_from(["", "", "enterprise"])),
            account=draw(st.sampled_from(["", "", "org-1"])),
            endpoint=draw(st.sampled_from(["", "", "a.example.com"])),
            features=draw(st.sampled_from([(), (), ("files",)])),
            settings_required=draw(st.sampled_from([(), (), ("zero-retention",)])),
            general_availability_only=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 3)))
    )


@st.composite
def reports(draw, *, carved=True):
    found = []
    for number in range(draw(st.integers(0, 3))):
        last = draw(DAYS)
        bridge = (last + dt.timedelta(days=1), last + dt.timedelta(days=draw(st.integers(1, 120))))
        type2 = draw(st.booleans())
        found.append(
            report(
                number,
                type2=type2,
                first_day=last - dt.timedelta(days=364 if type2 else 0),
                last_day=last,
                clean=draw(st.booleans()),
                accepted=draw(st.booleans()),
                type2_due_on=draw(MAYBE_DAY),
                bridges=(bridge,) if draw(st.booleans()) else (),
                carve_outs=draw(CARVE_OUTS) if carved else (),
            )
        )
    return tuple(found)


PART = st.builds(CarveOut, st.sampled_from(["hosting", "mail"]), reports(carved=False))
CARVE_OUTS = st.just(()) | st.lists(PART, max_size=2, unique_by=lambda p: p.name).map(tuple)


@st.composite
def facts(draw):
    """At most one fact of each dimension for every call, and narrower ones beside it."""
    found = []
    for dimension, values in {
        "training_use": ["no", "yes"],
        "tls_minimum": ["1.1", "1.2"],
        "encryption_at_rest": ["aes-256", "none"],
        "retention_days": ["days"],
    }.items():
        for _ in range(draw(st.integers(0, 2))):
            made = fact(
                dimension,
                draw(st.sampled_from(values)),
                number=draw(st.sampled_from([None, 0, 30])),
                stale_on=draw(MAYBE_DAY),
                fact_id=len(found) + 1,
            )
            made = replace(made, model_pattern=draw(st.sampled_from(["", "gpt-*"])))
            made = replace(made, plan=draw(st.sampled_from(["", "Enterprise", "team"])))
            found.append(replace(made, endpoint=draw(st.sampled_from(["", "*.example.com"]))))
    return tuple(found)


POSTURES = st.builds(
    replace,
    st.just(POSTURE),
    baas=baas(),
    reports=reports(),
    facts=facts(),
    review_due_on=MAYBE_DAY,
    vendor_state=st.sampled_from(["approved", "approved", "approved_with_conditions", "suspended"]),
    conditional_until=MAYBE_DAY,
    retired_on=st.none() | MAYBE_DAY,
    plan=st.sampled_from(["", "Enterprise"]),
    previews=st.sampled_from([(), (), ("gpt-*",)]),
    hosts=st.sampled_from([(), ("a.example.com",)]),
    places=st.lists(
        st.builds(
            Place,
            REGIONS,
            st.sampled_from(["processing", "at_rest", "support_access", "failover"]),
            st.sampled_from(GUARANTEES),
        ),
        max_size=3,
    ).map(tuple),
)
EFFECTS = st.dictionaries(st.sampled_from(list(REASONS)), st.sampled_from(["block", "warn", "off"]))


@st.composite
def classes(draw):
    return tuple(
        ClassTerms(
            slug=slug,
            is_phi=slug == "phi",
            effects=draw(EFFECTS | st.just(dict.fromkeys(REASONS, "off"))),
            max_retention_days=draw(st.sampled_from([None, 0, 30])),
            allowed_regions=draw(st.sampled_from([(), ("us-east-1",)])),
            minimum_guarantee=draw(st.sampled_from(["", "", "configurable"])),
        )
        for slug in draw(st.permutations(["phi", "pii", "public"]))
    )


USES = st.builds(
    replace,
    st.just(USE),
    classes=classes(),
    allowed=st.frozensets(st.sampled_from(["phi", "pii", "public"]), min_size=1),
    approved_until=st.sampled_from([TODAY + dt.timedelta(days=n) for n in (0, 9, 700)]),
    deidentification=st.sampled_from(["none", "none", "expert"]),
    deid_documented=st.booleans(),
    deid_until=MAYBE_DAY,
    account=st.sampled_from(["", "org-1"]),
    endpoint=st.sampled_from(["", "a.example.com"]),
    features=st.sampled_from([(), ("files",), ("files", "batch")]),
    settings=st.sampled_from([(), ("zero-retention",)]),
)
CALLS = st.builds(
    CallTerms,
    st.just("gpt-5"),
    st.just("us-east-1"),
    phi_present=st.booleans(),
    data_classes=st.sampled_from([(), ("phi",), ("pii",), ("public",), ("pii", "public")]),
)


def fewer(things):
    """Every way to leave one out."""
    return [things[:i] + things[i + 1 :] for i in range(len(things))]


def with_less(reports):
    """Every way to leave out one bridge letter or one own report of a carve-out."""
    for i, one in enumerate(reports):
        others = (*reports[:i], *reports[i + 1 :])
        for left in fewer(one.bridges):
            yield (*others, replace(one, bridges=left))
        for j, part in enumerate(one.carve_outs):
            parts = (*one.carve_outs[:j], *one.carve_outs[j + 1 :])
            for left in fewer(part.reports):
                bare = (*parts, replace(part, reports=left))
                yield (*others, replace(one, carve_outs=bare))


@given(POSTURES, USES, CALLS)
def test_a_paper_less_never_turns_deny_into_allow(posture, use, call):
    if decide(posture, use, call, TODAY).allowed:
        return
    poorer = [
        *(replace(posture, baas=left) for left in fewer(posture.baas)),
        *(replace(posture, reports=left) for left in fewer(posture.reports)),
        *(replace(posture, reports=left) for left in with_less(posture.reports)),
        *(
            replace(posture, facts=tuple(f for f in posture.facts if f.dimension != dimension))
            for dimension in {f.dimension for f in posture.facts}
        ),
    ]
    assert not any(judge(less, use, call, TODAY).allowed for less in poorer)
    unapproved = replace(use, approved_digest=None, approved_until=None)
    undocumented = replace(use, deid_documented=False, deid_until=None)
    assert not judge(posture, unapproved, call, TODAY).allowed
    assert not judge(posture, undocumented, call, TODAY).allowed


@given(POSTURES, USES, CALLS, reports())
def test_another_accepted_report_never_makes_it_worse(posture, use, call, more):
    if not decide(posture, use, call, TODAY).allowed:
        return
    added = tuple(replace(r, accepted=True, report_id=90 + r.report_id) for r in more)
    richer = decide(replace(posture, reports=posture.reports + added), use, call, TODAY)
    assert richer.allowed
    before = decide(posture, use, call, TODAY).until
    assert richer.until is None or (before is not None and richer.until >= before)


@given(POSTURES, USES, CALLS, st.randoms())
def test_the_order_of_what_is_known_never_matters(posture, use, call, random):
    def shuffled(things):
        return tuple(random.sample(things, len(things)))

    other = replace(
        posture,
        baas=shuffled(posture.baas),
        reports=shuffled(posture.reports),
        facts=shuffled(posture.facts),
        models=shuffled((*posture.models, "o1")),
        regions=shuffled((*posture.regions, "eu-west-1")),
        places=shuffled(posture.places),
        hosts=shuffled(posture.hosts),
    )
    mixed = replace(use, classes=shuffled(use.classes))
    call_mixed = replace(call, data_classes=shuffled(call.data_classes))
    first = decide(posture, use, call, TODAY)
    second = decide(other, mixed, call_mixed, TODAY)
    assert (first.reasons, first.warnings, first.until) == (
        second.reasons,
        second.warnings,
        second.until,
    )


@given(POSTURES, USES, CALLS)
def test_until_is_the_last_day_of_allow(posture, use, call):
    verdict = decide(posture, use, call, TODAY)
    if not verdict.allowed:
        assert verdict.until is None
        return
    if verdict.until is None:
        far = TODAY + dt.timedelta(days=3000)
        assert all(
            judge(posture, use, call, day).allowed
            for day in (TODAY + dt.timedelta(days=1), TODAY + dt.timedelta(days=400), far)
        )
        return
    assert verdict.until >= TODAY
    assert judge(posture, use, call, verdict.until).allowed
    assert not judge(posture, use, call, verdict.until + dt.timedelta(days=1)).allowed
    for share in (1, 2, 3):
        between = TODAY + (verdict.until - TODAY) * share // 4
        assert judge(posture, use, call, between).allowed


@given(POSTURES, USES, CALLS)
def test_no_requirement_lifts_what_holds_for_every_call(posture, use, call):
    off = tuple(replace(c, effects=dict.fromkeys(REASONS, "off")) for c in use.classes)
    assert not judge(posture, replace(use, classes=off, active=False), call, TODAY).allowed
    elsewhere = replace(call, region="eu-west-1")
    assert not judge(posture, replace(use, classes=off), elsewhere, TODAY).allowed


@given(POSTURES, USES, CALLS)
def test_every_class_that_is_named_makes_it_stricter(posture, use, call):
    named = replace(call, data_classes=("pii",), phi_present=False)
    more = replace(call, data_classes=("pii", "phi"), phi_present=False)
    assert set(judge(posture, use, named, TODAY).reasons) <= set(
        judge(posture, use, more, TODAY).reasons
    )
