"""The REST API of the app, below /api/v1/."""

from django.urls import path
from django.urls.resolvers import URLPattern

from audits.api import asking_views, bundles, gaps, litellm_views, otlp_views, views

app_name = "audits-api"
urlpatterns: list[URLPattern] = [
    path(
        "beta/litellm_basic_guardrail_api",
        litellm_views.GuardrailView.as_view(),
        name="litellm-guardrail",
    ),
    path("calls", views.CallListView.as_view(), name="call-list"),
    path("calls/<uuid:call_id>", views.CallView.as_view(), name="call-detail"),
    path("calls/<uuid:call_id>/completion", views.CompletionView.as_view(), name="call-completion"),
    path("calls/<uuid:call_id>/lease", views.LeaseView.as_view(), name="call-lease"),
    path("decisions", asking_views.DecisionView.as_view(), name="decision-list"),
    path("events", views.EventView.as_view(), name="event-list"),
    path("gaps", gaps.GapView.as_view(), name="gap-list"),
    path("otlp/v1/traces", otlp_views.TraceView.as_view(), name="trace-list"),
    path(
        "integrations/<slug:slug>/bundle", bundles.BundleView.as_view(), name="integration-bundle"
    ),
    path("records", views.RecordView.as_view(), name="record-list"),
]
