"""Pages of the portal itself: home, search, people, health."""

from django.urls import path
from django.urls.resolvers import URLPattern

from portal import design, health
from portal.views import home, people, searching, tokens

app_name = "portal"
urlpatterns: list[URLPattern] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", home.home, name="home"),
    path("search/", searching.search_page, name="search"),
    path("access/", people.user_list, name="user-list"),
    path("access/roles/", people.role_list, name="role-list"),
    path("access/export/<slug:kind>/", people.user_export, name="user-export"),
    path("access/people/add/", people.user_create, name="user-create"),
    path("access/people/<int:pk>/", people.user_detail, name="user-detail"),
    path("access/people/<int:pk>/edit/", people.user_edit, name="user-edit"),
    path("access/people/<int:pk>/invite/", people.user_invite, name="user-invite"),
    path("access/tokens/", tokens.token_list, name="token-list"),
    path("access/tokens/new/", tokens.token_create, name="token-create"),
    path("access/tokens/<int:pk>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("style/", design.style, name="style"),
    path("theme/", design.set_theme, name="theme"),
]
