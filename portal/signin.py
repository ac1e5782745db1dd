"""The forms of signing in, of enrolling second factors and of showing one again."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
)
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn import forms as webauthn
from cryptography.exceptions import InvalidSignature
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import ProhibitNullCharactersValidator

from portal.identity import factor_secrets, recovery, second_factor
from portal.identity.envelope import CannotOpen
from portal.identity.noting import Kind, Method, note_once

# What garbage in the place of a credential makes the libraries raise that read it.
UNREADABLE = (AttributeError, IndexError, InvalidSignature, KeyError, TypeError, ValueError)


class SignInForm(LoginForm):
    """allauth's form without its placeholders, which repeat the labels, and its link."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        self.fields["login"].widget.attrs["autocomplete"] = "username webauthn"
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class ConfirmForm(ReauthenticateForm):
    """The password once more."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs.pop("placeholder", None)


class _Plain:
    """allauth's labels as ours are written, without placeholders that repeat them."""

    LABELS = {
        "email": "E-mail",
        "oldpassword": "Current password",
        "password1": "New password",
        "password2": "New password, again",
    }

    fields: dict[str, forms.Field]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)


class ChangeForm(_Plain, ChangePasswordForm):
    """The password, and the one that takes its place twice."""


class SetForm(_Plain, SetPasswordForm):
    """A first password, twice."""


class ForgottenForm(_Plain, ResetPasswordForm):
    """The address to which a link is mailed."""


class NewPasswordForm(_Plain, ResetPasswordKeyForm):
    """A new password, twice, through the link that was mailed."""


class _OneTimeCode:
    """The code of an app or a recovery code, taken once (`second_factor.accept_code`)."""

    user: Any
    fields: dict[str, forms.Field]
    cleaned_data: dict[str, Any]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = "Code"
        field.help_text = (
            "Six digits from the app, which hold as long as it shows them, or one of your recovery "
            "codes."
        )
        field.validators.append(ProhibitNullCharactersValidator())
        field.widget.attrs.pop("placeholder", None)
        # Digits for phones, letters and dashes for whoever types a code as it was printed.
        field.widget.attrs |= {"autocomplete": "one-time-code", "maxlength": 40}

    def clean_code(self) -> str:
        forget_failures = check_rate_limit(self.user)
        code = str(self.cleaned_data["code"])
        kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
        found = Authenticator.objects.filter(user=self.user, type__in=kinds).order_by("-type")
        for authenticator in found:
            if second_factor.accept_code(authenticator, code):
                authenticator.user = self.user
                self.authenticator = authenticator
                forget_failures()
                return code
        if found:
            self._emit_authentication_failed(found[0])  # type: ignore[attr-defined]
        raise get_adapter().validation_error("incorrect_code")

    def save(self) -> None:
        super().save()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            left = recovery.left(self.authenticator)
            messages.warning(
                context.request,
                f"That recovery code is used up; {left} are left. If the device is lost, replace "
                "the app under Sign-in and second factor.",
            )


class CodeForm(_OneTimeCode, base.AuthenticateForm):
    """The second step of signing in."""


class ConfirmCodeForm(_OneTimeCode, base.ReauthenticateForm):
    """A code once more, before something that matters."""


class EnrolAppForm(ActivateTOTPForm):
    """The first code of an app. Until it comes the new secret waits in the session, sealed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        forms.Form.__init__(self, *args, **kwargs)
        self.secret = self._secret()
        field = self.fields["code"]
        field.label = "Code"
        field.help_text = "The six digits that the app shows now."
        field.widget.attrs = {"autocomplete": "one-time-code", "inputmode": "numeric"}

    def _secret(self) -> str:
        """The secret that waits for its first code, or a new one that now does."""
        session = context.request.session
        waiting = session.get(totp.SECRET_SESSION_KEY) if self.is_bound else None
        if waiting:
            try:
                return factor_secrets.unseal(waiting)
            except CannotOpen:
                pass
        secret: str = totp.generate_totp_secret()
        session[totp.SECRET_SESSION_KEY] = factor_secrets.seal(secret)
        return secret

    def clean_code(self) -> str:
        forget_failures = check_rate_limit(self.user, error_key="rate_limited")
        code = str(self.cleaned_data["code"])
        self.step = second_factor.step_of(self.secret, code)
        if self.step is None:
            raise get_adapter().validation_error("incorrect_code")
        forget_failures()
        return code


class _ReadsCredential:
    """What a browser's key answered; garbage is refused like a wrong key, and never repeated."""

    failure = Kind.SECOND_FACTOR_FAILED
    user: Any
    cleaned_data: dict[str, Any]

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except (*UNREADABLE, forms.ValidationError) as trouble:
            # allauth tells of a wrong code by a signal, of a wrong passkey by none.
            note_once(context.request, self.failure, user=self.user, method=Method.WEBAUTHN)
            if isinstance(trouble, forms.ValidationError):
                raise
            raise get_adapter().validation_error("incorrect_code") from None


class PasskeyForm(_ReadsCredential, webauthn.AuthenticateWebAuthnForm):
    """A passkey as the second step of signing in."""


class PasskeySignInForm(_ReadsCredential, webauthn.LoginWebAuthnForm):
    """A passkey instead of address and password; the key asks for a finger, a face or a PIN."""

    failure = Kind.SIGN_IN_FAILED

    def clean_credential(self) -> Any:
        if not settings.PASSWORD_SIGN_IN:  # people sign in at their provider alone
            raise get_adapter().validation_error("incorrect_code")
        return super().clean_credential()


class ConfirmPasskeyForm(_ReadsCredential, webauthn.ReauthenticateWebAuthnForm):
    """A passkey once more, before something that matters."""

    failure = Kind.STEP_UP_FAILED


class _NamesPasskey:
    fields: dict[str, forms.Field]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["name"]
        field.label = "Name"
        field.help_text = "Where it is kept, such as the laptop or the blue key."
        field.validators.append(ProhibitNullCharactersValidator())
        field.widget.attrs["maxlength"] = 60

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])  # type: ignore[attr-defined]
        if len(name) > 60:
            raise forms.ValidationError("It may have 60 characters at most.")
        parent = getattr(super(), "clean_name", None)
        return str(parent()) if parent else name


class AddPasskeyForm(_NamesPasskey, webauthn.AddWebAuthnForm):
    """A new passkey: kept by the key itself, and opened by a finger, a face or a PIN."""

    passwordless = None

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["passwordless"] = True  # so that a key that verified nobody is refused
        try:
            return dict(super().clean())
        except UNREADABLE:
            raise get_adapter().validation_error("incorrect_code") from None


class RenamePasskeyForm(_NamesPasskey, webauthn.EditWebAuthnForm):
    """Another name for a passkey."""
