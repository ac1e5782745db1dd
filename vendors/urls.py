"""Pages of the app, named `vendors:<model>-<role>`."""

from django.urls.resolvers import URLPattern

app_name = "vendors"
urlpatterns: list[URLPattern] = []
