from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

# A role of the catalogue, or a permission that is granted on single integrations.
ROLE, GRANT = "role:", "grant:"
DUTY = RegexValidator(r"^(role:[A-Z][A-Za-z ]{1,40}|grant:[a-z_]{1,20})\Z", "Choose from the list.")


class ExclusiveRolesQuerySet(models.QuerySet["ExclusiveRoles"]):
    def live(self) -> ExclusiveRolesQuerySet:
        """Pairs that nobody may hold now."""
        return self.filter(ended_at__isnull=True)


class ExclusiveRoles(models.Model):
    """Two duties that one person may not hold at once: roles, or permissions that are granted.

    Of two granted permissions it speaks of one integration; a role excludes a grant anywhere. The
    two stand in alphabetic order. Nothing of a pair changes but its end.
    """

    first = models.CharField(max_length=60, validators=[DUTY])
    second = models.CharField(max_length=60, validators=[DUTY])
    reason = models.CharField(max_length=300, help_text="Why one person should not hold both.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="None: it came with the portal.",
    )
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ExclusiveRolesQuerySet.as_manager()

    class Meta:
        ordering = ["first", "second", "pk"]
        default_permissions = ("view",)
        permissions = [("keep_duties", "Can keep the pairs of roles that one person may not hold")]
        verbose_name_plural = "exclusive roles"
        constraints = [
            models.CheckConstraint(
                name="exclusive_roles_are_two_in_order",
                condition=Q(first__lt=F("second")),
                violation_error_message="A pair is of two different roles.",
            ),
            models.UniqueConstraint(
                fields=["first", "second"],
                condition=Q(ended_at__isnull=True),
                name="exclusive_roles_once",
                violation_error_message="This pair is kept already.",
            ),
            models.CheckConstraint(
                name="exclusive_roles_end_whole",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__gte=F("made_at"), ended_by__isnull=False),
                violation_error_message="A pair that ended says who ended it.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first.partition(':')[2]} and {self.second.partition(':')[2]}"
