"""What is known of a service: every look at a source is a row of its own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from vendors.models import Fact
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User


def record_fact(fact: Fact, *, by: User | None, on: dt.date) -> Fact:
    """Store a fact, given unsaved, as verified and recorded on the day `on`.

    It takes the place of the last fact with the same service, dimension and scope; that one stays
    in the history. Raises: ValidationError.
    """
    fact.verified_by, fact.verified_on, fact.recorded_on = by, on, on
    save_checked(fact)
    return fact
