"""A filter of RFC 7644, section 3.4.2.2, as a condition that the database decides."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Contains, EndsWith, Exact, StartsWith
from django.utils.dateparse import parse_datetime
from scim2_models.path import (
    AttrPath,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from scim2_models.path.expressions import CompareOperator

from portal.scim.errors import Refusal

ORDER = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
LOOKUPS = {"eq": Exact, "co": Contains, "sw": StartsWith, "ew": EndsWith}
NONE = Q(pk__in=[])
MOST_NODES = 50


def _refused() -> Refusal:
    words = "The filter asks for an attribute or a comparison that is not searched here."
    return Refusal(400, words, "invalidFilter")


@dataclass(frozen=True, slots=True)
class Field:
    """How one attribute is compared: its comparison by operator and value, and its presence."""

    compared: Callable[[str, Any], Q]
    present: Q


def words(column: str, *, exact: bool = False) -> Field:
    """Text in a column; unless `exact`, whatever its case."""

    def compared(op: str, value: Any) -> Q:
        if op not in LOOKUPS or not storable(value):
            raise _refused()
        if exact:
            return Q(LOOKUPS[op](F(column), value))
        return Q(LOOKUPS[op](Lower(F(column)), value.lower()))

    return Field(compared, ~Q(**{column: ""}))


def same(column: str, text: str) -> Q:
    """Whether a column has this text, whatever its case, as the unique indexes compare it."""
    return Q(Exact(Lower(F(column)), Lower(Value(text))))


def moments(column: str) -> Field:
    """A moment in a column; given as RFC 3339 has it."""

    def compared(op: str, value: Any) -> Q:
        try:
            moment = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or (op not in ORDER and op != "eq"):
            raise _refused()
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return Q(**{f"{column}__{ORDER.get(op, 'exact')}": moment})

    return Field(compared, Q(**{f"{column}__isnull": False}))


def ids(column: str) -> Field:
    """An id that we gave; what is none of ours is nobody's."""

    def compared(op: str, value: Any) -> Q:
        if op != "eq" or not isinstance(value, str):
            raise _refused()
        return ((found := read_id(value)) and Q(**{column: found})) or NONE

    return Field(compared, Q(**{f"{column}__isnull": False}))


def flags(condition: Q) -> Field:
    """True where the condition holds."""

    def compared(op: str, value: Any) -> Q:
        if op != "eq" or not isinstance(value, bool):
            raise _refused()
        return condition if value else ~condition

    return Field(compared, ~NONE)


def storable(value: object) -> bool:
    """Whether this is text that a database can hold."""
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_id(text: str) -> uuid.UUID | None:
    """An id in the one form that we give; None for any other text."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


class Conditions(FilterVisitor[Q]):
    """Turns a filter into a condition over the columns of one table.

    `fields` by attribute as `name.givenname`, in lower case; `lists` are attributes whose entries
    are JSON, and that are compared entry by entry.
    """

    def __init__(self, fields: Mapping[str, Field], lists: Mapping[str, str]) -> None:
        self.fields = fields
        self.lists = lists
        self.nodes = 0

    def visit(self, node: FilterNode) -> Q:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _refused()
        return super().visit(node)

    def visit_comparison(self, node: Comparison) -> Q:
        name = _name(node.attr_path)
        head = name.removesuffix(".value")
        if head in self.lists:
            return self._entry(head, {"value": node.value}, node.op)
        field = self._field(name)
        if node.op == CompareOperator.ne:
            return ~field.compared("eq", node.value)
        return field.compared(str(node.op.value), node.value)

    def visit_present(self, node: Present) -> Q:
        name = _name(node.attr_path)
        head = name.removesuffix(".value")
        return ~Q(**{self.lists[head]: []}) if head in self.lists else self._field(name).present

    def visit_not(self, node: Not) -> Q:
        return ~self.visit(node.expr)

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        terms = [self.visit(term) for term in node.terms]
        found = terms[0]
        for term in terms[1:]:
            found = found & term if node.op == LogicalOperator.and_ else found | term
        return found

    def visit_value_path(self, node: ValuePath) -> Q:
        head, inner = _name(node.attr_path), node.val_filter
        both = isinstance(inner, LogicalExpr) and inner.op == LogicalOperator.and_
        terms = inner.terms if both and isinstance(inner, LogicalExpr) else (inner,)
        if head not in self.lists:
            if len(terms) == 1 and isinstance(inner, Comparison):
                return self._field(f"{head}.{_name(inner.attr_path)}").compared(
                    str(inner.op.value), inner.value
                )
            raise _refused()
        entry = {}
        for term in terms:
            if not isinstance(term, Comparison) or term.op != CompareOperator.eq:
                raise _refused()
            entry[_name(term.attr_path)] = term.value
        return self._entry(head, entry, CompareOperator.eq)

    def _entry(self, head: str, entry: dict[str, Any], op: CompareOperator) -> Q:
        if op not in (CompareOperator.eq, CompareOperator.ne):
            raise _refused()
        if not all(isinstance(v, bool) or storable(v) for v in entry.values()):
            raise _refused()
        lowered = {k: v.lower() if isinstance(v, str) else v for k, v in entry.items()}
        found = Q(**{f"{self.lists[head]}__contains": [lowered]})
        return ~found if op == CompareOperator.ne else found

    def _field(self, name: str) -> Field:
        if name not in self.fields:
            raise _refused()
        return self.fields[name]


def _name(path: AttrPath) -> str:
    return f"{path.attr}.{path.sub_attr}".lower() if path.sub_attr else path.attr.lower()


USER_FIELDS = {
    "id": ids("uid"),
    "username": words("user_name"),
    "externalid": words("external_id", exact=True),
    "displayname": words("display_name"),
    "name.formatted": words("formatted_name"),
    "name.givenname": words("given_name"),
    "name.familyname": words("family_name"),
    "active": flags(
        Q(active=True)
        & (Q(user=None) | Q(user__is_active=True))
        & (Q(principal=None) | ~Q(principal__state="left"))
    ),
    "groups": ids("groups__uid"),
    "groups.value": ids("groups__uid"),
    "meta.created": moments("created_at"),
    "meta.lastmodified": moments("changed_at"),
}
USER_LISTS = {"emails": "emails"}
GROUP_FIELDS = {
    "id": ids("uid"),
    "displayname": words("display_name"),
    "externalid": words("external_id", exact=True),
    "members": ids("members__uid"),
    "members.value": ids("members__uid"),
    "meta.created": moments("created_at"),
    "meta.lastmodified": moments("changed_at"),
}
