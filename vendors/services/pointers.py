"""What the register knows that speaks to an item of the checklist: shown, never an answer."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.conf import settings

from vendors.checklist import Item
from vendors.coverage import relied_until
from vendors.models import (
    Agreement,
    AssuranceReport,
    CoveredScope,
    Dimension,
    Fact,
    ReportScope,
    Service,
    Vendor,
)
from vendors.services.report_facts import limits, report_facts

SOC2_KINDS = (AssuranceReport.Kind.SOC2_TYPE1, AssuranceReport.Kind.SOC2_TYPE2)


@dataclass(frozen=True, slots=True)
class Pointer:
    """A sentence of the register; `evidence` is its kind and number, such as `agreement:7`.

    `kind` is a colour: ok, soon, bad, neutral.
    """

    text: str
    kind: str
    evidence: str = ""


class Known:
    """All that the register says of a vendor on a day, read once; four queries and their parts."""

    def __init__(self, vendor: Vendor, services: list[Service], on: dt.date) -> None:
        self.services, self.on = services, on
        self.agreements = list(vendor.agreements.in_force(on).prefetch_related("scopes"))
        self.reports = list(
            vendor.reports.standing()
            .filter(kind__in=SOC2_KINDS)
            .prefetch_related("scopes", "bridges")
            .order_by("-period_end", "-pk")[:4]
        )
        self.facts: dict[tuple[int, str], list[Fact]] = defaultdict(list)
        for fact in Fact.objects.filter(service__in=services).current(on):
            self.facts[fact.service_id, fact.dimension].append(fact)

    def pointers(self, item: Item, service: Service | None) -> list[Pointer]:
        """What speaks to an item, of one service where it is asked of each."""
        found: list[Pointer] = []
        for name in item.looks_at:
            if name in (Agreement.Kind.BAA, Agreement.Kind.DPA):
                found += self._agreements(name, service)
            elif name == "reports":
                found += self._reports(service)
            elif name == "regions":
                found += self._regions(service)
            else:
                found += self._facts(Dimension(name.removeprefix("fact:")), service)
        return found

    def papers(self) -> list[tuple[str, str]]:
        """Every paper an answer may rest on: its `evidence` and how people call it."""
        agreements = [(f"agreement:{each.pk}", str(each)) for each in self.agreements]
        reports = [(f"report:{each.pk}", str(each)) for each in self.reports]
        documents = {each.document_id: f"Paper of {each}" for each in self.agreements}
        documents |= {each.document_id: f"Paper of {each}" for each in self.reports}
        documents.pop(None, None)
        return [
            *agreements,
            *reports,
            *((f"document:{pk}", name) for pk, name in documents.items()),
        ]

    def _agreements(self, kind: str, service: Service | None) -> list[Pointer]:
        of_kind = [each for each in self.agreements if each.kind == kind]
        if not of_kind:
            return [Pointer(f"No {kind.upper()} is in force.", "bad")]
        return [self._agreement(each, service) for each in of_kind]

    def _agreement(self, agreement: Agreement, service: Service | None) -> Pointer:
        last = agreement.last_day()
        until = f"to {last:%-d %b %Y}" if last else "without an end"
        covered = {scope.service_id for scope in agreement.scopes.all()}
        evidence = f"agreement:{agreement.pk}"
        if service is None:
            named = sum(each.pk in covered for each in self.services)
            text = (
                f"{agreement} in force {until}, covers {named} of {_services(len(self.services))}"
            )
            return Pointer(text, "ok" if named == len(self.services) else "soon", evidence)
        if service.pk not in covered:
            return Pointer(f"{agreement} is in force and does not name it", "bad", evidence)
        limits_ = [
            _limits_of(scope) for scope in agreement.scopes.all() if scope.service_id == service.pk
        ]
        return Pointer(f"{agreement} in force {until}: {'; '.join(limits_)}", "ok", evidence)

    def _reports(self, service: Service | None) -> list[Pointer]:
        if not self.reports:
            return [Pointer("No SOC 2 report is recorded.", "bad")]
        return [self._report(report, service) for report in self.reports]

    def _report(self, report: AssuranceReport, service: Service | None) -> Pointer:
        last = relied_until(report_facts(report), limits())[1]
        words = [
            str(report),
            report.get_review_display().lower(),
            report.get_opinion_display().lower(),
            f"relied on to {last:%-d %b %Y}",
        ]
        if report.exception_count:
            number = report.exception_count
            words.append(f"{number} exception{'s' * (number != 1)}")
        scopes = {scope.service_id: scope for scope in report.scopes.all()}
        if service is not None:
            scope = scopes.get(service.pk)
            said = scope.get_in_scope_display().lower() if scope else "not said to be in scope"
            words.append(said + (f", page {scope.page}" if scope and scope.page else ""))
        else:
            yes = ReportScope.InScope.YES
            named = sum(
                each.pk in scopes and scopes[each.pk].in_scope == yes for each in self.services
            )
            words.append(f"{named} of {_services(len(self.services))} in scope")
        return Pointer(", ".join(words), "ok" if last >= self.on else "bad", f"report:{report.pk}")

    def _regions(self, service: Service | None) -> list[Pointer]:
        rows = list(service.regions.all()) if service else []
        if not rows:
            return [Pointer("No region is recorded.", "bad")]
        firm = ("contract", "configurable")
        return [
            Pointer(
                f"{row.get_purpose_display()} in {row.region}, "
                f"{row.get_guarantee_display().lower()}",
                "ok" if row.guarantee in firm else "soon",
            )
            for row in rows
        ]

    def _facts(self, dimension: Dimension, service: Service | None) -> list[Pointer]:
        found = []
        for each in [service] if service else self.services:
            of = "" if service else f"{each.name}: "
            facts = self.facts.get((each.pk, dimension), [])
            if not facts:
                found.append(Pointer(f"{of}{dimension.label} is not known.", "bad"))
            found += [self._fact(fact, of) for fact in facts]
        return found

    def _fact(self, fact: Fact, of: str) -> Pointer:
        stale_on = fact.stale_on(fresh_days=settings.FACT_FRESH_DAYS)
        fresh = stale_on is not None and self.on < stale_on
        scope = ", ".join(filter(None, [fact.model_pattern, fact.region, fact.endpoint, fact.plan]))
        read = f"read {fact.verified_on:%-d %b %Y}" if fact.verified_on else "never read by us"
        text = (
            f"{of}{fact.get_dimension_display()}{f' ({scope})' if scope else ''}: {fact.words}, "
            f"{fact.get_grade_display().lower()}, {read}{'' if fresh else ', verify again'}"
        )
        return Pointer(text, "ok" if fresh else "soon", f"fact:{fact.pk}")


def _services(number: int) -> str:
    return f"{number} service{'s' * (number != 1)}"


def _limits_of(scope: CoveredScope) -> str:
    words = [scope.model_pattern or "all models", scope.region or "all regions"]
    words += [f"plan {scope.plan}"] if scope.plan else []
    words += [f"endpoint {scope.endpoint}"] if scope.endpoint else []
    words += [f"without {', '.join(scope.features_excluded)}"] if scope.features_excluded else []
    return ", ".join(words)
