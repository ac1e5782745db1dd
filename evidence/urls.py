"""Pages of the app, named `evidence:<model>-<role>`."""

from django.urls import path

from evidence.views import findings, packs, registers

app_name = "evidence"
urlpatterns = [
    path("figures/vendors.pdf", registers.vendor_register, name="vendor-register"),
    path("views/findings/", findings.finding_views, name="finding-views"),
    path("findings/", findings.finding_list, name="finding-list"),
    path("findings/export/", findings.finding_export, name="finding-export"),
    path("findings/run/", findings.checkrun_create, name="checkrun-create"),
    path(
        "findings/about/<slug:kind>/<int:pk>/", findings.subject_findings, name="subject-findings"
    ),
    path(
        "findings/notices/agreement/<int:pk>/",
        findings.agreement_notices,
        name="agreement-notices",
    ),
    path("findings/<int:pk>/", findings.finding_detail, name="finding-detail"),
    path("findings/<int:pk>/assign/", findings.finding_assign, name="finding-assign"),
    path("findings/<int:pk>/note/", findings.finding_note, name="finding-note"),
    path("packs/", packs.pack_list, name="pack-list"),
    path("packs/export/<slug:kind>/", packs.pack_export, name="pack-export"),
    path("packs/new/", packs.pack_create, name="pack-create"),
    path("packs/<int:pk>/", packs.pack_detail, name="pack-detail"),
    path("packs/<int:pk>/cancel/", packs.pack_cancel, name="pack-cancel"),
    path("packs/<int:pk>/retry/", packs.pack_retry, name="pack-retry"),
    path("packs/<int:pk>/download/", packs.pack_download, name="pack-download"),
]
