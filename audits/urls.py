"""Pages of the app, named `audits:<model>-<role>`."""

from django.urls.resolvers import URLPattern

app_name = "audits"
urlpatterns: list[URLPattern] = []
