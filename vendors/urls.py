"""Pages of the app, named `vendors:<model>-<role>`."""

from django.urls import path

from vendors.views import (
    agreements,
    answering,
    clauses,
    comparison,
    costs,
    documents,
    imports,
    inquiries,
    inquiry_reviews,
    offboarding,
    questionnaires,
    register,
    reports,
    requests,
    reviews,
    services,
    signing,
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
    path(
        "vendors/<slug:slug>/offboarding/new/",
        offboarding.offboarding_create,
        name="offboarding-create",
    ),
    path("offboardings/<int:pk>/", offboarding.offboarding_detail, name="offboarding-detail"),
    path(
        "offboardings/<int:pk>/call-off/", offboarding.offboarding_cancel, name="offboarding-cancel"
    ),
    path("offboarding-steps/<int:pk>/", offboarding.step_edit, name="offboardingstep-edit"),
    path("reviews/<int:pk>/", reviews.review_detail, name="review-detail"),
    path("reviews/<int:pk>/discard/", reviews.review_discard, name="review-discard"),
    path("reviews/<int:pk>/finish/", reviews.review_finish, name="review-finish"),
    path("reviews/<int:pk>/<slug:section>/", reviews.review_section, name="review-section"),
    path("vendors/<slug:slug>/services/new/", services.service_create, name="service-create"),
    path("vendors/<slug:slug>/agreements/new/", signing.agreement_create, name="agreement-create"),
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
    path(
        "vendors/<slug:slug>/agreement-requests/new/",
        requests.request_create,
        name="agreementrequest-create",
    ),
    path("agreements/", agreements.agreement_list, name="agreement-list"),
    path("agreements/export/<slug:kind>/", agreements.agreement_export, name="agreement-export"),
    path("agreements/<int:pk>/", agreements.agreement_detail, name="agreement-detail"),
    path("agreements/<int:pk>/clauses/", clauses.agreement_clauses, name="agreement-clauses"),
    path("agreements/<int:pk>/amend/", signing.agreement_amend, name="agreement-amend"),
    path("agreements/<int:pk>/terminate/", signing.agreement_terminate, name="agreement-terminate"),
    path("agreements/<int:pk>/return/", signing.agreement_return, name="agreement-return"),
    path("agreement-requests/<int:pk>/", requests.request_detail, name="agreementrequest-detail"),
    path("agreement-requests/<int:pk>/edit/", requests.request_edit, name="agreementrequest-edit"),
    path("agreement-requests/<int:pk>/move/", requests.request_move, name="agreementrequest-move"),
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

urlpatterns += [
    path("questionnaires/", questionnaires.questionnaire_list, name="questionnaire-list"),
    path("questionnaires/new/", questionnaires.questionnaire_create, name="questionnaire-create"),
    path(
        "questionnaires/<int:pk>/", questionnaires.questionnaire_detail, name="questionnaire-detail"
    ),
    path(
        "questionnaires/<int:pk>/edit/",
        questionnaires.questionnaire_edit,
        name="questionnaire-edit",
    ),
    path(
        "questionnaires/<int:pk>/publish/",
        questionnaires.questionnaire_publish,
        name="questionnaire-publish",
    ),
    path(
        "questionnaires/<int:pk>/retire/",
        questionnaires.questionnaire_retire,
        name="questionnaire-retire",
    ),
    path(
        "questionnaires/<int:pk>/revise/",
        questionnaires.questionnaire_revise,
        name="questionnaire-revise",
    ),
    path(
        "questionnaires/<int:pk>/discard/",
        questionnaires.questionnaire_discard,
        name="questionnaire-discard",
    ),
    path(
        "questionnaires/<int:pk>/questions/new/",
        questionnaires.question_create,
        name="question-create",
    ),
    path("questions/<int:pk>/edit/", questionnaires.question_edit, name="question-edit"),
    path("questions/<int:pk>/remove/", questionnaires.question_remove, name="question-remove"),
    path("inquiries/", inquiries.inquiry_list, name="inquiry-list"),
    path("inquiries/export/<slug:kind>/", inquiries.inquiry_export, name="inquiry-export"),
    path("vendors/<slug:slug>/inquiries/new/", inquiries.inquiry_create, name="inquiry-create"),
    path("inquiries/<int:pk>/", inquiry_reviews.inquiry_detail, name="inquiry-detail"),
    path("inquiries/<int:pk>/link/", inquiries.inquiry_link, name="inquiry-link"),
    path("inquiries/<int:pk>/withdraw/", inquiries.inquiry_withdraw, name="inquiry-withdraw"),
    path(
        "inquiries/<int:pk>/accept-rest/",
        inquiry_reviews.inquiry_accept_rest,
        name="inquiry-accept-rest",
    ),
    path("inquiries/<int:pk>/finish/", inquiry_reviews.inquiry_finish, name="inquiry-finish"),
    path("inquiries/<int:pk>/return/", inquiry_reviews.inquiry_return, name="inquiry-return"),
    path("inquiries/<int:pk>/facts/", inquiry_reviews.inquiry_facts, name="inquiry-facts"),
    path("answers/<int:pk>/review/", inquiry_reviews.answer_review, name="answer-review"),
    # The vendor's side: no account, a secret in the address.
    path("q/<str:token>/", answering.answer_form, name="answer-form"),
    path("q/<str:token>/<int:number>/", answering.answer_section, name="answer-section"),
    path("q/<str:token>/submit/", answering.answer_submit, name="answer-submit"),
]
