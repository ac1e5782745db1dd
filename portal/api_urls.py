"""What the API says of itself: schema and its page."""

from django.urls import path
from django.urls.resolvers import URLPattern
from drf_spectacular.views import SpectacularAPIView

from portal.reference import reference

app_name = "portal-api"
urlpatterns: list[URLPattern] = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", reference, name="docs"),
]
