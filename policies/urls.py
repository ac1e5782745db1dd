"""Pages of the app, named `policies:<model>-<role>`."""

from django.urls import path

from policies.views import (
    costs,
    dataclasses,
    decisions,
    integrations,
    keys,
    offboarding,
    people,
    uncovered,
    vendors,
    wizard,
)

app_name = "policies"
urlpatterns = [
    path("integrations/", integrations.integration_list, name="integration-list"),
    path("views/integrations/", integrations.integration_views, name="integration-views"),
    path("integrations/new/", wizard.integration_create, name="integration-create"),
    path("integrations/drafts/", wizard.draft_list, name="draft-list"),
    path("integrations/drafts/<int:pk>/<int:step>/", wizard.draft_step, name="draft-step"),
    path("integrations/drafts/<int:pk>/discard/", wizard.draft_discard, name="draft-discard"),
    path("integrations/<slug:slug>/", integrations.integration_detail, name="integration-detail"),
    path("integrations/<slug:slug>/edit/", wizard.integration_edit, name="integration-edit"),
    path("integrations/<slug:slug>/submit/", decisions.submit, name="integration-submit"),
    path("integrations/<slug:slug>/decide/", decisions.decide, name="integration-decide"),
    path("integrations/<slug:slug>/suspend/", decisions.suspend, name="integration-suspend"),
    path("integrations/<slug:slug>/resume/", decisions.resume, name="integration-resume"),
    path("integrations/<slug:slug>/retire/", decisions.retire, name="integration-retire"),
    path("integrations/<slug:slug>/owner/", people.owner, name="integration-owner"),
    path("integrations/<slug:slug>/people/", people.give, name="integration-grant"),
    path("integrations/<slug:slug>/people/withdraw/", people.withdraw, name="integration-withdraw"),
    path("integrations/<slug:slug>/keys/new/", keys.key_create, name="key-create"),
    path("integrations/<slug:slug>/keys/<int:pk>/rotate/", keys.key_rotate, name="key-rotate"),
    path("integrations/<slug:slug>/keys/<int:pk>/revoke/", keys.key_revoke, name="key-revoke"),
    path("integrations/<slug:slug>/costs/new/", costs.costplan_create, name="costplan-create"),
    path("costs/", costs.costplan_list, name="costplan-list"),
    path("costs/export/<slug:kind>/", costs.costplan_export, name="costplan-export"),
    path("costs/<int:pk>/", costs.costplan_detail, name="costplan-detail"),
    path("costs/<int:pk>/edit/", costs.costplan_edit, name="costplan-edit"),
    path("costs/<int:pk>/delete/", costs.costplan_delete, name="costplan-delete"),
    path("policies/", dataclasses.dataclass_list, name="dataclass-list"),
    path("policies/new/", dataclasses.dataclass_create, name="dataclass-create"),
    path("policies/<slug:slug>/", dataclasses.dataclass_detail, name="dataclass-detail"),
    path("policies/<slug:slug>/edit/", dataclasses.dataclass_edit, name="dataclass-edit"),
    path("policies/export/<slug:kind>/", dataclasses.dataclass_export, name="dataclass-export"),
    path("vendors/<slug:slug>/remaining/", offboarding.vendor_remaining, name="vendor-remaining"),
    path(
        "offboardings/<int:pk>/finish/", offboarding.offboarding_finish, name="offboarding-finish"
    ),
    path("figures/vendors/", vendors.vendor_figures, name="vendor-figures"),
    path("figures/vendors/<slug:kind>/", vendors.vendor_export, name="vendor-export"),
    path("vendors/<slug:slug>/uncovered/", uncovered.vendor_uncovered, name="vendor-uncovered"),
    path(
        "agreements/<int:pk>/uncovered/", uncovered.agreement_uncovered, name="agreement-uncovered"
    ),
    path("vendors/<slug:slug>/verdict/", vendors.vendor_verdict, name="vendor-verdict"),
    path(
        "vendors/<slug:slug>/integrations/", vendors.vendor_integrations, name="vendor-integrations"
    ),
]
