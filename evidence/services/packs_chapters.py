"""What each chapter of a report shows, read inside the pack's snapshot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.utils import timezone
from guardian.models import UserObjectPermission

from evidence.models import CheckRun, Finding
from evidence.pack.plan import Plan
from evidence.report.budget import RowBudget, Shown
from policies.gate import effect
from policies.models import Approval, DataClass, Integration
from policies.reasons import REASONS
from policies.services.deciding import class_terms
from vendors import charts
from vendors.coverage import gaps
from vendors.lifecycle import AgreementState, agreement_state
from vendors.models import Agreement, AssuranceReport, Vendor

Days = Sequence[tuple[dt.date, dt.date]]

# At most so many vendors, and of each so many of its newest agreements and of its reports.
VENDORS, NEWEST = 120, 8
VENDOR_ROWS = 400
# Lines of the timeline; all vendors shown are in the tables.
TIMELINE_ROWS = 24
ACCEPTED = (AssuranceReport.Review.ACCEPT, AssuranceReport.Review.CONDITIONS)


@dataclass(frozen=True, slots=True)
class VendorLine:
    """A vendor with its papers, and the days of the period that they leave open.

    `on` is the last day of the period: the states of agreements are those of that day.
    """

    vendor: Vendor
    on: dt.date
    agreements: Sequence[Agreement]
    reports: Sequence[AssuranceReport]
    open_baa: Days
    open_report: Days
    period_days: int

    @property
    def signed(self) -> list[tuple[Agreement, AgreementState]]:
        return [(each, agreement_state(each, self.on)) for each in self.agreements]

    @property
    def open_baa_days(self) -> int:
        return _days(self.open_baa)

    @property
    def open_report_days(self) -> int:
        return _days(self.open_report)


def _days(stretches: Days) -> int:
    return sum((last - first).days + 1 for first, last in stretches)


def vendors(plan: Plan, budget: RowBudget) -> dict[str, object]:
    """Vendors with agreements and reports; those in use first."""
    ids, _ = plan.scope.ids()
    found = Vendor.objects.all() if ids is None else Vendor.objects.filter(pk__in=ids)
    rows = (
        found.annotate(used=Exists(Integration.objects.filter(service__vendor=OuterRef("pk"))))
        .select_related("owner")
        .annotate(service_count=Count("services"))
        .prefetch_related(
            Prefetch("agreements", Agreement.objects.order_by("kind", "starts_on", "version")),
            "agreements__scopes",
            Prefetch("reports", AssuranceReport.objects.order_by("period_end", "as_of", "pk")),
            "reports__bridges",
            "reports__document",
            "reports__reviewed_by",
        )
        .order_by("-used", "name")
    )
    lines = [_vendor_line(vendor, plan) for vendor in rows[:VENDORS]]
    spent = accumulate(1 + len(line.agreements) + len(line.reports) for line in lines)
    lines = [
        line for line, rows_so_far in zip(lines, spent, strict=True) if rows_so_far <= VENDOR_ROWS
    ]
    budget.spend(sum(1 + len(line.agreements) + len(line.reports) for line in lines))
    return {
        "vendors": Shown(lines, found.count(), "vendors"),
        "timeline": _timeline(lines[:TIMELINE_ROWS], plan) if lines else None,
    }


def _vendor_line(vendor: Vendor, plan: Plan) -> VendorLine:
    """Its newest agreements and reports are shown; all of them count."""
    first, last = plan.period_start, plan.period_end
    agreements = list(vendor.agreements.all())
    reports = list(vendor.reports.all())
    baas = [(a.starts_on, a.last_day() or last) for a in agreements if a.kind == Agreement.Kind.BAA]
    return VendorLine(
        vendor=vendor,
        on=last,
        agreements=agreements[-NEWEST:],
        reports=reports[-NEWEST:],
        open_baa=gaps(tuple(baas), first, last),
        open_report=gaps(_covered(reports), first, last),
        period_days=(last - first).days + 1,
    )


def _covered(reports: Sequence[AssuranceReport]) -> tuple[tuple[dt.date, dt.date], ...]:
    """The days that accepted type II reports and their bridge letters speak of."""
    spans = []
    for report in reports:
        if report.review in ACCEPTED and report.period_start and report.period_end:
            spans.append((report.period_start, report.period_end))
            spans += [(bridge.covers_from, bridge.covers_to) for bridge in report.bridges.all()]
    return tuple(spans)


def _timeline(lines: Sequence[VendorLine], plan: Plan) -> charts.Timeline:
    axis = charts.Axis(
        plan.period_start - dt.timedelta(days=183),
        plan.period_end + dt.timedelta(days=366),
        today=timezone.localdate(plan.as_of),
        period=(plan.period_start, plan.period_end),
    )
    caption = charts.Caption(
        "papers",
        "Assurance reports and BAAs over time",
        "Bars: the periods that accepted SOC 2 Type II reports cover, and their bridge letters. "
        "Diamonds: the last day of a BAA.",
    )
    rows = [_timeline_row(line) for line in lines]
    return charts.timeline(rows, axis=axis, caption=caption, width=860, label=150)


def _timeline_row(line: VendorLine) -> charts.Row:
    spans = []
    for report in line.reports:
        if report.review in ACCEPTED and report.period_end:
            label = report.get_kind_display()
            spans.append(charts.Span(report.period_start, report.period_end, "main", label))
            spans += [
                charts.Span(bridge.covers_from, bridge.covers_to, "soon", "Bridge letter")
                for bridge in report.bridges.all()
            ]
    markers = [
        charts.Marker(last, "neutral", f"Last day of {agreement.reference}")
        for agreement in line.agreements
        if agreement.kind == Agreement.Kind.BAA and (last := agreement.last_day())
    ]
    return charts.Row(line.vendor.name, tuple(spans), tuple(markers))


def integrations(plan: Plan, budget: RowBudget) -> dict[str, object]:
    """Integrations with the newest decision on each, and the decisions of the period."""
    _, ids = plan.scope.ids()
    found = Integration.objects.all() if ids is None else Integration.objects.filter(pk__in=ids)
    decisions = Approval.objects.filter(integration__in=found).select_related(
        "decided_by", "integration"
    )
    rows = list(
        found.select_related("service__vendor", "owner")
        .prefetch_related("data_classes")
        .order_by("name")[:150]
    )
    newest = {
        approval.integration_id: approval
        for approval in decisions.filter(integration__in=rows).order_by("decided_at", "pk")
    }
    in_period = decisions.filter(
        decided_at__gte=plan.period_from, decided_at__lt=plan.period_until
    ).order_by("decided_at", "pk")
    lines = [(row, newest.get(row.pk)) for row in rows]
    states = Integration.State
    counted = dict(found.order_by().values_list("state").annotate(number=Count("pk")))
    return {
        "integrations": budget.shown(lines, at_most=150, total=found.count(), file="integrations"),
        "decisions": budget.shown(
            list(in_period[:150]), at_most=150, total=in_period.count(), file="approvals"
        ),
        "states": [(state.label, counted[state]) for state in states if state in counted],
    }


def policies(budget: RowBudget) -> dict[str, object]:
    """Data classes with their limits, and what each reason does to the calls of each."""
    classes = list(DataClass.objects.all())
    terms = {each.slug: each for each in class_terms()}
    matrix = [
        (reason.title, [effect(terms[each.slug], code).capitalize() for each in classes])
        for code, reason in REASONS.items()
    ]
    budget.spend(len(classes) + len(matrix))
    return {"classes": classes, "matrix": matrix}


def access(plan: Plan, budget: RowBudget) -> dict[str, object]:
    """Roles with their members, people, and what they may do with single integrations."""
    people = get_user_model().objects.prefetch_related("groups").order_by("-is_active", "email")
    grants = UserObjectPermission.objects.filter(
        content_type__app_label="policies", content_type__model="integration"
    )
    _, ids = plan.scope.ids()
    if ids is not None:
        grants = grants.filter(object_pk__in=[str(pk) for pk in ids])
    lines = _grant_lines(grants)
    active = Count("user", filter=Q(user__is_active=True), distinct=True)
    roles = list(Group.objects.annotate(members=active).order_by("name"))
    budget.spend(len(roles))
    return {
        "roles": roles,
        "people": budget.shown(
            list(people[:120]), at_most=120, total=people.count(), file="people"
        ),
        "grants": budget.shown(lines, at_most=120, total=len(lines), file="object_grants"),
    }


def _grant_lines(grants: object) -> list[tuple[str, str, str]]:
    """Person, integration, and the names of what they may do, one line for each pair."""
    names = dict(Integration.objects.values_list("pk", "name"))
    rows = sorted(
        grants.values_list("object_pk", "user__email", "permission__codename")  # type: ignore[attr-defined]
    )
    return [
        (email, names.get(int(pk), pk), ", ".join(code.replace("_", " ") for *_, code in group))
        for (pk, email), group in groupby(rows, key=lambda row: row[:2])
    ]


def findings(plan: Plan, budget: RowBudget) -> dict[str, object]:
    """Findings that touch the period, and whether the checks ran on each of its days."""
    found = Finding.objects.touching(plan.period_from, plan.period_until)
    vendor_ids, integration_ids = plan.scope.ids()
    if vendor_ids is not None:
        of_vendor = Q(integration__isnull=True, vendor__in=vendor_ids)
        found = found.filter(of_vendor | Q(integration__in=integration_ids or []))
    open_at_end = Q(closed_at__isnull=True) | Q(closed_at__gte=plan.period_until)
    figures = found.aggregate(
        all=Count("pk"),
        opened=Count("pk", filter=Q(opened_at__gte=plan.period_from)),
        closed=Count("pk", filter=~open_at_end),
        open=Count("pk", filter=open_at_end),
        high=Count("pk", filter=open_at_end & Q(severity=Finding.Severity.HIGH)),
    )
    rows = found.select_related("owner", "vendor", "integration").order_by("opened_at", "pk")
    return {
        "findings": budget.shown(
            list(rows[:200]), at_most=200, total=figures["all"], file="findings"
        ),
        "finding_figures": figures,
        "checks": _checks(plan),
    }


def _checks(plan: Plan) -> dict[str, object]:
    """How many runs of the checks finished, on how many days of the period."""
    runs = CheckRun.objects.finished().filter(
        started_at__gte=plan.period_from, started_at__lt=plan.period_until
    )
    days = set(runs.values_list("on", flat=True))
    length = (plan.period_end - plan.period_start).days + 1
    period = {plan.period_start + dt.timedelta(days=number) for number in range(length)}
    return {"runs": runs.count(), "days": len(days & period), "of": length}
