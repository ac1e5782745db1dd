"""What is answered: resources, lists and errors as application/scim+json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from scim2_models import Context, Error, GroupMembership, ListResponse, Meta, Reference, Resource
from scim2_models import ResponseParameters as Shown

from policies.models import Principal
from portal.models import DirectoryGroup, DirectoryMember, DirectoryPerson
from portal.scim.errors import Refusal
from portal.scim.resources import Email, Group, Member, Name, User

MEDIA_TYPE = "application/scim+json"
BASE = "/scim/v2"
# Made once: each new subscript costs as much as the rest of an answer.
ShownHere = Shown[Any]
ALL = ShownHere()


def answer(body: Any, status: int = 200, **headers: str) -> JsonResponse:
    """A body with the media type of SCIM; nobody on the way keeps it."""
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def refusal(error: Error, **headers: str) -> JsonResponse:
    """An error as RFC 7644 writes it."""
    return answer(error.model_dump(), error.status or 400, **headers)


def location(kind: str, uid: object) -> str:
    """The address of a resource."""
    return f"{settings.PUBLIC_URL}{BASE}/{kind}s/{uid}"


def etag(row: DirectoryPerson | DirectoryGroup) -> str:
    """The number of the state, as a weak entity tag."""
    return f'W/"{row.version}"'


def meta(kind: str, row: DirectoryPerson | DirectoryGroup) -> Meta:
    return Meta(
        resource_type=kind,
        created=row.created_at,
        last_modified=row.changed_at,
        location=location(kind, row.uid),
        version=etag(row),
    )


def shown(request: HttpRequest) -> Shown[Any]:
    """Which attributes the request asks for. Raises: ValidationError."""
    chosen, hidden = request.GET.get("attributes"), request.GET.get("excludedAttributes")
    if chosen is None and hidden is None:
        return ALL
    return ShownHere.model_validate({"attributes": chosen, "excluded_attributes": hidden})


def asks_for(chosen: Shown[Any], attribute: str) -> bool:
    """Whether this attribute is among those that are answered."""
    if chosen.attributes is not None:
        return any(
            path.parts[:1] and path.parts[0].lower() == attribute for path in chosen.attributes
        )
    hidden = chosen.excluded_attributes or ()
    return all([part.lower() for part in path.parts] != [attribute] for path in hidden)


def dumped(resource: Resource[Any], chosen: Shown[Any] | None = None) -> dict[str, Any]:
    """The JSON of a resource with the attributes that were asked for."""
    return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=chosen)


def user_of(
    entry: DirectoryPerson,
    *,
    active: bool,
    groups: Sequence[DirectoryGroup] = (),
    model: type[User] = User,
) -> User:
    """The resource of a person; `active` is said by whoever asks for it."""
    name = Name(
        formatted=entry.formatted_name or None,
        given_name=entry.given_name or None,
        family_name=entry.family_name or None,
    )
    return model(
        id=str(entry.uid),
        external_id=entry.external_id or None,
        user_name=entry.user_name,
        name=name if any((name.formatted, name.given_name, name.family_name)) else None,
        display_name=entry.display_name or None,
        active=active,
        emails=[Email(**each) for each in entry.emails] or None,
        groups=[
            GroupMembership(
                value=str(each.uid),
                ref=Reference(location("Group", each.uid)),
                display=each.display_name,
                type="direct",
            )
            for each in groups
        ]
        or None,
        meta=meta("User", entry),
    )


def is_active(entry: DirectoryPerson) -> bool:
    """Whether the person has access: the directory says so, and nobody ended it here."""
    ended = entry.principal is not None and entry.principal.state == Principal.State.LEFT
    return entry.active and not ended and (entry.user is None or entry.user.is_active)


def groups_by_person(people: list[DirectoryPerson]) -> dict[int, list[DirectoryGroup]]:
    """The groups of each of these people; one query."""
    found: dict[int, list[DirectoryGroup]] = {}
    for row in DirectoryMember.objects.filter(
        person__in=people, group__deleted_at=None
    ).select_related("group"):
        found.setdefault(row.person_id, []).append(row.group)
    return found


def users(
    people: list[DirectoryPerson], chosen: Shown[Any], *, in_groups: bool = True
) -> list[dict[str, Any]]:
    """The JSON of people, with their groups where they are asked for."""
    groups = groups_by_person(people) if in_groups and asks_for(chosen, "groups") else {}
    return [
        dumped(user_of(each, active=is_active(each), groups=groups.get(each.pk, [])), chosen)
        for each in people
    ]


def group_of(row: DirectoryGroup, members: Sequence[Any] = ()) -> Group:
    """The resource of a group with the members of these ids."""
    return Group(
        id=str(row.uid),
        external_id=row.external_id or None,
        display_name=row.display_name,
        members=[
            Member(value=str(uid), ref=Reference(location("User", uid)), type="User")
            for uid in members
        ]
        or None,
        meta=meta("Group", row),
    )


def groups(rows: list[DirectoryGroup], chosen: Shown[Any]) -> list[dict[str, Any]]:
    """The JSON of groups, with their members where they are asked for; one query for all."""
    members: dict[int, list[Any]] = {}
    if asks_for(chosen, "members"):
        pairs = DirectoryMember.objects.filter(group__in=rows, person__deleted_at=None)
        for key, uid in pairs.order_by("pk").values_list("group_id", "person__uid"):
            members.setdefault(key, []).append(uid)
    return [dumped(group_of(row, members.get(row.pk, [])), chosen) for row in rows]


def page_of(request: HttpRequest, found: QuerySet[Any], most: int) -> tuple[int, int, list[Any]]:
    """How many there are, the number of the first one shown (from 1), and those shown.

    Raises: Refusal for a number that is none.
    """
    start = max(1, _number(request, "startIndex", 1))
    count = min(most, max(0, _number(request, "count", most)))
    total = found.count()
    return total, start, list(found[start - 1 : start - 1 + count]) if count else []


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = request.GET.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Refusal(400, "startIndex and count are whole numbers.", "invalidValue")
    return int(text)


def listed(total: int, start: int, resources: list[dict[str, Any]]) -> JsonResponse:
    """A list as RFC 7644, section 3.4.2, writes it."""
    return answer(
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )
