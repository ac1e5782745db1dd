"""Pages of the app, named `evidence:<model>-<role>`."""

from django.urls import path

from evidence.views import findings

app_name = "evidence"
urlpatterns = [
    path("findings/", findings.finding_list, name="finding-list"),
    path("findings/export/", findings.finding_export, name="finding-export"),
    path("findings/run/", findings.checkrun_create, name="checkrun-create"),
    path(
        "findings/about/<str:label>/<int:pk>/", findings.subject_findings, name="subject-findings"
    ),
    path("findings/<int:pk>/", findings.finding_detail, name="finding-detail"),
    path("findings/<int:pk>/assign/", findings.finding_assign, name="finding-assign"),
    path("findings/<int:pk>/note/", findings.finding_note, name="finding-note"),
]
