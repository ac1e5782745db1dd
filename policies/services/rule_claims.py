"""What the data rules in force support, for the gate's answers on pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Q

from policies.models import Integration, PolicyVersion

CLAIMED = Integration.Deidentification.RULES


def claims_on(integrations: Iterable[Integration], on: dt.date) -> dict[int, str]:
    """What the rules in force at the end of the day `on` support, by the integration's id.

    Asked for those integrations alone that claim Safe Harbor by data rules; else no query is made.
    """
    claiming = [i.pk for i in integrations if i.pk and i.deidentification == CLAIMED]
    if not claiming:
        return {}
    rows = PolicyVersion.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__date__gt=on),
        state=PolicyVersion.State.APPROVED,
        starts_at__date__lte=on,
        policy__uses__integration__in=claiming,
    )
    return dict(rows.values_list("policy__uses__integration_id", "claim"))
