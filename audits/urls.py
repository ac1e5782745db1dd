"""Pages of the app, named `audits:<model>-<role>`."""

from django.urls import path
from django.urls.resolvers import URLPattern

from audits.views import calls, exports, parts

app_name = "audits"
urlpatterns: list[URLPattern] = [
    path("views/calls/", calls.call_views, name="call-views"),
    path("calls/", calls.call_list, name="call-list"),
    path("calls/export/", exports.call_export, name="call-export"),
    path("calls/figures/", parts.call_figures, name="call-figures"),
    path("calls/<uuid:call_id>/", calls.call_detail, name="call-detail"),
    path("integrations/<slug:slug>/calls/", parts.integration_calls, name="integration-calls"),
    path("vendors/<slug:slug>/calls/uncovered/", parts.vendor_uncovered, name="vendor-uncovered"),
    path("vendors/<slug:slug>/calls/", parts.vendor_calls, name="vendor-calls"),
]
