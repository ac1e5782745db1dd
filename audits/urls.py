"""Pages of the app, named `audits:<model>-<role>`."""

from django.urls import path
from django.urls.resolvers import URLPattern

from audits.api import asking_views
from audits.views import (
    archive,
    calls,
    completeness,
    entries,
    exports,
    holds,
    parts,
    security,
    usage,
)

app_name = "audits"
urlpatterns: list[URLPattern] = [
    # OpenID AuthZEN fixes what stands at the end of these.
    path("access/v1/evaluation", asking_views.EvaluationView.as_view(), name="authzen-evaluation"),
    path(
        "access/v1/evaluations", asking_views.EvaluationsView.as_view(), name="authzen-evaluations"
    ),
    path(
        ".well-known/authzen-configuration",
        asking_views.authzen_configuration,
        name="authzen-configuration",
    ),
    path("views/calls/", calls.call_views, name="call-views"),
    path("calls/", calls.call_list, name="call-list"),
    path("calls/export/", exports.call_export, name="call-export"),
    path("calls/figures/", parts.call_figures, name="call-figures"),
    path("calls/<uuid:call_id>/", calls.call_detail, name="call-detail"),
    path("calls/archive/", archive.partition_list, name="partition-list"),
    path("calls/archive/search/", archive.archive_search_page, name="archive-search"),
    path("calls/holds/", holds.legalhold_list, name="legalhold-list"),
    path("calls/holds/new/", holds.legalhold_create, name="legalhold-create"),
    path("calls/holds/<int:pk>/", holds.legalhold_detail, name="legalhold-detail"),
    path("calls/holds/<int:pk>/release/", holds.legalhold_release, name="legalhold-release"),
    path("calls/completeness/", completeness.completeness_list, name="completeness-list"),
    path(
        "calls/completeness/export/<slug:kind>/",
        completeness.completeness_export,
        name="completeness-export",
    ),
    path("calls/completeness/sources/new/", usage.usagesource_create, name="usagesource-create"),
    path(
        "calls/completeness/sources/<int:pk>/",
        usage.usagesource_detail,
        name="usagesource-detail",
    ),
    path(
        "calls/completeness/sources/<int:pk>/edit/",
        usage.usagesource_edit,
        name="usagesource-edit",
    ),
    path(
        "calls/completeness/sources/<int:pk>/fetch/",
        usage.usagesource_fetch,
        name="usagesource-fetch",
    ),
    path(
        "calls/completeness/sources/<int:pk>/lines/new/",
        usage.usagemapping_create,
        name="usagemapping-create",
    ),
    path(
        "calls/completeness/lines/<int:pk>/delete/",
        usage.usagemapping_delete,
        name="usagemapping-delete",
    ),
    path(
        "calls/completeness/sources/<int:pk>/import/",
        usage.usageimport_create,
        name="usageimport-create",
    ),
    path(
        "calls/completeness/sources/<int:pk>/import/confirm/",
        usage.usageimport_confirm,
        name="usageimport-confirm",
    ),
    path(
        "integrations/<slug:slug>/completeness/",
        completeness.integration_completeness,
        name="integration-completeness",
    ),
    path("access/events/", security.securityevent_list, name="securityevent-list"),
    path(
        "access/events/export/<slug:kind>/",
        security.securityevent_export,
        name="securityevent-export",
    ),
    path("ledger/", entries.entry_list, name="entry-list"),
    path("ledger/<slug:slug>/integrity/", entries.ledger_integrity, name="ledger-integrity"),
    path("ledger/<slug:slug>/<int:index>/", entries.entry_detail, name="entry-detail"),
    path("ledger/<slug:slug>/<int:index>/proof/", entries.entry_proof, name="entry-proof"),
    path("integrations/<slug:slug>/calls/", parts.integration_calls, name="integration-calls"),
    path(
        "integrations/<slug:slug>/calls/shadow/",
        parts.integration_shadow,
        name="integration-shadow",
    ),
    path("vendors/<slug:slug>/calls/uncovered/", parts.vendor_uncovered, name="vendor-uncovered"),
    path("vendors/<slug:slug>/calls/", parts.vendor_calls, name="vendor-calls"),
]
