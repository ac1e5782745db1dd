"""What a pack is to hold, as its builder takes it; pure, so the same plan gives the same pack."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from evidence.pack import cells
from evidence.pack.dataset import Dataset
from evidence.pack.datasets import BY_NAME

Parameter = dt.datetime | list[int] | None


@dataclass(frozen=True, slots=True)
class Named:
    """A vendor or an integration that the pack was narrowed to."""

    pk: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What the pack speaks of. Both tuples are None for everything there is.

    Otherwise both hold what counts: a vendor brings its integrations, an integration its vendor.
    """

    vendors: tuple[Named, ...] | None
    integrations: tuple[Named, ...] | None

    @property
    def everything(self) -> bool:
        return self.vendors is None

    def ids(self) -> tuple[list[int] | None, list[int] | None]:
        """Ids of vendors and of integrations, each None for all."""
        if self.vendors is None or self.integrations is None:
            return None, None
        return [v.pk for v in self.vendors], [i.pk for i in self.integrations]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows come from, for the sheets that say so."""

    organization: str
    portal: str
    code_version: str
    database: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a build depends on beside the rows. Both days of the period count."""

    number: int
    title: str
    period_start: dt.date
    period_end: dt.date
    as_of: dt.datetime
    requested_by: str
    scope: Scope
    dataset_names: tuple[str, ...]
    source: Source

    @property
    def folder(self) -> str:
        """The folder inside the zip and the zip's own name; it says that nobody signed the pack."""
        days = f"{self.period_start:%Y-%m-%d}-to-{self.period_end:%Y-%m-%d}"
        return f"evidence-pack-{self.number}-{days}-unsigned"

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """In the order of the catalogue, whatever the order they were asked for in."""
        return tuple(BY_NAME[name] for name in BY_NAME if name in self.dataset_names)

    @property
    def period_from(self) -> dt.datetime:
        """The first moment of the period, in UTC."""
        return _midnight(self.period_start, self.source.time_zone)

    @property
    def period_until(self) -> dt.datetime:
        """The first moment after the period, in UTC; never later than the pack's own moment."""
        after = _midnight(self.period_end + dt.timedelta(days=1), self.source.time_zone)
        return min(after, self.as_of)

    def parameters(self) -> dict[str, Parameter]:
        """What every query gets; a query uses those it names."""
        vendor_ids, integration_ids = self.scope.ids()
        return {
            "vendor_ids": vendor_ids,
            "integration_ids": integration_ids,
            "period_from": self.period_from,
            "period_until": self.period_until,
            "as_of": self.as_of,
        }

    def shown_parameters(self, query: str) -> dict[str, object]:
        """The parameters that `query` names, as JSON shows them."""
        return {
            name: cells.moment(value) if isinstance(value, dt.datetime) else value
            for name, value in self.parameters().items()
            if f"%({name})s" in query
        }


def _midnight(day: dt.date, time_zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(time_zone)).astimezone(dt.UTC)
