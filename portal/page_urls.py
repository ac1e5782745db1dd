"""Pages of the portal itself: home, search, people, health."""

from django.urls import path
from django.urls.resolvers import URLPattern

from portal import design, health
from portal.views import (
    directories,
    factors,
    home,
    mine,
    people,
    reviews,
    searching,
    sessions,
    tokens,
)

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
    path("access/mine/", mine.my_access, name="my-access"),
    path(
        "access/people/<int:pk>/factors/reset/",
        factors.user_factors_reset,
        name="user-factors-reset",
    ),
    path("access/people/<int:pk>/sessions/", sessions.user_sessions, name="user-sessions"),
    path(
        "access/people/<int:pk>/sessions/end/",
        sessions.user_sessions_end,
        name="user-sessions-end",
    ),
    path("access/mine/sessions/", sessions.session_list, name="session-list"),
    path("access/mine/sessions/left/", sessions.session_left, name="session-left"),
    path("access/mine/sessions/stay/", sessions.session_stay, name="session-stay"),
    path(
        "access/mine/sessions/end-others/", sessions.session_end_others, name="session-end-others"
    ),
    path("access/mine/sessions/<uuid:session>/end/", sessions.session_end, name="session-end"),
    path("access/again/", sessions.step_up, name="step-up"),
    path("access/again/<uuid:kept>/", sessions.step_up_resume, name="step-up-resume"),
    path("access/tokens/", tokens.token_list, name="token-list"),
    path("access/tokens/new/", tokens.token_create, name="token-create"),
    path("access/tokens/<int:pk>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("access/reviews/", reviews.review_list, name="accessreview-list"),
    path("access/reviews/start/", reviews.review_create, name="accessreview-create"),
    path("access/reviews/<int:pk>/", reviews.review_detail, name="accessreview-detail"),
    path("access/reviews/<int:pk>/keep/", reviews.review_keep, name="accessreview-keep"),
    path(
        "access/reviews/<int:pk>/lines/<int:number>/",
        reviews.review_entry,
        name="accessreview-entry",
    ),
    path("access/reviews/<int:pk>/verify/", reviews.review_verify, name="accessreview-verify"),
    path("access/reviews/<int:pk>/close/", reviews.review_close, name="accessreview-close"),
    path("access/reviews/<int:pk>/sign/", reviews.review_sign, name="accessreview-sign"),
    path(
        "access/reviews/<int:pk>/export/<slug:kind>/",
        reviews.review_export,
        name="accessreview-export",
    ),
    path("access/directories/", directories.directory_list, name="directory-list"),
    path("access/directories/add/", directories.directory_create, name="directory-create"),
    path("access/directories/<int:pk>/", directories.directory_detail, name="directory-detail"),
    path("access/directories/<int:pk>/end/", directories.directory_end, name="directory-end"),
    path(
        "access/directories/<int:pk>/token/",
        directories.token_create,
        name="directorytoken-create",
    ),
    path(
        "access/directories/tokens/<int:pk>/end/",
        directories.token_end,
        name="directorytoken-end",
    ),
    path("access/directories/groups/<int:pk>/", directories.group_edit, name="directorygroup-edit"),
    path("style/", design.style, name="style"),
    path("theme/", design.set_theme, name="theme"),
]
