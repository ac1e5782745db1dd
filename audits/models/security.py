from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from policies.models import IntegrationKey


class SecurityEvent(models.Model):
    """What happened to sign-in, sessions, factors, keys and access; append-only.

    It holds ids, words of fixed lists and a network that names no household. What was typed is
    never stored: a failed sign-in with an address that nobody here has is known by its network.
    Sources: 45 CFR 164.308(a)(5)(ii)(C), log-in monitoring; 164.312(b), audit controls.
    """

    class Kind(models.TextChoices):
        SIGN_IN = "sign-in", "Signed in"
        SIGN_IN_FAILED = "sign-in-failed", "Sign-in failed"
        LOCKED_OUT = "locked-out", "Locked out for a time"
        SECOND_FACTOR = "second-factor", "Second factor given"
        SECOND_FACTOR_FAILED = "second-factor-failed", "Second factor failed"
        RECOVERY_CODE = "recovery-code", "Recovery code used"
        FACTOR_ADDED = "factor-added", "Factor added"
        FACTOR_REMOVED = "factor-removed", "Factor removed"
        FACTOR_RESET = "factor-reset", "Factors reset"
        PASSWORD_CHANGED = "password-changed", "Password changed"
        PASSWORD_RESET_ASKED = "password-reset-asked", "Password reset asked for"
        PASSWORD_RESET = "password-reset", "Password reset"
        SIGNED_OUT = "signed-out", "Signed out"
        SESSION_ENDED = "session-ended", "Session ended"
        STEPPED_UP = "stepped-up", "Signed in again for more"
        STEP_UP_FAILED = "step-up-failed", "Signing in again failed"
        SSO_REFUSED = "sso-refused", "Single sign-on refused"
        KEY_NEW_NETWORK = "key-new-network", "Key used from a new network"
        PERSON_ADDED = "person-added", "Person added"
        PERSON_LEFT = "person-left", "Access ended"
        PERSON_BACK = "person-back", "Access given back"
        ROLE_CHANGED = "role-changed", "Roles changed"
        GRANT_CHANGED = "grant-changed", "Grant changed"
        EMERGENCY_ACCESS = "emergency-access", "Emergency access taken"
        TOKEN_MADE = "token-made", "Token made"
        TOKEN_ENDED = "token-ended", "Token ended"
        DIRECTORY_TOKEN = "directory-token", "Token of a directory changed"
        DIRECTORY_REFUSED = "directory-refused", "Directory refused"

    class Outcome(models.TextChoices):
        SUCCESS = "success", "Done"
        FAILURE = "failure", "Refused"

    class Method(models.TextChoices):
        NONE = "", "Not told"
        PASSWORD = "password", "Password"
        TOTP = "totp", "Code of an app"
        RECOVERY_CODES = "recovery_codes", "Recovery code"
        WEBAUTHN = "webauthn", "Passkey"
        OIDC = "oidc", "OpenID Connect"
        SAML = "saml", "SAML"
        SCIM = "scim", "SCIM"
        TOKEN = "token", "Token"

    class Client(models.TextChoices):
        NONE = "", "Not told"
        CHROME = "chrome", "Chrome"
        EDGE = "edge", "Edge"
        FIREFOX = "firefox", "Firefox"
        SAFARI = "safari", "Safari"
        PROGRAM = "program", "Program"
        OTHER = "other", "Other"

    at = models.DateTimeField()
    kind = models.CharField(max_length=24, choices=Kind)
    outcome = models.CharField(max_length=7, choices=Outcome)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Whom it is about; empty for somebody that nobody here is.",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who did it, where that is another person.",
    )
    key = models.ForeignKey(IntegrationKey, on_delete=models.PROTECT, null=True, related_name="+")
    method = models.CharField(max_length=14, choices=Method, blank=True)
    reason = models.CharField(max_length=40, blank=True, help_text="A word, such as idle.")
    subject = models.CharField(
        max_length=80, blank=True, help_text="The object, such as policies.grant:7."
    )
    network = models.CharField(
        max_length=43, blank=True, help_text="Cut to /24 (IPv4) or /48 (IPv6)."
    )
    client = models.CharField(max_length=7, choices=Client, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["at"], name="securityevent_at"),
            models.Index(fields=["user", "at"], name="securityevent_user"),
            models.Index(fields=["kind", "at"], name="securityevent_kind"),
        ]
        constraints = [
            models.CheckConstraint(
                name="securityevent_reason_is_a_word",
                condition=Q(reason__regex=r"^[a-z0-9]*(-[a-z0-9]+)*$"),
            ),
            models.CheckConstraint(
                name="securityevent_subject_is_an_object",
                condition=Q(subject="")
                | Q(subject__regex=r"^[a-z]+\.[a-z]+:[0-9A-Za-z][0-9A-Za-z_-]{0,39}$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"

    @property
    def reason_in_words(self) -> str:
        """The reason as a page says it."""
        return self.reason.replace("-", " ")


class KeyNetwork(models.Model):
    """A network that a key was used from, and when first; a new one is a security event."""

    key = models.ForeignKey(IntegrationKey, on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=43)
    first_seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["key", "network"], name="keynetwork_once"),
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.first_seen_at:%Y-%m-%d %H:%M}"
