"""What the API says of itself: schema and its page."""

from django.urls.resolvers import URLPattern

app_name = "portal-api"
urlpatterns: list[URLPattern] = []
