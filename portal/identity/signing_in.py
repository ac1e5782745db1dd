"""Settings of signing in by password and second factor."""

from __future__ import annotations

import re
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

REQUIRED = ("all", "except-viewers", "off")
KEY = re.compile(r"[0-9a-f]{64}")
SHORTEST = 8  # NIST SP 800-63B-4 takes no shorter one even beside a second factor


def signing_in(env: environ.Env) -> dict[str, Any]:
    """Django's and allauth's settings of accounts, from the environment.

    Raises: ImproperlyConfigured with what to set.
    """
    return {**_passwords(env), **_accounts(), **_second_factor(env)}


def _passwords(env: environ.Env) -> dict[str, Any]:
    shortest = env.int("PASSWORD_MIN_LENGTH", default=15)
    if shortest < SHORTEST:
        raise ImproperlyConfigured(f"PASSWORD_MIN_LENGTH is {SHORTEST} or more.")
    breached = env.str("PASSWORD_BREACHED_FILE", default="")
    return {
        "PASSWORD_BREACHED_FILE": breached,
        "PASSWORD_HASHERS": [
            "portal.identity.passwords.Argon2Hasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        ],
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": "portal.identity.passwords.LengthValidator",
                "OPTIONS": {"minimum": shortest},
            },
            {"NAME": "portal.identity.passwords.GuessableValidator"},
            {"NAME": "portal.identity.breached.BreachedValidator"},
            {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        ],
    }


def _accounts() -> dict[str, Any]:
    return {
        "AUTHENTICATION_BACKENDS": [
            "allauth.account.auth_backends.AuthenticationBackend",
            "guardian.backends.ObjectPermissionBackend",
        ],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "portal:home",
        "ACCOUNT_ADAPTER": "portal.accounts.AccountAdapter",
        "ACCOUNT_FORMS": {
            "login": "portal.signin.SignInForm",
            "reauthenticate": "portal.signin.ConfirmForm",
            "change_password": "portal.signin.ChangeForm",
            "set_password": "portal.signin.SetForm",
            "reset_password": "portal.signin.ForgottenForm",
            "reset_password_from_key": "portal.signin.NewPasswordForm",
        },
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*", "password2*"],
        "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        # Nobody is told by page or mail whether an address has an account.
        "ACCOUNT_PREVENT_ENUMERATION": True,
        "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_LOGOUT_ON_GET": False,
        "ACCOUNT_SESSION_REMEMBER": False,
    }


def _second_factor(env: environ.Env) -> dict[str, Any]:
    required = env.str("MFA_REQUIRED", default="all")
    if required not in REQUIRED:
        raise ImproperlyConfigured(f"MFA_REQUIRED is one of {', '.join(REQUIRED)}.")
    steps = env.int("MFA_CLOCK_STEPS", default=0)
    if steps not in (0, 1):
        raise ImproperlyConfigured("MFA_CLOCK_STEPS is 0 or 1.")
    keys = [
        env.str("MFA_ENCRYPTION_KEY", default=""),
        *env.list("MFA_PREVIOUS_ENCRYPTION_KEYS", default=[]),
    ]
    if not all(KEY.fullmatch(key) for key in keys):
        raise ImproperlyConfigured(
            "MFA_ENCRYPTION_KEY, and each of MFA_PREVIOUS_ENCRYPTION_KEYS, is 64 digits of 0 to 9 "
            "and a to f, for example the output of openssl rand -hex 32. It or the file that "
            "MFA_ENCRYPTION_KEY_FILE names has to be set; bin/portal sets everything by itself."
        )
    forms = "portal.signin"
    return {
        "MFA_REQUIRED": required,
        "MFA_ENCRYPTION_KEYS": keys,
        "MFA_ADAPTER": "portal.identity.second_factor.FactorAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_FORMS": {
            "authenticate": f"{forms}.CodeForm",
            "reauthenticate": f"{forms}.ConfirmCodeForm",
            "activate_totp": f"{forms}.EnrolAppForm",
            "add_webauthn": f"{forms}.AddPasskeyForm",
            "edit_webauthn": f"{forms}.RenamePasskeyForm",
            "authenticate_webauthn": f"{forms}.PasskeyForm",
            "login_webauthn": f"{forms}.PasskeySignInForm",
            "reauthenticate_webauthn": f"{forms}.ConfirmPasskeyForm",
        },
        # Steps of 30 seconds before and after, for clocks that differ (RFC 6238, 5.2).
        "MFA_TOTP_TOLERANCE": steps,
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_WEBAUTHN_USER_VERIFICATION": "required",
        "MFA_RECOVERY_CODE_COUNT": 10,
        "MFA_RECOVERY_CODE_DIGITS": 12,
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        # Addresses are set by an administrator and verified by the link that was mailed there.
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,
    }
