"""What this service provider can do, as RFC 7644, section 4, has directories ask."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    ETag,
    Filter,
    Meta,
    Patch,
    Reference,
    Resource,
    ResourceType,
    ServiceProviderConfig,
    Sort,
)

from portal.scim.answers import BASE, answer, listed
from portal.scim.asking import door
from portal.scim.bulk import MOST_OPERATIONS
from portal.scim.callers import Caller
from portal.scim.errors import Refusal
from portal.scim.resources import Group, User
from portal.scim.views import MOST_RESULTS
from portal.scim.writes import user_model


def _placed(resource: Resource[Any], kind: str, place: str) -> dict[str, Any]:
    resource.meta = Meta(resource_type=kind, location=f"{settings.PUBLIC_URL}{BASE}/{place}")
    return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def schemas(caller: Caller) -> dict[str, dict[str, Any]]:
    """The schemas of what is served to this directory, by their URN."""
    made = {}
    for model, name in ((user_model(caller), "User"), (Group, "Group")):
        schema = model.to_schema()
        schema.name = name
        made[str(model.__schema__)] = _placed(schema, "Schema", f"Schemas/{model.__schema__}")
    return made


def resource_types() -> dict[str, dict[str, Any]]:
    """The types of resources that are served, by name."""
    return {
        name: _placed(ResourceType.from_resource(model), "ResourceType", f"ResourceTypes/{name}")
        for name, model in (("User", User), ("Group", Group))
    }


def config(_caller: Caller, _request: HttpRequest) -> HttpResponse:
    scheme = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="Bearer token",
        description="A token of the directory, made in the portal, in the header Authorization.",
        spec_uri=Reference("https://www.rfc-editor.org/rfc/rfc6750"),
        primary=True,
    )
    made = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(
            supported=True,
            max_operations=MOST_OPERATIONS,
            max_payload_size=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        ),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[scheme],
    )
    return answer(_placed(made, "ServiceProviderConfig", "ServiceProviderConfig"))


def _all(request: HttpRequest, found: dict[str, dict[str, Any]]) -> HttpResponse:
    if "filter" in request.GET:
        raise Refusal(403, "What the service can do is not filtered.")
    return listed(len(found), 1, list(found.values()))


def _known(found: dict[str, dict[str, Any]], name: str) -> HttpResponse:
    if name not in found:
        raise Refusal(404, "No such schema or type of resource.")
    return answer(found[name])


def missing(_caller: Caller, _request: HttpRequest, **_parts: str) -> HttpResponse:
    raise Refusal(404, "No such address.")


def unsupported(_caller: Caller, _request: HttpRequest, **_parts: str) -> HttpResponse:
    raise Refusal(501, "This operation is not offered: ask for /Users or /Groups.")


config_view = door({"GET": config})
schema_list_view = door({"GET": lambda caller, request: _all(request, schemas(caller))})
schema_view = door({"GET": lambda caller, _request, name: _known(schemas(caller), name)})
type_list_view = door({"GET": lambda _caller, request: _all(request, resource_types())})
type_view = door({"GET": lambda _caller, _request, name: _known(resource_types(), name)})
ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")
missing_view = door(dict.fromkeys(ANY, missing))
unsupported_view = door(dict.fromkeys(ANY, unsupported))
