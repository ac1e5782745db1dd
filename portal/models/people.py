from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from portal.models.bearers import BearerToken, ends_within_a_year
from vendors import as_of


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A person who signs in with `email`; without a password nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address is the name they sign in with (45 CFR 164.312(a)(2)(i))."""

    email = models.EmailField("e-mail", unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(
        "active", default=True, help_text="Cleared when a person leaves; people are never deleted."
    )
    is_staff = models.BooleanField("may use the admin", default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_whatever_its_case",
                violation_error_message="Somebody has this e-mail address already.",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Whether the person may; while a past day is read nobody may do more than look."""
        if as_of.forbids(perm.partition(".")[2]):
            return False
        return super().has_perm(perm, obj)

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] or self.email


class PersonalToken(BearerToken):
    """A secret by which a person's scripts use the API; it opens what its scopes name and the
    person may do themselves, and no more (decision 0013)."""

    class Scope(models.TextChoices):
        REGISTER_READ = "register:read", "Read the register"
        REGISTER_WRITE = "register:write", "Write to the register"
        CALLS_READ = "calls:read", "Read the log of calls"
        LOG_READ = "log:read", "Read the ledger: checkpoints, proofs, entries"
        GRANTS_READ = "grants:read", "Read grants"
        GRANTS_WRITE = "grants:write", "Ask for grants, decide on them and end them"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=80, help_text="Where it will be used.")
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))

    class Meta(BearerToken.Meta):
        permissions = [("revoke_personaltoken", "Can revoke anybody's access tokens")]
        constraints = [ends_within_a_year("token_ends_within_a_year")]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"
