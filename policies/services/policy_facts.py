"""What rules may ask of an integration's calls: the same as its bundle tells its clients."""

from __future__ import annotations

import datetime as dt

from countersign.rules import Direction, Facts
from policies.models import Integration
from policies.services.bundling import facts_of as stated_facts
from policies.services.bundling import terms_on


def facts_of(integration: Integration, *, on: dt.date, direction: Direction = "request") -> Facts:
    """The facts of a typical call of the integration on the day `on`."""
    found, (posture, use) = terms_on(integration, on)
    stated = stated_facts(found, posture, use, on)
    patterns = found.model_patterns
    return Facts(
        integration=found.slug,
        vendor=posture.vendor,
        model=patterns[0] if patterns else "",
        deployment=posture.deployment,
        region=found.region,
        baa_in_force=stated["baa_in_force"] is True,
        soc2_current=stated["soc2_current"] is True,
        zero_retention=stated["zero_retention"] is True,
        purpose=found.purpose,
        direction=direction,
        data_classes=frozenset(use.allowed),
        on=on,
    )
