"""Pages of the app, named `vendors:<model>-<role>`."""

from django.urls import path

from vendors.views import (
    agreements,
    comparison,
    costs,
    documents,
    imports,
    register,
    reports,
    reviews,
    services,
    states,
    vendors,
    workbench,
)

app_name = "vendors"
urlpatterns = [
    path("vendors/", register.vendor_list, name="vendor-list"),
    path("vendors/export/<slug:kind>/", register.vendor_export, name="vendor-export"),
    path("vendors/new/", vendors.vendor_create, name="vendor-create"),
    path("vendors/<slug:slug>/", vendors.vendor_detail, name="vendor-detail"),
    path("vendors/<slug:slug>/edit/", vendors.vendor_edit, name="vendor-edit"),
    path("vendors/<slug:slug>/state/", states.vendor_state, name="vendor-state"),
    path("vendors/<slug:slug>/review/", reviews.vendor_review, name="vendor-review"),
    path(
        "vendors/<slug:slug>/conditions/new/",
        states.condition_create,
        name="vendorcondition-create",
    ),
    path("vendor-conditions/<int:pk>/met/", states.condition_meet, name="vendorcondition-meet"),
    path("vendor-conditions/<int:pk>/waive/", states.condition_waive, name="vendorcondition-waive"),
    path("reviews/<int:pk>/", reviews.review_detail, name="review-detail"),
    path("reviews/<int:pk>/discard/", reviews.review_discard, name="review-discard"),
    path("reviews/<int:pk>/finish/", reviews.review_finish, name="review-finish"),
    path("reviews/<int:pk>/<slug:section>/", reviews.review_section, name="review-section"),
    path("vendors/<slug:slug>/services/new/", services.service_create, name="service-create"),
    path(
        "vendors/<slug:slug>/agreements/new/", agreements.agreement_create, name="agreement-create"
    ),
    path("vendors/<slug:slug>/reports/new/", reports.report_create, name="report-create"),
    path(
        "vendors/<slug:slug>/reports/workbench/",
        workbench.reportdraft_create,
        name="reportdraft-create",
    ),
    path("services/<slug:slug>/", services.service_detail, name="service-detail"),
    path("services/<slug:slug>/edit/", services.service_edit, name="service-edit"),
    path("services/<slug:slug>/retire/", services.service_retire, name="service-retire"),
    path(
        "services/<slug:slug>/facts/<slug:dimension>/", services.fact_history, name="fact-history"
    ),
    path(
        "services/<slug:slug>/facts/<slug:dimension>/verify/",
        services.fact_create,
        name="fact-create",
    ),
    path("costs/figures/", costs.costfact_list, name="costfact-list"),
    path("costs/figures/new/", costs.costfact_create, name="costfact-create"),
    path("compare/", comparison.comparison, name="comparison"),
    path("agreements/<int:pk>/", agreements.agreement_detail, name="agreement-detail"),
    path("agreements/<int:pk>/amend/", agreements.agreement_amend, name="agreement-amend"),
    path(
        "agreements/<int:pk>/terminate/", agreements.agreement_terminate, name="agreement-terminate"
    ),
    path("reports/<int:pk>/", reports.report_detail, name="report-detail"),
    path("reports/<int:pk>/review/", reports.report_review, name="report-review"),
    path("reports/<int:pk>/correct/", reports.report_correct, name="report-correct"),
    path("reports/<int:pk>/workbench/", workbench.report_workbench, name="report-workbench"),
    path(
        "report-drafts/<int:pk>/discard/", workbench.reportdraft_discard, name="reportdraft-discard"
    ),
    path(
        "report-drafts/<int:pk>/<slug:section>/",
        workbench.reportdraft_section,
        name="reportdraft-section",
    ),
    path("reports/<int:pk>/bridge/", reports.bridge_create, name="bridge-create"),
    path("imports/", imports.import_list, name="import-list"),
    path("imports/new/", imports.import_create, name="import-create"),
    path(
        "imports/templates/<slug:what>/<slug:kind>/",
        imports.import_template,
        name="import-template",
    ),
    path("imports/<int:pk>/", imports.import_detail, name="import-detail"),
    path("imports/<int:pk>/columns/", imports.import_columns, name="import-columns"),
    path("imports/<int:pk>/check/", imports.import_check, name="import-check"),
    path("imports/<int:pk>/errors/", imports.import_errors, name="import-errors"),
    path("imports/<int:pk>/confirm/", imports.import_confirm, name="import-confirm"),
    path("imports/<int:pk>/discard/", imports.import_discard, name="import-discard"),
    path("documents/<int:pk>/download/", documents.document_download, name="document-download"),
    path("documents/<int:pk>/view/", documents.document_view, name="document-view"),
    path("documents/<int:pk>/pages/<int:number>/", documents.document_page, name="document-page"),
]
