"""How people sign in: by allauth, with accounts that an administrator makes."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from portal import tasks
from portal.identity.noting import Kind, NotingAdapter, note
from portal.identity.second_factor import has_factor
from portal.identity.stepping_up import is_fresh
from portal.models import User
from vendors.network import peer_of

OWN_STAGE = "portal.identity.second_factor.SecondFactorStage"
THEIR_STAGE = "allauth.mfa.stages.AuthenticateStage"
BY_PASSWORD = "reauthenticate"  # noqa: S105 - allauth's name of a way


class AccountAdapter(NotingAdapter):
    """allauth's ways, where ours differ."""

    def authenticate(self, request: HttpRequest, **credentials: str) -> User | None:
        """Whose the password is; nobody's where people sign in at their provider alone."""
        if not settings.PASSWORD_SIGN_IN:
            return None
        found: User | None = super().authenticate(request, **credentials)
        return found

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for themselves."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whom rate limits count by: X-Forwarded-For says nothing but what our proxies wrote."""
        return peer_of(request.META)

    def get_login_stages(self) -> list[str]:
        return [
            OWN_STAGE if stage == THEIR_STAGE else stage for stage in super().get_login_stages()
        ]

    def is_reauthentication_required(self, *, app: str, **_more: object) -> bool:
        """By the rule of our own pages: one that allauth's know is no weaker for it."""
        return not is_fresh(context.request)

    def get_reauthentication_methods(
        self, user: AbstractBaseUser | AnonymousUser
    ) -> list[dict[str, Any]]:
        """Second factors first; the password alone for who has nothing else."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        stronger = [method for method in methods if method["id"] != BY_PASSWORD]
        if stronger and isinstance(user, AbstractBaseUser) and has_factor(user):
            return stronger
        return methods

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell the person, by a mail that no page waits for, what changed about their account."""
        tasks.send_account_notice.delay_on_commit(user.pk, template_prefix.rpartition("/")[2])

    def send_password_reset_mail(
        self, user: AbstractBaseUser, email: str, context: dict[str, Any]
    ) -> None:
        """By a task: who asks with an address must not learn by the time whether it is known."""
        note(self.request, Kind.PASSWORD_RESET_ASKED, user=user)
        tasks.send_password_link.delay_on_commit(user.pk)
