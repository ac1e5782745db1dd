from __future__ import annotations

import datetime as dt
import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.db.models import Q

from vendors.models.documents import Document
from vendors.models.facts import Dimension, Fact
from vendors.models.register import Service, Vendor

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9 &._/()-]{0,39}$",
    "Use letters, digits, spaces and & . _ / ( ) -; begin with a letter or digit.",
)
COMMENT_CHARACTERS = 1000
# An inquiry somebody has to do something about.
OPEN_STATES = ("sent", "opened", "submitted", "in_review")
WITH_VENDOR = ("sent", "opened")
WITH_US = ("submitted", "in_review")


class Questionnaire(models.Model):
    """A version of a set of questions; once published, a trigger keeps all but its state."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    class Source(models.TextChoices):
        OWN = "own", "Countersign's set"
        IMPORTED = "imported", "Imported sheet"
        WRITTEN = "written", "Written here"

    slug = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=160)
    intro = models.TextField(
        blank=True, max_length=2000, help_text="What the vendor reads before the questions."
    )
    source = models.CharField(max_length=8, choices=Source, default=Source.WRITTEN)
    source_name = models.CharField(
        max_length=200, blank=True, help_text="Name of the sheet it was imported from."
    )
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the questions as published."
    )
    published_on = models.DateField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_on = models.DateField()

    class Meta:
        ordering = ["title", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug", "version"],
                name="questionnaire_version_once",
                violation_error_message="This version exists.",
            ),
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(state="draft"),
                name="questionnaire_one_draft",
                violation_error_message="A draft of the next version exists already.",
            ),
            models.CheckConstraint(
                name="questionnaire_draft_until_published",
                condition=Q(state="draft", digest="", published_on__isnull=True)
                | (~Q(state="draft") & ~Q(digest="") & Q(published_on__isnull=False)),
                violation_error_message="A published version has its day and its digest.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.version}"


class Question(models.Model):
    """A question; its kind says what an answer is.

    `choices` are pairs of value and label. `shown_if` is empty, or the code of another question
    and the values of it that show this one. `mapping` turns an answer into the value of a fact of
    `dimension`: `no`, `days:30`, or for a number `{"*": "days"}`.
    """

    class Kind(models.TextChoices):
        YES_NO = "yes_no", "Yes or no"
        CHOICE = "choice", "One of several"
        MULTIPLE = "multiple", "Several of several"
        TEXT = "text", "Text"
        NUMBER = "number", "Whole number"
        DATE = "date", "Date"
        FILE = "file", "File (PDF)"

    questionnaire = models.ForeignKey(
        Questionnaire, on_delete=models.CASCADE, related_name="questions"
    )
    position = models.PositiveIntegerField()
    section = models.CharField(max_length=120)
    code = models.CharField(max_length=40, validators=[CODE])
    text = models.TextField(max_length=2000, validators=[MaxLengthValidator(2000)])
    help = models.TextField(blank=True, max_length=2000, validators=[MaxLengthValidator(2000)])
    kind = models.CharField(max_length=8, choices=Kind)
    choices = models.JSONField(default=list, blank=True)
    required = models.BooleanField(default=True)
    takes_document = models.BooleanField(
        "may carry a PDF", default=False, help_text="Whether a PDF may be attached to the answer."
    )
    shown_if = models.JSONField(default=dict, blank=True)
    dimension = models.CharField(max_length=24, choices=Dimension, blank=True)
    mapping = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["questionnaire", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["questionnaire", "code"],
                name="question_code_once",
                violation_error_message="Another question of this version has this code.",
            ),
            models.UniqueConstraint(
                fields=["questionnaire", "position"],
                name="question_position_once",
                violation_error_message="Another question stands at this place.",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return self.code


class InquiryQuerySet(models.QuerySet["Inquiry"]):
    def open(self) -> InquiryQuerySet:
        """Inquiries that somebody still has to do something about."""
        return self.filter(state__in=OPEN_STATES)

    def with_vendor(self) -> InquiryQuerySet:
        """Inquiries that wait for the vendor, whether or not the link has expired."""
        return self.filter(state__in=WITH_VENDOR)

    def to_review(self) -> InquiryQuerySet:
        """Inquiries whose answers wait for our review, the oldest first."""
        return self.filter(state__in=WITH_US).order_by("submitted_at")

    def expiring(self, until: dt.datetime) -> InquiryQuerySet:
        """Inquiries that wait for the vendor and whose link ends by the moment `until`."""
        return self.with_vendor().filter(expires_at__lte=until).order_by("expires_at")


class Inquiry(models.Model):
    """A questionnaire put to a vendor, for one service or for the vendor as a whole.

    `expires_at` is the first moment at which the link opens nothing. The secret of the link is
    kept as its SHA-256 alone.
    """

    class State(models.TextChoices):
        SENT = "sent", "Sent"
        OPENED = "opened", "Opened"
        SUBMITTED = "submitted", "Submitted"
        IN_REVIEW = "in_review", "In review"
        ACCEPTED = "accepted", "Reviewed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    questionnaire = models.ForeignKey(
        Questionnaire, on_delete=models.PROTECT, related_name="inquiries"
    )
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="inquiries")
    service = models.ForeignKey(
        Service,
        on_delete=models.PROTECT,
        related_name="inquiries",
        null=True,
        blank=True,
        help_text="Empty: the vendor as a whole.",
    )
    contact = models.EmailField("contact's e-mail", help_text="Who answers at the vendor.")
    token_sha256 = models.CharField(max_length=64, unique=True, null=True, blank=True)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.SENT, db_index=True)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    sent_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    reviewed_on = models.DateField(null=True, blank=True)
    uploads = models.PositiveIntegerField(default=0, help_text="Files taken so far.")

    objects = InquiryQuerySet.as_manager()

    class Meta:
        ordering = ["-sent_at"]
        verbose_name_plural = "inquiries"
        permissions = [("review_inquiry", "Can review the answers of a vendor")]
        indexes = [models.Index(fields=["vendor", "-sent_at"], name="inquiry_of_vendor")]
        constraints = [
            models.CheckConstraint(
                name="inquiry_reviewed_by_somebody",
                condition=Q(state="accepted", reviewed_by__isnull=False, reviewed_on__isnull=False)
                | (~Q(state="accepted") & Q(reviewed_on__isnull=True)),
                violation_error_message="A review has its day and its person.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire.title} to {self.vendor.name}"

    def clean(self) -> None:
        """Raises: ValidationError unless the service is the vendor's."""
        if self.service is not None and self.service.vendor_id != self.vendor_id:
            raise ValidationError({"service": "This service is another vendor's."})

    def open_to_vendor(self, at: dt.datetime) -> bool:
        """Whether the link lets the vendor answer at the moment `at`."""
        return self.state in WITH_VENDOR and at < self.expires_at

    def expired(self, at: dt.datetime) -> bool:
        """Whether the link ended before the vendor had submitted."""
        return self.state in WITH_VENDOR and at >= self.expires_at


class InquiryView(models.Model):
    """An opening of the link; append-only. The address is cut to its network."""

    inquiry = models.ForeignKey(Inquiry, on_delete=models.PROTECT, related_name="openings")
    at = models.DateTimeField()
    network = models.CharField(max_length=43, blank=True)

    class Meta:
        ordering = ["inquiry", "-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Answer(models.Model):
    """What the vendor answers to a question, as it stands, and what we make of it.

    `value` is None where there is none: text for yes_no (yes, no), choice, text and date
    (ISO 8601), a list for multiple, a whole number for number.
    """

    class Review(models.TextChoices):
        PENDING = "pending", "Not reviewed"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        CLARIFY = "clarify", "Asked again"

    inquiry = models.ForeignKey(Inquiry, on_delete=models.PROTECT, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+")
    value = models.JSONField(null=True, blank=True)
    comment = models.TextField(
        blank=True,
        max_length=COMMENT_CHARACTERS,
        validators=[MaxLengthValidator(COMMENT_CHARACTERS)],
    )
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    answered_at = models.DateTimeField()
    review = models.CharField(max_length=8, choices=Review, default=Review.PENDING)
    note = models.CharField(
        max_length=500, blank=True, help_text="The vendor reads it where it is asked again."
    )
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    reviewed_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["inquiry", "question__position"]
        constraints = [
            models.UniqueConstraint(
                fields=["inquiry", "question"],
                name="answer_once",
                violation_error_message="This question is answered already.",
            ),
        ]

    def __str__(self) -> str:
        return self.question.code


class Submission(models.Model):
    """What the vendor submitted, as it was at that moment; append-only.

    `content` holds by code the value, the comment and the SHA-256 of the document of each
    question that was shown; `digest` is the SHA-256 of its canonical JSON (RFC 8785).
    """

    inquiry = models.ForeignKey(Inquiry, on_delete=models.PROTECT, related_name="submissions")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["inquiry", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["inquiry", "number"],
                name="submission_once",
                violation_error_message="This submission is stored already.",
            ),
        ]

    def __str__(self) -> str:
        return f"Submission {self.number}"


class AnswerFact(models.Model):
    """A fact that came from an answer; append-only."""

    answer = models.ForeignKey(Answer, on_delete=models.PROTECT, related_name="facts")
    fact = models.OneToOneField(Fact, on_delete=models.PROTECT, related_name="from_answer")

    class Meta:
        ordering = ["answer", "fact"]

    def __str__(self) -> str:
        return str(self.fact)


class QuestionSheet(models.Model):
    """A customer's sheet between its upload and the draft that is made of it.

    `sheets` holds by name the rows of text cells; only who uploaded it sees it.
    """

    name = models.CharField(max_length=200)
    sheets = models.JSONField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ["-uploaded_at"]

    def __str__(self) -> str:
        return self.name
