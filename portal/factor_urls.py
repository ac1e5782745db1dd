"""Pages of second factors that stand before allauth's of the same address and name."""

from django.urls import path
from django.urls.resolvers import URLPattern

from portal.views import factors

urlpatterns: list[URLPattern] = [
    path("totp/activate/", factors.EnrolAppView.as_view(), name="mfa_activate_totp"),
    path("totp/deactivate/", factors.RemoveAppView.as_view(), name="mfa_deactivate_totp"),
    path("recovery-codes/", factors.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "recovery-codes/generate/",
        factors.RenewCodesView.as_view(),
        name="mfa_generate_recovery_codes",
    ),
    path("webauthn/", factors.passkey_list, name="mfa_list_webauthn"),
    path("webauthn/add/", factors.AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path(
        "webauthn/keys/<int:pk>/remove/",
        factors.RemovePasskeyView.as_view(),
        name="mfa_remove_webauthn",
    ),
]
