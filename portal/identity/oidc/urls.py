"""Included by allauth below /accounts/, under the names that it knows them by."""

from django.urls import path

from portal.identity.oidc import views

urlpatterns = [
    path("oidc/<slug:provider_id>/login/", views.login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", views.callback, name="openid_connect_callback"),
]
