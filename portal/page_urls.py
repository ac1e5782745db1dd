"""Pages of the portal itself: home, search, people, health."""

from django.urls import path
from django.urls.resolvers import URLPattern

from portal import design

app_name = "portal"
urlpatterns: list[URLPattern] = [
    path("style/", design.style, name="style"),
    path("theme/", design.set_theme, name="theme"),
]
