"""Plain functions that make a good case; a test breaks one thing of it."""

from __future__ import annotations

import datetime as dt
from itertools import count

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection

from vendors.models import (
    Agreement,
    AgreementRequest,
    AssuranceReport,
    BridgeLetter,
    CoveredScope,
    Fact,
    ReportScope,
    Service,
    ServiceModel,
    ServiceRegion,
    Subservice,
    Vendor,
)

TODAY = dt.date(2026, 11, 20)
YEAR = dt.timedelta(days=365)
_number = count(1)

GOOD_FACTS = {
    "training_use": ("no", None),
    "retention_days": ("days", 0),
    "tls_minimum": ("1.2", None),
    "encryption_at_rest": ("aes-256", None),
}


def person(*permissions: str):
    """An active person with these permissions, such as `vendors.view_vendor`."""
    user = get_user_model().objects.create_user(f"reader{next(_number)}@example.com")
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def done_by(moment: dt.datetime) -> None:
    """As if all that was recorded so far had been by the moment, and history been kept before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracked FROM history.tables WHERE moment IS NULL")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE history.{table} DISABLE TRIGGER guard")
            cursor.execute(
                f"UPDATE history.{table} SET known_from = least(known_from, %(at)s), known_until = "  # noqa: S608
                "CASE known_until WHEN 'infinity' THEN known_until ELSE least(known_until, %(at)s) "
                "END",
                {"at": moment},
            )
            cursor.execute(f"ALTER TABLE history.{table} ENABLE TRIGGER guard")
        cursor.execute("UPDATE history.tables SET began = %s", [moment - YEAR])


def vendor(name: str = "", **fields) -> Vendor:
    number = next(_number)
    name = name or f"Vendor {number}"
    fields = {
        "slug": f"vendor-{number}",
        "state": Vendor.State.APPROVED,
        "next_review_on": TODAY + YEAR,
        **fields,
    }
    return Vendor.objects.create(name=name, **fields)


def service(of: Vendor | None = None, *, facts: bool = True, **fields) -> Service:
    """A service in us-east-1 with models gpt-*; with verified facts unless `facts` is false."""
    number = next(_number)
    fields = {
        "name": f"Service {number}",
        "slug": f"service-{number}",
        "provider": "openai",
        "endpoint_hosts": ["api.openai.com"],
        **fields,
    }
    made = Service.objects.create(vendor=of or vendor(), **fields)
    ServiceModel.objects.create(service=made, pattern="gpt-*")
    ServiceRegion.objects.create(service=made, region="us-east-1", guarantee="contract")
    if facts:
        for dimension, (value, days) in GOOD_FACTS.items():
            fact(made, dimension=dimension, value=value, number=days)
    return made


def fact(of: Service, **fields) -> Fact:
    fields = {
        "grade": "contract",
        "source": "https://vendor.example/terms",
        "verified_on": TODAY - dt.timedelta(days=1),
        "recorded_on": TODAY - dt.timedelta(days=1),
        **fields,
    }
    return Fact.objects.create(service=of, **fields)


def baa(of: Vendor, *, services: list[Service] | None = None, **fields) -> Agreement:
    """A BAA in force from a year before TODAY for two years; covers all services unless told."""
    fields = {
        "kind": Agreement.Kind.BAA,
        "reference": f"BAA-{next(_number)}",
        "counterparty": of.legal_name or of.name,
        "starts_on": TODAY - YEAR,
        "ends_on": TODAY + YEAR,
        **fields,
    }
    made = Agreement.objects.create(vendor=of, **fields)
    for covered in of.services.all() if services is None else services:
        scope(made, covered)
    return made


def scope(of: Agreement, covered: Service, **fields) -> CoveredScope:
    """What an agreement covers of a service; all of it unless told."""
    return CoveredScope.objects.create(agreement=of, service=covered, **fields)


def agreement_request(of: Vendor, **fields) -> AgreementRequest:
    """A BAA that was asked for twenty days before TODAY and is due in ten."""
    fields = {
        "kind": Agreement.Kind.BAA,
        "state": AgreementRequest.State.REQUESTED,
        "opened_on": TODAY - dt.timedelta(days=20),
        "due_on": TODAY + dt.timedelta(days=10),
        **fields,
    }
    return AgreementRequest.objects.create(vendor=of, **fields)


def report(of: Vendor, *, by, services: list[Service] | None = None, **fields) -> AssuranceReport:
    """An accepted SOC 2 Type II whose period ended 60 days before TODAY; all services in scope."""
    fields = {
        "kind": AssuranceReport.Kind.SOC2_TYPE2,
        "period_start": TODAY - YEAR,
        "period_end": TODAY - dt.timedelta(days=60),
        "auditor": "Example Audit LLP",
        "categories": ["security", "confidentiality"],
        "review": AssuranceReport.Review.ACCEPT,
        "reviewed_by": by,
        "reviewed_on": TODAY - dt.timedelta(days=30),
        **fields,
    }
    made = AssuranceReport.objects.create(vendor=of, **fields)
    for covered in of.services.all() if services is None else services:
        ReportScope.objects.create(report=made, service=covered)
    return made


def bridge(of: AssuranceReport, *, days: int = 90, **fields) -> BridgeLetter:
    """A bridge letter for the `days` after the report's period."""
    fields = {
        "covers_from": of.period_end + dt.timedelta(days=1),
        "covers_to": of.period_end + dt.timedelta(days=days),
        "signer": "Jordan Reyes",
        "signer_role": "Chief Information Security Officer",
        **fields,
    }
    return BridgeLetter.objects.create(report=of, **fields)


def subservice(of: AssuranceReport, **fields) -> Subservice:
    """A carved-out hosting provider that needs a report of its own, and has none yet."""
    fields = {"name": f"Subservice {next(_number)}", "function": "Hosting", **fields}
    return Subservice.objects.create(report=of, **fields)
