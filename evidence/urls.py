"""Pages of the app, named `evidence:<model>-<role>`."""

from django.urls.resolvers import URLPattern

app_name = "evidence"
urlpatterns: list[URLPattern] = []
