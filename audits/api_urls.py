"""The REST API of the app, below /api/v1/."""

from django.urls import path
from django.urls.resolvers import URLPattern

from audits.api import views

app_name = "audits-api"
urlpatterns: list[URLPattern] = [
    path("calls", views.CallListView.as_view(), name="call-list"),
    path("calls/<uuid:call_id>", views.CallView.as_view(), name="call-detail"),
    path("calls/<uuid:call_id>/completion", views.CompletionView.as_view(), name="call-completion"),
    path("calls/<uuid:call_id>/lease", views.LeaseView.as_view(), name="call-lease"),
    path("records", views.RecordView.as_view(), name="record-list"),
]
