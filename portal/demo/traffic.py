"""Ninety days of calls: how much, by whom, how they end. The same numbers every time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from audits.bodies import Actor, CallBody, CompletionBody, Outcome, Usage
from audits.ledger.jobs import CallJob, Job
from audits.services.facts import Facts
from audits.services.recording import Ending, Opening, job_of, run
from policies.models import IntegrationKey
from policies.services.keyring import Caller
from portal.demo.acting import Company
from portal.demo.use_plans import USES, UsePlan
from portal.demo.uses import CLINICIANS

DAYS = 90
MODES: dict[str, Literal["strict", "spool", "observe"]] = {
    "strict": "strict",
    "spool": "spool",
    "observe": "observe",
}
# Of a hundred calls: how many are unlike the rest, and how many nobody closes.
ODD_PERCENT = 1.2
LOST_PERCENT = 0.6
SATURDAY = 5
WEEKEND_SHARE = 0.15


@dataclass(frozen=True)
class Flow:
    """Calls of one integration: how many on a weekday, which models, how long they are.

    `tokens` are typical ones in and out; `latency_ms` is typical too. `first` and `last` are days
    after today between which somebody calls; both count.
    """

    slug: str
    weekday: int
    models: tuple[str, ...]
    tokens: tuple[int, int]
    latency_ms: int
    operation: str = "chat"
    first: int = -DAYS
    last: int = 0
    live: bool = True


FLOWS = (
    Flow(
        "visit-note-summaries",
        16,
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"),
        (2600, 420),
        3100,
        first=-88,
    ),
    Flow("prior-authorization-letters", 8, ("gpt-4.1", "gpt-5"), (3400, 900), 6200, first=-82),
    Flow(
        "patient-portal-assistant", 12, ("gpt-4.1-mini", "gpt-5-mini"), (700, 240), 1500, first=-76
    ),
    Flow("patient-portal-assistant", 2, ("gpt-5-mini",), (300, 120), 1200, first=-76, live=False),
    Flow("code-review-helper", 7, ("claude-sonnet-4-5",), (5200, 700), 8000, first=-86),
    Flow("call-center-transcripts", 6, ("larkspur-medical-2",), (4100, 600), 9000, first=-84),
    Flow("room-scribe-pilot", 5, ("scribe-1",), (5200, 800), 7000, first=-60),
    Flow("claims-questions", 3, ("fernhill-sql-3",), (900, 300), 2200, first=-85),
    Flow(
        "warehouse-questions", 4, ("claude-3-7-sonnet", "llama3.3-70b"), (800, 200), 2600, first=-79
    ),
    Flow(
        "policy-search-embeddings", 4, ("bge-m3",), (400, 0), 60, operation="embeddings", first=-65
    ),
    Flow("newsletter-drafts", 2, ("gpt-4.1",), (1500, 1100), 9000, first=-83, last=-41),
)


@dataclass(frozen=True)
class Moment:
    """A call to be made: when, by which flow."""

    at: dt.datetime
    flow: Flow


class Traffic:
    """Makes the calls of one day after the other, by the services that the API calls."""

    def __init__(self, alder: Company) -> None:
        self.alder = alder
        self.random = Random(20_261_121)  # noqa: S311 - invented traffic, the same every time
        self.plans = {plan.slug: plan for plan in USES}
        self.facts = Facts()

    def of_day(self, offset: int, *, until: dt.datetime) -> int:
        """Record the calls of a day that come before `until`. Returns: how many."""
        moments = [m for m in self._moments(offset) if m.at < until]
        callers = {flow: self._caller(flow) for flow in {m.flow for m in moments}}
        self.facts = Facts()
        called = [self.alder.integrations[flow.slug].pk for flow in callers]
        self.facts.state().load_uses(called, self.alder.day(offset))
        jobs = [job for m in moments for job in self._jobs(m, callers[m.flow], until)]
        # As they came in, since no entry is dated before the one it follows.
        run([job for _, job in sorted(jobs, key=lambda each: each[0])])
        for _, job in jobs:
            if job.error is not None:
                raise job.error
        return len(moments)

    def _moments(self, offset: int) -> list[Moment]:
        day = self.alder.day(offset)
        moments = []
        for flow in FLOWS:
            if not flow.first < offset <= flow.last:
                continue
            share = WEEKEND_SHARE if day.weekday() >= SATURDAY else 1.0
            grown = 1.0 + 0.25 * (DAYS + offset) / DAYS
            expected = flow.weekday * share * grown
            count = round(self.random.gauss(expected, expected**0.5))
            moments += [Moment(self._moment(day), flow) for _ in range(max(0, count))]
        return sorted(moments, key=lambda each: (each.at, each.flow.slug))

    def _moment(self, day: dt.date) -> dt.datetime:
        """During the day of a clinic on the east coast of the United States."""
        seconds = self.random.triangular(12.2 * 3600, 23 * 3600, 16 * 3600)
        return dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(seconds=seconds)

    def _caller(self, flow: Flow) -> Caller:
        key = (
            IntegrationKey.objects.filter(integration__slug=flow.slug, livemode=flow.live)
            .order_by("-created_at")
            .first()
        )
        assert key is not None  # flows begin after the first key
        return Caller.of(key)

    def _jobs(
        self, moment: Moment, caller: Caller, until: dt.datetime
    ) -> list[tuple[dt.datetime, Job]]:
        """The record of a call and, if somebody says so, of how it ended; each with its moment."""
        body = self._body(moment)
        call = job_of(Opening(body, caller, moment.at), self.facts)
        assert isinstance(call, CallJob)
        made: list[tuple[dt.datetime, Job]] = [(moment.at, call)]
        if call.verdict.decision != "allow" or self._chance(LOST_PERCENT):
            return made
        completion, ended_at = self._ending(moment, body)
        if ended_at < until:
            ending = Ending(body.call_id, completion, caller, ended_at)
            made.append((ended_at, job_of(ending, self.facts)))
        return made

    def _chance(self, percent: float) -> bool:
        return self.random.random() * 100 < percent

    def _id(self, at: dt.datetime) -> uuid.UUID:
        """A UUIDv7 of the moment."""
        milliseconds = int(at.timestamp() * 1000)
        value = (milliseconds << 80) | self.random.getrandbits(80)
        value = (value & ~(0xF << 76)) | (0x7 << 76)
        return uuid.UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))

    def _body(self, moment: Moment) -> CallBody:
        flow, plan = moment.flow, self.plans[moment.flow.slug]
        service = self.alder.services[plan.service]
        model, region, classes = self.random.choice(flow.models), plan.region, plan.classes
        if self._chance(ODD_PERCENT):
            model, region, classes = self._odd(model, region, classes)
        tokens = self._around(flow.tokens[0])
        return CallBody(
            call_id=self._id(moment.at),
            provider=service.provider,
            operation=flow.operation,
            endpoint_host=next((h for h in service.endpoint_hosts if "*" not in h), None),
            model=model,
            region=region,
            phi_present="phi" in classes,
            data_classes=list(classes),
            actor=self._actor(plan),
            session_id=f"s-{self.random.getrandbits(40):010x}",
            purpose=plan.purpose,
            input_digest=f"sha256:{self.random.getrandbits(256):064x}",
            input_bytes=tokens * 4,
            stream=flow.operation == "chat" and self.random.random() < 0.5,
            mode=MODES[plan.audit_mode],
            started_at=moment.at,
            client="countersign-snippet/1",
        )

    def _odd(
        self, model: str, region: str, classes: tuple[str, ...]
    ) -> tuple[str, str, tuple[str, ...]]:
        """A call unlike what was approved: another model, another region, other data."""
        return self.random.choice(
            [
                ("preview-model-2", region, classes),
                (model, "eu-west-1", classes),
                (model, region, (*classes, "credentials")),
            ]
        )

    def _actor(self, plan: UsePlan) -> Actor:
        if plan.known_actors_only:
            # Now and then somebody tries who was not invited to the pilot.
            names = (*CLINICIANS * 12, "auditor")
            return Actor(type="user", id=self.alder.people[self.random.choice(names)].email)
        if plan.audit_mode == "strict" and self.random.random() < 0.8:
            return Actor(type="user", id=f"u-{self.random.randint(1000, 1060)}")
        return Actor(type="service", id=plan.slug)

    def _around(self, typical: int) -> int:
        return int(typical * self.random.lognormvariate(0, 0.45))

    def _outcome(self) -> tuple[Outcome, int | None, str | None]:
        outcomes: list[tuple[Outcome, int | None, str | None]] = [
            ("succeeded", 200, None),
            ("failed", 429, "RateLimitError"),
            ("failed", 500, "InternalServerError"),
            ("timeout", None, "APITimeoutError"),
            ("cancelled", None, None),
        ]
        return self.random.choices(outcomes, weights=[965, 12, 8, 9, 6])[0]

    def _ending(self, moment: Moment, body: CallBody) -> tuple[CompletionBody, dt.datetime]:
        """How a call ends, and when the portal hears of it."""
        flow = moment.flow
        latency = max(20, self._around(flow.latency_ms))
        ended_at = moment.at + dt.timedelta(milliseconds=latency + 40)
        outcome, status, error = self._outcome()
        done = outcome == "succeeded"
        usage = Usage(
            input=self._around(flow.tokens[0]),
            output=self._around(flow.tokens[1]),
        )
        completion = CompletionBody(
            event_id=self._id(ended_at),
            outcome=outcome,
            http_status=status,
            error=error,
            finish_reason="stop" if done else None,
            usage=usage if done else Usage(),
            usage_source="provider" if done else "none",
            ttfb_ms=latency // 4 if body.stream else None,
            latency_ms=latency,
            response_model=body.model if done else None,
            ended_at=ended_at,
        )
        return completion, ended_at


def days() -> Iterator[int]:
    """The offsets of all days of traffic, today included."""
    yield from range(-DAYS + 1, 1)
