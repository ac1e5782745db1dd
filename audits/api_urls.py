"""The REST API of the app, below /api/v1/."""

from django.urls.resolvers import URLPattern

app_name = "audits-api"
urlpatterns: list[URLPattern] = []
