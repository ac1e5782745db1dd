"""Addresses below /scim/v2, by which directories provision people."""

from django.urls import path
from django.urls.resolvers import URLPattern

from portal.scim import bulk, discovery, views

app_name = "scim"
urlpatterns: list[URLPattern] = [
    path("Users", views.user_list_view, name="user-list"),
    path("Users/<str:uid>", views.user_detail_view, name="user-detail"),
    path("Groups", views.group_list_view, name="group-list"),
    path("Groups/<str:uid>", views.group_detail_view, name="group-detail"),
    path("ServiceProviderConfig", discovery.config_view, name="config"),
    path("ResourceTypes", discovery.type_list_view, name="type-list"),
    path("ResourceTypes/<str:name>", discovery.type_view, name="type-detail"),
    path("Schemas", discovery.schema_list_view, name="schema-list"),
    path("Schemas/<str:name>", discovery.schema_view, name="schema-detail"),
    path("Bulk", bulk.bulk_view, name="bulk"),
    path("Me", discovery.unsupported_view, name="me"),
    path(".search", discovery.unsupported_view, name="search"),
    path("", discovery.missing_view, name="root"),
    path("<path:rest>", discovery.missing_view, name="missing"),
]
