"""Numbers over all engaged vendors."""

from __future__ import annotations

import datetime as dt

from django.core.cache import cache
from django.db.models import Count, Q

from vendors import as_of
from vendors.lifecycle import SOON_DAYS
from vendors.models import Agreement, Epoch, Vendor
from vendors.services.report_facts import current_reports

KEPT_SECONDS = 3600


def figures(on: dt.date) -> dict[str, int]:
    """Numbers over all engaged vendors: what is in force, what ends soon.

    They are kept until the epoch rises, which it does in the transaction of every change to the
    register: so they are as fresh as if they were counted each time.
    """
    epoch = Epoch.objects.values_list("value", flat=True).get()
    key = f"vendors-figures-{epoch}-{as_of.cache_part()}{on.isoformat()}"
    kept: dict[str, int] | None = cache.get(key)
    if kept is None:
        kept = _count_figures(on)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def _count_figures(on: dt.date) -> dict[str, int]:
    until = on + dt.timedelta(days=SOON_DAYS)
    baa = Agreement.objects.in_force(on).filter(kind=Agreement.Kind.BAA)
    lapsing = Agreement.objects.lapsing(on, until=until)
    current = current_reports(on)
    later = current_reports(until)
    stale_soon = Q(pk__in=current.values("vendor")) & ~Q(pk__in=later.values("vendor"))
    engaged = ~Q(state__in=[Vendor.State.REJECTED, Vendor.State.OFFBOARDED])
    return Vendor.objects.aggregate(
        everything=Count("pk"),
        engaged=Count("pk", filter=engaged),
        baa=Count("pk", filter=engaged & Q(pk__in=baa.values("vendor"))),
        report=Count("pk", filter=engaged & Q(pk__in=current.values("vendor"))),
        ending=Count("pk", filter=engaged & (Q(pk__in=lapsing.values("vendor")) | stale_soon)),
        overdue=Count("pk", filter=engaged & Q(next_review_on__lt=on)),
    )
