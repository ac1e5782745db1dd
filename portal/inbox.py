"""What waits for whom: a table of kinds of work, each asked of the apps below.

A new kind of work is one more entry; no app below knows of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from evidence.models import EvidencePack, Finding, PackEvent
from policies.models import (
    AccessReview,
    AccessReviewEntry,
    Integration,
    IntegrationDraft,
    PolicyVersion,
)
from policies.roles import ROLES
from policies.services import holders
from portal.context import address
from portal.models import User
from vendors.models import (
    AssuranceReport,
    FactAssignment,
    Inquiry,
    ReportDraft,
    Vendor,
    VendorReview,
)

SHOWN = 5
REVIEW_AHEAD_DAYS = 30


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do. `days_left` is negative when it is late; None if it has no day."""

    title: str
    detail: str
    url: str
    days_left: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work for people with `permission`; `all_url_name` lists all of it."""

    title: str
    icon: str
    action: str
    permission: str
    find: Callable[[User, dt.date], Iterable[Item]]
    all_url_name: str


@dataclass(frozen=True, slots=True)
class Pile:
    """What waits of one kind: at most SHOWN items, and whether there are more."""

    kind: Kind
    items: tuple[Item, ...]
    more: bool


def waiting_for(user: User, on: dt.date) -> list[Pile]:
    """What waits for a person on the day `on`, by kind; one query for each kind they may do."""
    piles = []
    for kind in KINDS:
        if not user.has_perm(kind.permission):
            continue
        items = tuple(islice(kind.find(user, on), SHOWN + 1))
        if items:
            piles.append(Pile(kind, items[:SHOWN], len(items) > SHOWN))
    return piles


def _integration(integration: Integration, detail: str) -> Item:
    url = address("policies:integration-detail", integration.slug)
    return Item(integration.name, detail, url)


def decisions(_user: User, _on: dt.date) -> Iterable[Item]:
    rows = Integration.objects.awaiting_decision().select_related("owner", "service__vendor")
    for each in rows[: SHOWN + 1]:
        yield _integration(each, f"{each.service.vendor}, for {each.owner or 'nobody'}")


def grant_requests(user: User, on: dt.date) -> Iterable[Item]:
    """Requests for grants that this person may decide on: none that is theirs."""
    for each in holders.decidable(user)[: SHOWN + 1]:
        yield Item(
            f"{each.holder}: {each.get_permission_display().lower()}",
            f"{each.integration.name}, asked for by {each.asked_by or 'nobody'}",
            address("policies:grant-decide", each.pk),
            (timezone.localdate(each.ends_at) - on).days,
        )


def emergencies(user: User, _on: dt.date) -> Iterable[Item]:
    """Emergency access of others that has ended and that nobody has reviewed."""
    for each in holders.reviewable(user, timezone.now())[: SHOWN + 1]:
        yield Item(
            f"{each.asked_by}: {each.get_permission_display().lower()}",
            f"{each.integration.name}, until {timezone.localtime(each.ends_at):%-d %b %Y, %H:%M}",
            address("policies:emergency-review", each.pk),
        )


def policy_versions(user: User, _on: dt.date) -> Iterable[Item]:
    """Versions of data policies that wait for a second person; not those of the person's own."""
    rows = PolicyVersion.objects.awaiting_decision().exclude(made_by=user)
    for each in rows.select_related("policy", "made_by").order_by("made_at")[: SHOWN + 1]:
        yield Item(
            f"{each.policy.name}, version {each.number}",
            f"Submitted by {each.made_by}",
            address("policies:policyversion-detail", each.policy.slug, each.number),
        )


def own_integrations(user: User, _on: dt.date) -> Iterable[Item]:
    steps = {
        Integration.State.CHANGES: "Changes were requested: change it and submit again",
        Integration.State.DRAFT: "Draft: submit it when it is complete",
        Integration.State.APPROVED: "Approved: make its first key",
        Integration.State.SUSPENDED: "Suspended: see why",
    }
    rows = Integration.objects.filter(owner=user, state__in=steps).order_by("state", "name")
    for each in rows[: SHOWN + 1]:
        yield _integration(each, steps[Integration.State(each.state)])


def unfinished_forms(user: User, _on: dt.date) -> Iterable[Item]:
    rows = IntegrationDraft.objects.filter(author=user).select_related("integration")
    for each in rows[: SHOWN + 1]:
        yield Item(
            str(each),
            "Your form is kept: go on with it",
            address("policies:integration-list"),
        )


def reports(_user: User, _on: dt.date) -> Iterable[Item]:
    for each in AssuranceReport.objects.to_review().select_related("vendor")[: SHOWN + 1]:
        yield Item(
            f"{each.vendor}: {each}",
            "Not reviewed: nothing rests on it yet",
            address("vendors:vendor-detail", each.vendor.slug),
        )


def answers(_user: User, _on: dt.date) -> Iterable[Item]:
    rows = Inquiry.objects.to_review().select_related("vendor", "questionnaire")
    for each in rows[: SHOWN + 1]:
        begun = each.state == Inquiry.State.IN_REVIEW
        yield Item(
            f"{each.vendor}: {each.questionnaire.title}",
            "Review begun: close it" if begun else "Submitted: accept, reject or ask again",
            address("vendors:inquiry-detail", each.pk),
        )


def report_reviews(user: User, _on: dt.date) -> Iterable[Item]:
    """Reviews of reports that the person was the last to write at."""
    rows = ReportDraft.objects.open().filter(changed_by=user).select_related("vendor", "replaces")
    for each in rows[: SHOWN + 1]:
        yield Item(
            f"{each.vendor}: {each.replaces or 'new report'}",
            "Your review is kept: go on with it",
            address("vendors:reportdraft-section", each.pk, "report"),
        )


def vendor_reviews(_user: User, on: dt.date) -> Iterable[Item]:
    rows = Vendor.objects.review_due(on, within_days=REVIEW_AHEAD_DAYS).order_by("next_review_on")
    for each in rows[: SHOWN + 1]:
        assert each.next_review_on is not None  # what the filter compares
        yield Item(
            each.name,
            f"Review due {each.next_review_on:%-d %b %Y}",
            address("vendors:vendor-detail", each.slug),
            (each.next_review_on - on).days,
        )


def begun_reviews(_user: User, _on: dt.date) -> Iterable[Item]:
    rows = VendorReview.objects.drafts().select_related("vendor", "started_by")
    for each in rows.order_by("started_on")[: SHOWN + 1]:
        yield Item(
            each.vendor.name,
            f"{each}, by {each.started_by or 'nobody'}: not signed off",
            address("vendors:vendor-review", each.vendor.slug),
        )


def facts(user: User, on: dt.date) -> Iterable[Item]:
    """Facts that somebody asked this person to look at."""
    rows = FactAssignment.objects.filter(assignee=user).select_related("service__vendor")
    for each in rows.order_by("look_by", "pk")[: SHOWN + 1]:
        yield Item(
            f"{each.service}: {each.get_dimension_display()}",
            "You were asked to read its source again",
            address("vendors:fact-history", each.service.slug, each.dimension),
            (each.look_by - on).days if each.look_by else None,
        )


def access_reviews(user: User, on: dt.date) -> Iterable[Item]:
    """Open campaigns with lines that the person may decide, and closed ones they may sign."""
    theirs = AccessReviewEntry.objects.undecided().filter(~Q(user=user), review=OuterRef("pk"))
    rows = AccessReview.objects.filter(
        Q(Exists(theirs), closed_at__isnull=True)
        | Q(~Q(closed_by=user), closed_at__isnull=False, signed_at__isnull=True)
    )
    for each in rows[: SHOWN + 1]:
        address_of = address("portal:accessreview-detail", each.pk)
        if each.closed_at:
            yield Item(each.title, "Closed: a second person signs it off", address_of)
        else:
            left = (each.due_on - on).days
            yield Item(each.title, "Lines to decide", address_of, left)


def findings(user: User, on: dt.date) -> Iterable[Item]:
    """Those of the person, and for who answers for findings those of nobody."""
    mine = Q(owner=user)
    if user.has_perm("evidence.change_finding"):
        mine |= Q(owner__isnull=True)
    for each in Finding.objects.open().filter(mine)[: SHOWN + 1]:
        yield Item(
            each.subject_label,
            each.title,
            address("evidence:finding-detail", each.pk),
            (each.due_on - on).days if each.due_on else None,
        )


def packs(user: User, _on: dt.date) -> Iterable[Item]:
    """Packs a person asked for that failed, or are ready and were not fetched by them yet."""
    fetched = PackEvent.objects.filter(
        pack=OuterRef("pk"), kind=PackEvent.Kind.DOWNLOADED, actor=user
    )
    rows = EvidencePack.objects.filter(
        Q(state=EvidencePack.State.FAILED) | Q(state=EvidencePack.State.READY) & ~Exists(fetched),
        requested_by=user,
    )
    for each in rows[: SHOWN + 1]:
        failed = each.state == EvidencePack.State.FAILED
        yield Item(
            each.title,
            "Failed: see why, and try again" if failed else "Ready to download",
            address("evidence:pack-detail", each.pk),
        )


def people(_user: User, _on: dt.date) -> Iterable[Item]:
    """Active people who have no role, and so can do nothing."""
    rows = User.objects.filter(is_active=True).exclude(groups__name__in=ROLES)
    for each in rows[: SHOWN + 1]:
        yield Item(str(each), "Has no role", address("portal:user-detail", each.pk))


KINDS = [
    Kind(
        "Integrations to decide on",
        "gavel",
        "Decide",
        "policies.approve_integration",
        decisions,
        "policies:integration-list",
    ),
    Kind(
        "Grants to decide on",
        "key",
        "Decide",
        "policies.grant_integration",
        grant_requests,
        "policies:grant-list",
    ),
    Kind(
        "Emergency access to review",
        "alert-triangle",
        "Review",
        "policies.grant_integration",
        emergencies,
        "policies:emergency-list",
    ),
    Kind(
        "Data rules to decide on",
        "shield-lock",
        "Decide",
        "policies.approve_policyversion",
        policy_versions,
        "policies:datapolicy-list",
    ),
    Kind(
        "Your integrations",
        "plug-connected",
        "Go on",
        "policies.add_integration",
        own_integrations,
        "policies:integration-list",
    ),
    Kind(
        "Forms you began",
        "edit",
        "Go on",
        "policies.add_integration",
        unfinished_forms,
        "policies:integration-list",
    ),
    Kind(
        "Reports to review",
        "report",
        "Review",
        "vendors.review_assurancereport",
        reports,
        "vendors:vendor-list",
    ),
    Kind(
        "Answers of vendors",
        "list-check",
        "Review",
        "vendors.review_inquiry",
        answers,
        "vendors:inquiry-list",
    ),
    Kind(
        "Reviews you began",
        "edit",
        "Go on",
        "vendors.review_assurancereport",
        report_reviews,
        "vendors:vendor-list",
    ),
    Kind(
        "Vendor reviews",
        "clipboard-check",
        "Review",
        "vendors.change_vendor",
        vendor_reviews,
        "vendors:vendor-list",
    ),
    Kind(
        "Reviews begun",
        "clipboard-list",
        "Go on",
        "vendors.add_vendorreview",
        begun_reviews,
        "vendors:vendor-list",
    ),
    Kind(
        "Facts to verify",
        "circle-check",
        "Verify",
        "vendors.add_fact",
        facts,
        "vendors:fact-list",
    ),
    Kind(
        "Access reviews",
        "clipboard-check",
        "Review",
        "policies.decide_accessreview",
        access_reviews,
        "portal:accessreview-list",
    ),
    Kind(
        "Findings",
        "alert-triangle",
        "Resolve",
        "evidence.view_finding",
        findings,
        "evidence:finding-list",
    ),
    Kind(
        "Evidence packs",
        "file-zip",
        "Open",
        "evidence.download_evidencepack",
        packs,
        "evidence:pack-list",
    ),
    Kind(
        "People without a role",
        "users",
        "Give a role",
        "portal.change_user",
        people,
        "portal:user-list",
    ),
]
