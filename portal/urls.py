"""Every address of the site; each app names its own."""

import scim2_models  # noqa: F401 - here already: deeper down its import takes twice as long
from django.urls import include, path

from portal.api import not_found
from portal.views.closed import closed

urlpatterns = [
    path("accounts/email/", closed),
    path("accounts/confirm-email/", closed),
    path("accounts/confirm-email/<path:key>", closed),
    path("accounts/login/code/confirm/", closed),
    # Nobody links or unlinks a provider for themselves, nor makes an account with one.
    path("accounts/3rdparty/", closed),
    path("accounts/3rdparty/signup/", closed),
    path("accounts/3rdparty/login/<path:rest>", closed),
    path("accounts/social/<path:rest>", closed),
    path("accounts/2fa/recovery-codes/download/", closed),
    path("accounts/2fa/", include("portal.factor_urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("portal.page_urls")),
    path("", include("vendors.urls")),
    path("", include("policies.urls")),
    path("", include("audits.urls")),
    path("", include("evidence.urls")),
    path("log/", include("audits.log_urls")),
    path("scim/v2/", include("portal.scim.urls")),
    path("api/v1/log/", include("audits.log_urls", namespace="log-api")),
    path("api/v1/", include("portal.api_urls")),
    path("api/v1/", include("vendors.api_urls")),
    path("api/v1/", include("policies.api_urls")),
    path("api/v1/", include("audits.api_urls")),
    path("api/", not_found),
    path("api/<path:rest>", not_found),
]
handler404 = "portal.api.missing"
handler500 = "portal.api.failed"
