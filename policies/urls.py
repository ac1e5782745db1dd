"""Pages of the app, named `policies:<model>-<role>`."""

from django.urls.resolvers import URLPattern

app_name = "policies"
urlpatterns: list[URLPattern] = []
