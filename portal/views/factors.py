"""Second factors: what a person enrols, replaces and removes, and an administrator's reset."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic.edit import FormView

from portal import tasks
from portal.forms import ResetForm
from portal.identity import recovery, second_factor
from portal.identity.noting import Kind, note
from portal.models import User
from portal.services import factors, people


@method_decorator(never_cache, name="dispatch")
@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class EnrolAppView(ActivateTOTPView):  # type: ignore[misc]  # it has no types
    """Enrol an app that shows codes, or another one in place of the one that is there.

    allauth asks to remove the old app first: for a moment, or for longer, nothing but the password
    would protect the account. Here the new one takes the place once it has shown its first code.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return FormView.dispatch(self, request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = super().get_context_data(**kwargs)
        kept = Authenticator.objects.filter(
            user_id=self.request.user.pk, type=Authenticator.Type.TOTP
        )
        return {**shown, "replaces": kept.exists()}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        mine = Authenticator.objects.filter(user_id=self.request.user.pk)
        mine.filter(type=Authenticator.Type.TOTP).delete()
        answer: HttpResponse = super().form_valid(form)
        app = mine.get(type=Authenticator.Type.TOTP)
        # The code that enrols is used up like any other.
        second_factor.use_step(app, form.step)
        second_factor.note_enrolled(self.request, app)
        if self.did_generate_recovery_codes:
            _make_codes(self.request)
        return answer


@method_decorator(never_cache, name="dispatch")
@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class AddPasskeyView(AddWebAuthnView):  # type: ignore[misc]  # it has no types
    """Add a passkey: a key that verifies its holder and keeps the account's name itself."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = FormView.get_context_data(self, **kwargs)
        assert self.request.user.is_authenticated  # reauthentication_required
        options = webauthn.begin_registration(self.request.user, passwordless=True)
        return {**shown, "options": options}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        added = Authenticator.objects.filter(
            user_id=self.request.user.pk, type=Authenticator.Type.WEBAUTHN
        ).latest("pk")
        second_factor.note_enrolled(self.request, added)
        if self.did_generate_recovery_codes:
            _make_codes(self.request)
        return answer


class _OneAtATime:
    """Of two removals at once the second sees what the first one left: the last factor stays."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        assert isinstance(request.user, User)  # LoginRequiredMiddleware
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
            answer: HttpResponseBase = super().post(request, *args, **kwargs)  # type: ignore[misc]
        return answer


class RemoveAppView(_OneAtATime, DeactivateTOTPView):  # type: ignore[misc]  # it has no types
    """Remove the app that shows codes; not the last factor of who needs one."""


@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class RemovePasskeyView(_OneAtATime, RemoveWebAuthnView):  # type: ignore[misc]  # it has no types
    """Remove a passkey; not the last factor of who needs one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = super().get_context_data(**kwargs)
        return {**shown, "stays": not get_adapter().can_delete_authenticator(self.object)}

    def form_valid(self, form: Any) -> HttpResponse:
        if not get_adapter().can_delete_authenticator(self.get_object()):
            messages.error(self.request, "The last factor stays. Add another one first.")
            return redirect("mfa_index")
        answer: HttpResponse = super().form_valid(form)
        return answer


class RenewCodesView(GenerateRecoveryCodesView):  # type: ignore[misc]  # it has no types
    """New recovery codes in the place of those that are there."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = FormView.get_context_data(self, **kwargs)
        row = _codes_of(self.request)
        return {**shown, "unused_code_count": recovery.left(row) if row else 0}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        _make_codes(self.request)
        return answer


@never_cache
@require_GET
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """The codes, the first time; how many are left, ever after."""
    row = _codes_of(request)
    if row is None:
        raise Http404
    shown = {
        "codes": recovery.take_to_show(request.session),
        "left": recovery.left(row),
        "total": app_settings.RECOVERY_CODE_COUNT,
    }
    return render(request, "mfa/recovery_codes/index.html", shown)


def _codes_of(request: HttpRequest) -> Authenticator | None:
    found: Authenticator | None = Authenticator.objects.filter(
        user_id=request.user.pk, type=Authenticator.Type.RECOVERY_CODES
    ).first()
    return found


def _make_codes(request: HttpRequest) -> None:
    """Put codes of ours in the place of the seed that allauth made, in the same transaction."""
    row = _codes_of(request)
    assert row is not None  # allauth has just made it
    recovery.keep_to_show(request.session, recovery.renew(row))


@require_GET
def passkey_list(_request: HttpRequest) -> HttpResponse:
    """Passkeys stand among all factors."""
    return redirect("mfa_index")


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_user", raise_exception=True)
def user_factors_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Take every factor of somebody who lost theirs; they enrol anew at the next sign-in."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    person = get_object_or_404(User, pk=pk)
    held = Authenticator.objects.filter(user=person).order_by("pk")
    refused = ""
    form = ResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                factors.reset_factors(person, by=request.user, at=timezone.now())
                proof = form.cleaned_data["proof"]
                note(request, Kind.FACTOR_RESET, user=person, by=request.user, reason=proof)
        except people.NotAllowed as refusal:
            refused = str(refusal)
        else:
            tasks.send_account_notice.delay_on_commit(person.pk, factors.RESET)
            messages.success(request, "Reset. The person is signed out and told by mail.")
            return redirect("portal:user-detail", pk)
    shown = {"person": person, "held": held, "refused": refused, "form": form}
    return render(request, "portal/user_factors_reset.html", shown, status=409 if refused else 200)
