from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.lookups import IsNull

from countersign.canonical import Json
from policies.access_flags import FLAGS
from policies.models.people import Grant
from policies.models.uses import Integration


def moment(at: dt.datetime | None) -> str | None:
    """A moment as it stands in a digest: UTC with microseconds."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds") if at else None


class AccessReviewQuerySet(models.QuerySet["AccessReview"]):
    def open(self) -> AccessReviewQuerySet:
        """Campaigns in which decisions are still made."""
        return self.filter(closed_at__isnull=True)

    def to_sign(self) -> AccessReviewQuerySet:
        """Campaigns that are closed and that nobody else has signed off."""
        return self.filter(closed_at__isnull=False, signed_at__isnull=True)

    def signed(self) -> AccessReviewQuerySet:
        return self.filter(signed_at__isnull=False)


class AccessReview(models.Model):
    """A campaign: all access as it stood at one moment, decided on line by line.

    The population is drawn by one query in one statement and never changes; its digest is over
    every line as frozen. Closed, nothing is decided any more; another person signs it off.
    Sources: 45 CFR 164.308(a)(3)(ii)(B), (a)(4)(ii)(C); AICPA TSC CC6.2, CC6.3.
    """

    # What may change in a stored row; the trigger names the same fields.
    LIFE_CYCLE = ("closed_by", "closed_at", "closed_digest", "signed_by", "signed_at", "sign_note")

    title = models.CharField(max_length=120)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField(help_text="The moment of which the population is.")
    due_on = models.DateField("due", help_text="Last day to decide on every line.")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who sees to it, and is reminded.",
    )
    escalate_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who is told once it is overdue.",
    )
    population_count = models.PositiveIntegerField()
    population_query = models.TextField(help_text="The query as it ran.")
    population_query_sha256 = models.CharField(max_length=64)
    population_digest = models.CharField(
        max_length=64, help_text="SHA-256 of the canonical JSON of all lines as frozen."
    )
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_digest = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of the canonical JSON of the campaign, decisions and proofs included.",
    )
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    sign_note = models.CharField(max_length=500, blank=True)

    objects = AccessReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        default_permissions = ("view", "add")
        permissions = [
            ("decide_accessreview", "Can decide in access reviews and close them"),
            ("sign_accessreview", "Can sign off access reviews that somebody else closed"),
        ]
        constraints = [
            models.UniqueConstraint(
                IsNull(F("closed_at"), rhs=True),
                condition=Q(closed_at__isnull=True),
                name="access_review_one_open",
                violation_error_message="A review is open already: close it first.",
            ),
            models.CheckConstraint(
                name="access_review_closed_is_whole",
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, closed_digest="")
                | (Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(closed_digest="")),
                violation_error_message="A closed review says who closed it, and its digest.",
            ),
            models.CheckConstraint(
                name="access_review_signed_by_another_person",
                condition=Q(signed_at__isnull=True, signed_by__isnull=True)
                | (
                    Q(signed_at__isnull=False, closed_at__isnull=False)
                    & Q(signed_at__gte=F("closed_at"))
                    & ~Q(signed_by=F("closed_by"))
                ),
                violation_error_message="Another person than who closed it signs it off.",
            ),
            models.CheckConstraint(
                name="access_review_escalates_to_another",
                condition=~Q(reviewer=F("escalate_to")),
                violation_error_message="It escalates to another person than its reviewer.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class AccessReviewEntryQuerySet(models.QuerySet["AccessReviewEntry"]):
    def with_state(self) -> AccessReviewEntryQuerySet:
        """Adds `decision` and `proof`: the newest of each, as their words; None without one."""
        decisions = AccessReviewDecision.objects.filter(entry=OuterRef("pk")).order_by("-pk")
        proofs = AccessReviewProof.objects.filter(entry=OuterRef("pk")).order_by("-pk")
        return self.annotate(
            decision=Subquery(decisions.values("decision")[:1]),
            proof=Subquery(proofs.values("kind")[:1]),
        )

    def undecided(self) -> AccessReviewEntryQuerySet:
        return self.filter(~Exists(AccessReviewDecision.objects.filter(entry=OuterRef("pk"))))

    def to_prove(self) -> AccessReviewEntryQuerySet:
        """Lines whose newest decision takes something away."""
        return self.with_state().filter(  # type: ignore[misc]  # what with_state adds
            decision__in=[
                AccessReviewDecision.Decision.REVOKE,
                AccessReviewDecision.Decision.CHANGE,
            ]
        )

    def unproven(self) -> AccessReviewEntryQuerySet:
        """Of those, lines whose newest proof does not say that it is gone."""
        gone = AccessReviewProof.Kind.GONE
        return self.to_prove().filter(Q(proof__isnull=True) | ~Q(proof=gone))


class AccessReviewEntry(models.Model):
    """One line of a population, as it stood when the campaign began; append-only."""

    class Kind(models.TextChoices):
        ROLE = "role", "Role"
        SUPERUSER = "superuser", "Superuser flag"
        STAFF = "staff", "Staff flag"
        PERMISSION = "permission", "Permission outside roles"
        OBJECT = "object", "Permission without a grant"
        GRANT = "grant", "Grant"
        OWNERSHIP = "ownership", "Ownership"
        TOKEN = "token", "Access token"
        KEY = "key", "Integration key"
        DIRECTORY = "directory", "Directory token"

    review = models.ForeignKey(AccessReview, on_delete=models.PROTECT, related_name="entries")
    number = models.PositiveIntegerField(help_text="Its place in the population, from 1.")
    kind = models.CharField(max_length=10, choices=Kind)
    row_id = models.BigIntegerField(help_text="The row that gives the access, by its kind.")
    holder = models.CharField(max_length=320, help_text="Who holds it, as it was named then.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The person who holds it or answers for it: they do not decide on it.",
    )
    what = models.CharField(max_length=200)
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, null=True, related_name="+"
    )
    since = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    use_known = models.BooleanField(help_text="Whether anything records its use.")
    last_used_at = models.DateTimeField(null=True)
    flags = ArrayField(models.CharField(max_length=16, choices=list(FLAGS.items())), default=list)
    frozen_at = models.DateTimeField()

    objects = AccessReviewEntryQuerySet.as_manager()

    class Meta:
        ordering = ["review", "number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["review", "number"], name="access_entry_numbered"),
            models.UniqueConstraint(
                fields=["review", "kind", "row_id"], name="access_entry_once_a_row"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder}: {self.what}"

    @property
    def in_words(self) -> str:
        """What it gives, as people read it: Send prompts, not send_prompt."""
        name, space, more = self.what.partition(" ")
        known = dict(Grant.Permission.choices)
        return f"{known[name]}{space}{more}" if name in known else self.what

    def frozen(self) -> dict[str, Json]:
        """What the population's digest is over."""
        return {
            "number": self.number,
            "kind": self.kind,
            "row": self.row_id,
            "holder": self.holder,
            "user": self.user_id,
            "what": self.what,
            "integration": self.integration_id,
            "since": moment(self.since),
            "ends_at": moment(self.ends_at),
            "use_known": self.use_known,
            "last_used_at": moment(self.last_used_at),
            "flags": list(self.flags),
        }


class AccessReviewDecision(models.Model):
    """What a person decided on a line, and why; append-only, the newest counts."""

    class Decision(models.TextChoices):
        KEEP = "keep", "Keep"
        REVOKE = "revoke", "Revoke"
        CHANGE = "change", "Change"

    entry = models.ForeignKey(AccessReviewEntry, on_delete=models.PROTECT, related_name="decisions")
    decision = models.CharField(max_length=6, choices=Decision)
    change_to = models.CharField(max_length=320, blank=True, help_text="What it becomes.")
    note = models.CharField(max_length=500, help_text="Why.")
    together = models.PositiveSmallIntegerField(
        default=1, help_text="How many lines of one page were decided with it."
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="access_decision_says_why",
                condition=~Q(note=""),
                violation_error_message="A decision says why.",
            ),
            models.CheckConstraint(
                name="access_decision_changes_to_something",
                condition=(Q(decision="change") & ~Q(change_to=""))
                | (~Q(decision="change") & Q(change_to="")),
                violation_error_message="A change says what it becomes.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.entry_id}"


class AccessReviewProof(models.Model):
    """What became of a decision, and what the system found when it looked again; append-only.

    `looks` lists what was asked of the database with what was expected and found.
    """

    class Kind(models.TextChoices):
        EXECUTED = "executed", "Executed"
        REFUSED = "refused", "Could not be executed"
        GONE = "gone", "Verified: gone"
        REMAINS = "remains", "Still there"

    entry = models.ForeignKey(AccessReviewEntry, on_delete=models.PROTECT, related_name="proofs")
    kind = models.CharField(max_length=8, choices=Kind)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it could not be.")
    looks = models.JSONField(default=list)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="None: the system itself.",
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.entry_id}"
