"""What the model provider counted: its export of thirty days, with one small gap in it.

The export says what the records say, but for one night on which a script called the provider with
a key of its own, past the portal: that is what completeness is for.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from audits.models import Call, Completion, Ledger, UsageMapping, UsageSource
from audits.services.usage_imports import Upload, import_file
from audits.services.usage_sources import add_mapping, register_source
from portal.demo.acting import Company, acting

NAME = "Model provider, whole organization"
DAYS = 30
# Our integrations by the provider's projects.
PROJECTS = {
    "proj_prior_auth": "prior-authorization-letters",
    "proj_patient_portal": "patient-portal-assistant",
}
TEST_PROJECT = "proj_sandbox"
# The night of the script: days after today, project, model, requests, tokens in and out.
GAP = (-6, "proj_prior_auth", "gpt-4.1", 14, 48_300, 11_900)
HEADINGS = ("date", "project_id", "model", "num_model_requests", "input_tokens", "output_tokens")


def import_counts(alder: Company, at: dt.datetime) -> None:
    """Register the source a month ago, and import its newest export at the moment `at`."""
    registered = alder.moment(-DAYS, 9)
    with acting(alder.officer, registered):
        source = register_source(
            UsageSource(name=NAME, provider="openai", owner=alder.officer), at=registered
        )
        for project, slug in PROJECTS.items():
            integration = alder.integrations[slug]
            add_mapping(UsageMapping(source=source, project=project, integration=integration))
        add_mapping(
            UsageMapping(
                source=source,
                project=TEST_PROJECT,
                treatment=UsageMapping.Treatment.TEST,
                note="Developers try prompts here with invented notes.",
            )
        )
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADINGS, *_lines(alder)])
    upload = Upload(f"usage-{alder.day(-1)}.csv", text.getvalue().encode())
    with acting(alder.officer, at):
        days = alder.day(-DAYS), alder.day(-1)
        import_file(source, upload, days, by=alder.officer, at=at)


def _lines(alder: Company) -> Iterator[tuple[object, ...]]:
    offset, *gap = GAP
    yield alder.day(offset), *gap
    yield alder.day(-3), TEST_PROJECT, "gpt-5-mini", 6, 1_900, 700
    for project, slug in PROJECTS.items():
        ends = (
            Completion.objects.filter(
                call_index__in=Call.objects.live()
                .filter(integration=alder.integrations[slug])
                .values("index"),
                ledger=Ledger.LIVE,
                outcome=Completion.Outcome.SUCCEEDED,
                received_at__gte=alder.moment(-DAYS, 0),
                received_at__lt=alder.moment(0, 0),
            )
            .order_by()
            .values("response_model", day=TruncDate("received_at", tzinfo=dt.UTC))
            .annotate(number=Count("index"), tin=Sum("input_tokens"), tout=Sum("output_tokens"))
            .order_by("day", "response_model")
        )
        for row in ends:
            tokens = row["tin"] or 0, row["tout"] or 0
            yield row["day"], project, row["response_model"], row["number"], *tokens
