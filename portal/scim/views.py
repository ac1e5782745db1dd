"""Users and Groups at /scim/v2."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from scim2_models import ScimFilter

from portal.models import DirectoryGroup, DirectoryPerson
from portal.scim import answers, filters, groups, people, writes
from portal.scim.asking import door, known, sent, unchanged
from portal.scim.callers import Caller
from portal.scim.errors import Refusal

# How many one answer lists, and how long a filter may be.
MOST_RESULTS = 200
LONGEST_FILTER = 2_000


def _filtered(
    request: HttpRequest, rows: QuerySet[Any], conditions: filters.Conditions
) -> QuerySet[Any]:
    text = request.GET.get("filter", "")
    if not text:
        return rows
    if len(text) > LONGEST_FILTER:
        raise Refusal(400, f"A filter has at most {LONGEST_FILTER} characters.", "invalidFilter")
    return rows.filter(conditions.visit(ScimFilter(text).ast)).distinct()


def _one(request: HttpRequest, row: DirectoryPerson | DirectoryGroup, status: int) -> HttpResponse:
    """A resource as it is answered."""
    body: dict[str, Any]
    if isinstance(row, DirectoryPerson):
        # Who was just made is in no group.
        [body] = answers.users([row], answers.shown(request), in_groups=status != 201)
        place = answers.location("User", row.uid)
    else:
        [body] = answers.groups([row], answers.shown(request))
        place = answers.location("Group", row.uid)
    return answers.answer(body, status, ETag=answers.etag(row), Location=place)


def user_list(caller: Caller, request: HttpRequest) -> HttpResponse:
    chosen = answers.shown(request)
    conditions = filters.Conditions(filters.USER_FIELDS, filters.USER_LISTS)
    rows = _filtered(request, people.people_of(caller.directory), conditions)
    total, start, page = answers.page_of(request, rows, MOST_RESULTS)
    caller.note_read("list", "portal.directoryperson", len(page))
    return answers.listed(total, start, answers.users(page, chosen))


def user_create(caller: Caller, request: HttpRequest) -> HttpResponse:
    return _one(request, writes.create_user(caller, sent(request)), 201)


def user_detail(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    entry = people.found(caller, filters.read_id(uid))
    caller.note_read("detail", "portal.directoryperson", 1, str(entry.uid))
    if unchanged(request, entry):
        return HttpResponse(status=304, headers={"ETag": answers.etag(entry)})
    return _one(request, entry, 200)


def user_replace(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    entry = writes.replace_user(caller, uid, sent(request), known=known(request))
    return _one(request, entry, 200)


def user_patch(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    entry = writes.patch_user(caller, uid, sent(request), known=known(request))
    return _one(request, entry, 200)


def user_delete(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    writes.delete_user(caller, uid, known=known(request))
    return HttpResponse(status=204)


def group_list(caller: Caller, request: HttpRequest) -> HttpResponse:
    chosen = answers.shown(request)
    conditions = filters.Conditions(filters.GROUP_FIELDS, {})
    rows = _filtered(request, groups.groups_of(caller.directory), conditions)
    total, start, page = answers.page_of(request, rows, MOST_RESULTS)
    caller.note_read("list", "portal.directorygroup", len(page))
    return answers.listed(total, start, answers.groups(page, chosen))


def group_create(caller: Caller, request: HttpRequest) -> HttpResponse:
    return _one(request, writes.create_group(caller, sent(request)), 201)


def group_detail(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    group = groups.found(caller, filters.read_id(uid))
    caller.note_read("detail", "portal.directorygroup", 1, str(group.uid))
    if unchanged(request, group):
        return HttpResponse(status=304, headers={"ETag": answers.etag(group)})
    return _one(request, group, 200)


def group_replace(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    group = writes.replace_group(caller, uid, sent(request), known=known(request))
    return _one(request, group, 200)


def group_patch(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    group = writes.patch_group(caller, uid, sent(request), known=known(request))
    return _one(request, group, 200)


def group_delete(caller: Caller, request: HttpRequest, uid: str) -> HttpResponse:
    writes.delete_group(caller, uid, known=known(request))
    return HttpResponse(status=204)


user_list_view = door({"GET": user_list, "POST": user_create})
user_detail_view = door(
    {"GET": user_detail, "PUT": user_replace, "PATCH": user_patch, "DELETE": user_delete}
)
group_list_view = door({"GET": group_list, "POST": group_create})
group_detail_view = door(
    {"GET": group_detail, "PUT": group_replace, "PATCH": group_patch, "DELETE": group_delete}
)
