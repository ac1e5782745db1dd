"""Django's admin behind our sign-in, and under a policy that it can live with."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse

from portal.csp import csp_override


class PortalAdminSite(AdminSite):
    site_header = "Countersign administration"
    site_title = "Countersign administration"
    index_title = "Accounts and schedules"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002
        """The admin's own scripts carry no nonce and set innerHTML: see decision 0002."""
        return csp_override(settings.SECURE_CSP_ADMIN)(super().admin_view(view, cacheable))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """By allauth, whose rate limits Django's own login lacks."""
        answer: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return answer
