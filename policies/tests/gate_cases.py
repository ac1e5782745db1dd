"""A good case of the gate without a database, and its parts."""

import datetime as dt

from policies.gate import CallTerms, ClassTerms, UseTerms
from policies.terms import GrantTerms
from vendors.coverage import Limits, ReportFacts
from vendors.posture import AgreementFacts, FactValue, Scope, ServicePosture
from vendors.tests.make import TODAY, YEAR

DAY = dt.timedelta(days=1)


def baa(number=1, *, first_day=TODAY - YEAR, last_day=TODAY + 80 * DAY, scopes=None, **scope):
    scopes = (Scope(**scope),) if scopes is None else scopes
    return AgreementFacts(number, f"BAA-{number}", first_day, last_day, scopes)


def report(number=1, **fields):
    fields = {
        "type2": True,
        "first_day": TODAY - 3 * YEAR,
        "last_day": TODAY - 60 * DAY,
        "clean": True,
        "accepted": True,
        **fields,
    }
    return ReportFacts(report_id=number, **fields)


NUMBERS = {"training_use": 1, "tls_minimum": 2, "encryption_at_rest": 3, "retention_days": 4}


def fact(dimension, value="days", *, number=None, stale_on=TODAY + 90 * DAY, fact_id=0):
    return FactValue(fact_id or NUMBERS[dimension], dimension, value, number, "contract", stale_on)


POSTURE = ServicePosture(
    service_id=1,
    service="Service",
    vendor="Vendor",
    vendor_state="approved",
    review_due_on=TODAY + YEAR,
    deployment="public_api",
    regions=("us-east-1",),
    models=("gpt-*",),
    baas=(baa(),),
    reports=(report(),),
    facts=(
        fact("training_use", "no"),
        fact("tls_minimum", "1.2"),
        fact("encryption_at_rest", "aes-256"),
        fact("retention_days", number=0),
    ),
    limits=Limits(stale_days=365, bridge_days=92),
)
PHI = ClassTerms("phi", is_phi=True, max_retention_days=0)
USE = UseTerms(
    integration="intake",
    active=True,
    models=("gpt-*",),
    region="us-east-1",
    terms_digest="a",
    approved_digest="a",
    approved_until=TODAY + YEAR,
    deidentification="none",
    deid_documented=False,
    deid_until=None,
    known_actors_only=False,
    grants={},
    allowed=frozenset({"phi"}),
    classes=(PHI,),
)
GRANT = GrantTerms(
    grant_id=1,
    actor="user:a@example.com",
    starts_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    ends_at=dt.datetime.combine(TODAY + DAY, dt.time(), dt.UTC),
    since=dt.date(2026, 1, 1),
    until=TODAY,
)
CALL = CallTerms("gpt-5", "us-east-1", phi_present=True, data_classes=("phi",))
