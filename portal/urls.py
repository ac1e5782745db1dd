"""Every address of the site; each app names its own."""

from django.urls import include, path

from portal.api import not_found
from portal.views.closed import closed

urlpatterns = [
    path("accounts/email/", closed),
    path("accounts/confirm-email/", closed),
    path("accounts/confirm-email/<path:key>", closed),
    path("accounts/login/code/confirm/", closed),
    path("accounts/", include("allauth.urls")),
    path("", include("portal.page_urls")),
    path("", include("vendors.urls")),
    path("", include("policies.urls")),
    path("", include("audits.urls")),
    path("", include("evidence.urls")),
    path("api/v1/", include("portal.api_urls")),
    path("api/v1/", include("vendors.api_urls")),
    path("api/v1/", include("policies.api_urls")),
    path("api/v1/", include("audits.api_urls")),
    path("api/", not_found),
    path("api/<path:rest>", not_found),
]
handler404 = "portal.api.missing"
handler500 = "portal.api.failed"
