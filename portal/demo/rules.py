"""Data rules of Alder Grove Health: the starter, approved by a second officer, for two uses."""

from __future__ import annotations

import datetime as dt

from policies.models import Integration
from policies.services import policy_uses, versions
from portal.demo.acting import Company, acting

NAME = "Clinical text"
DESCRIPTION = "Identifiers leave as random tokens, and secrets not at all."
WHY = "The rules to begin with: nothing that identifies a patient leaves as it is."
# The first uses of PHI go by it; the others are still to be looked at.
USES = 2
READING = dt.timedelta(minutes=10)


def rule(alder: Company, at: dt.datetime) -> None:
    """Write, approve and assign a policy at the moment `at`, after all calls of the story."""
    author, approver = alder.officer, alder.second_officer
    # Before the approval by more than it takes: the ledger has both in this order.
    then = at - READING
    with acting(author, then):
        policy = versions.create_policy(name=NAME, description=DESCRIPTION, by=author, at=then)
        document = versions.starter_document()
        draft = versions.save_draft(policy, document, change=WHY, by=author, at=then)
        version = versions.submit(draft, by=author, at=then)
    with acting(approver, at):
        versions.approve(version, by=approver, at=at, decision="Read with its tests.")
        live = Integration.objects.live().filter(data_classes__is_phi=True).order_by("pk")
        for integration in live.distinct()[:USES]:
            policy_uses.assign(integration, policy, by=approver, at=at)
