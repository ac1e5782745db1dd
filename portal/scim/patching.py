"""PATCH as it is really sent: what Entra ID and Okta write, in the form that RFC 7644 gives it.

Seen in their documentation (docs/sources.md): `Replace` with a capital, true and false as text,
operations without a path whose value has paths as its names, an `id` among what is replaced, and a
removal of members by value. The rest scim2-models reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from scim2_models import Context, PatchOp, Path, Resource
from scim2_models.path import Comparison, FilterNode, LogicalExpr, LogicalOperator
from scim2_models.path.expressions import CompareOperator

from portal.scim.errors import Refusal, invalid
from portal.scim.resources import POLICY, Group

R = TypeVar("R", bound="Resource[Any]")

MESSAGE = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST_OPERATIONS = 1_000
# What every resource has and no directory sets; Okta sends `id` along with what it replaces.
COMMON = {"id", "schemas", "meta", "groups"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `op` is add, remove or replace; without a path it is about the resource."""

    op: str
    path: str
    value: Any

    def body(self) -> dict[str, Any]:
        """As the standard writes it."""
        body: dict[str, Any] = {"op": self.op}
        if self.path:
            body["path"] = self.path
        if self.op != "remove" or self.value is not None:
            body["value"] = self.value
        return body


def operations(body: object) -> list[Operation]:
    """The operations of a request, one attribute or path each.

    Raises: Refusal for what is no PATCH.
    """
    listed = member(body, "operations")
    if not isinstance(listed, list) or not listed or len(listed) > MOST_OPERATIONS:
        raise Refusal(400, f"A PATCH has 1 to {MOST_OPERATIONS} operations.", "invalidSyntax")
    return [each for one in listed for each in _split(one)]


def member(body: object, name: str) -> object:
    """A member of an object by its name in lower case, whatever the case it was sent in."""
    if not isinstance(body, dict):
        return None
    return next((value for key, value in body.items() if str(key).lower() == name), None)


def _split(one: object) -> Iterator[Operation]:
    op, path, value = (member(one, name) for name in ("op", "path", "value"))
    if not isinstance(op, str) or op.lower() not in ("add", "remove", "replace"):
        raise invalid("An operation is add, remove or replace.")
    if path is not None and not isinstance(path, str):
        raise Refusal(400, "A path is text.", "invalidPath")
    if path or not isinstance(value, dict):
        yield Operation(op.lower(), path or "", _plain(path or "", value))
        return
    for name, inner in value.items():
        if str(name).lower() not in COMMON:
            yield Operation(op.lower(), str(name), _plain(str(name), inner))


def _plain(path: str, value: Any) -> Any:
    """A value as its attribute has it: [{"value": x}] for one plain attribute becomes x."""
    last = path.rsplit(":", 1)[-1].lower()
    single = last in ("active", "username", "displayname", "externalid")
    if single and isinstance(value, list) and len(value) == 1:
        value = member(value[0], "value")
    if last == "active" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    return value


@cache
def _patch_of(model: type[R]) -> type[PatchOp[R]]:
    """The message that changes such a resource; to make it costs more than to read one."""
    made: type[PatchOp[R]] = PatchOp.__class_getitem__(model)
    return made


def patched(model: type[R], resource: R, asked: list[Operation]) -> R:
    """The resource after the operations; all or none. Raises: SCIMException, ValidationError."""
    if asked:
        body = {"schemas": [MESSAGE], "Operations": [each.body() for each in asked]}
        message = _patch_of(model).model_validate(
            body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY
        )
        message.patch(resource, scim_policy=POLICY)
    return resource


@dataclass(frozen=True, slots=True)
class Membership:
    """What an operation does to the members of a group: `ids` are as they were sent.

    `op` is add, remove, replace, or clear where a removal names nobody: all of them.
    """

    op: str
    ids: tuple[str, ...]


def memberships(asked: list[Operation]) -> tuple[list[Membership], list[Operation]]:
    """The operations on members, which become SQL, and the others."""
    about: list[Membership] = []
    others: list[Operation] = []
    for each in asked:
        path = Path[Group](each.path) if each.path else None
        if path is None or [part.lower() for part in path.parts[:1]] != ["members"]:
            others.append(each)
        else:
            about.append(_membership(each, path.value_filter))
    return about, others


def _membership(each: Operation, chosen: FilterNode | None) -> Membership:
    if chosen is not None:
        if each.op != "remove":
            raise Refusal(400, "A member is added or removed, not changed.", "mutability")
        return Membership("remove", tuple(_compared(chosen)))
    if each.op == "remove" and each.value is None:
        return Membership("clear", ())
    return Membership(each.op, member_ids(each.value))


def _compared(node: FilterNode) -> Iterator[str]:
    """The ids that `value eq "x"`, or several joined by `or`, ask for."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.or_:
        for term in node.terms:
            yield from _compared(term)
        return
    if (
        not isinstance(node, Comparison)
        or node.attr_path.attr.lower() != "value"
        or node.op != CompareOperator.eq
        or not isinstance(node.value, str)
    ):
        raise Refusal(400, 'Members are chosen by value eq "...".', "invalidFilter")
    yield node.value


def member_ids(value: object) -> tuple[str, ...]:
    """The ids in a list of members, or in one member. Raises: Refusal."""
    listed = value if isinstance(value, list) else [value] if value is not None else []
    ids = [member(each, "value") if isinstance(each, dict) else each for each in listed]
    if not all(isinstance(each, str) for each in ids):
        raise invalid("A member has its id as value.")
    return tuple(str(each) for each in ids)
