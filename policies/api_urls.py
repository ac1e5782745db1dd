"""The REST API of the app, below /api/v1/."""

from django.urls import path
from django.urls.resolvers import URLPattern

from policies.api import grants

app_name = "policies-api"
# The converter `row` is the register's: an id that the database has room for.
urlpatterns: list[URLPattern] = [
    path("grants", grants.GrantListView.as_view(), name="grant-list"),
    path("grants/<row:pk>", grants.GrantDetailView.as_view(), name="grant-detail"),
    path("grants/<row:pk>/approval", grants.ApprovalView.as_view(), name="grant-approval"),
    path("grants/<row:pk>/refusal", grants.RefusalView.as_view(), name="grant-refusal"),
    path("grants/<row:pk>/withdrawal", grants.WithdrawalView.as_view(), name="grant-withdrawal"),
]
