"""Why a sign-in through a provider is refused, in words for the person and for the record."""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser


class Refusal(StrEnum):
    """The reason, as the security event holds it."""

    STATE = "state"
    CANCELLED = "cancelled"
    UNREACHABLE = "unreachable"
    PROVIDER_ERROR = "provider-error"
    ASSERTION = "assertion"
    REPLAYED = "replayed"
    EMAIL = "email"
    NOBODY = "nobody"
    INACTIVE = "inactive"
    NO_ROLE = "no-role"
    ROLES = "roles"
    NOT_FRESH = "not-fresh"
    OTHER_PERSON = "other-person"


SENTENCES = {
    Refusal.STATE: "This answer belongs to no sign-in that was begun in this browser, or came "
    "too late. Begin again from the sign-in page.",
    Refusal.CANCELLED: "The sign-in was cancelled at the provider.",
    Refusal.UNREACHABLE: "The provider does not answer as it should. Try again in a moment; if "
    "it stays so, tell your administrator.",
    Refusal.PROVIDER_ERROR: "The provider did not let you sign in. Ask who administers it.",
    Refusal.ASSERTION: "What the provider said could not be verified, so it was not believed. "
    "Begin again from the sign-in page; if it stays so, tell your administrator.",
    Refusal.REPLAYED: "This answer of the provider was used before. Begin again from the "
    "sign-in page.",
    Refusal.EMAIL: "The provider named no e-mail address that it has verified and may speak "
    "for. Tell your administrator.",
    Refusal.NOBODY: "Nobody with your address has an account here. Ask your administrator.",
    Refusal.INACTIVE: "This account is closed. Ask your administrator when you think that it "
    "should be open.",
    Refusal.NO_ROLE: "No group of yours at the provider gives you a role here. Ask your "
    "administrator.",
    Refusal.ROLES: "Your groups at the provider ask for roles that may not stand so: one person "
    "may not hold them together, or nobody would be left to administer. Ask your administrator.",
    Refusal.NOT_FRESH: "The provider did not ask you to sign in anew, so that this does not "
    "confirm that it is you.",
    Refusal.OTHER_PERSON: "Somebody else signed in at the provider. Confirm with your own "
    "account, or sign out first.",
}


class Refused(Exception):
    """A sign-in that is refused; its text is the reason's word and quotes nobody.

    `person` is who was to be signed in, where that is known for sure.
    """

    def __init__(self, reason: Refusal, person: AbstractBaseUser | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.person = person
