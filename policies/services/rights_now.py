"""What a person may do with integrations at this very moment, whatever day a page speaks of.

A grant that comes to its end does so by the clock, and guardian's row of it follows up to a minute
later; so of what grants give, the grants are asked, by the database's clock. Guardian is asked of
the rest. The tables that a past day has too are named with their schema: what a reader may see is
what they may see today (`vendors.as_of`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from policies.models import Grant, Integration
from vendors import as_of

if TYPE_CHECKING:
    from policies.services.trail import Person

# Whose own it is and whose group's it is are asked one by one, each by its own index.
_STANDS = """p.user_id = %(user)s AND p.state = 'active' AND g.state = 'standing'
    AND g.starts_at <= statement_timestamp() AND g.ends_at > statement_timestamp()"""
_HELD = """
SELECT DISTINCT integration_id, permission
FROM (
  SELECT g.integration_id, g.permission
  FROM public.policies_grant g
  JOIN public.policies_principal p ON p.id = g.principal_id
  WHERE {stands}
  UNION ALL
  SELECT g.integration_id, g.permission
  FROM public.policies_grant g
  JOIN public.policies_groupmembership m ON m.group_id = g.group_id
  JOIN public.policies_principal p ON p.id = m.principal_id
  WHERE {stands}
  UNION ALL
  SELECT i.id, 'read_log'
  FROM public.policies_integration i
  WHERE i.owner_id = %(user)s
  UNION ALL
  SELECT i.id, p.codename
  FROM guardian_userobjectpermission o
  JOIN auth_permission p ON p.id = o.permission_id
  JOIN django_content_type t ON t.id = o.content_type_id
  JOIN public.policies_integration i ON i.id::text = o.object_pk
  WHERE o.user_id = %(user)s AND t.app_label = 'policies' AND t.model = 'integration'
    AND p.codename <> ALL (%(granted)s)
) held
WHERE %(integration)s::bigint IS NULL OR integration_id = %(integration)s::bigint
""".replace("{stands}", _STANDS)


def held_on(person: Person, integration: Integration) -> frozenset[str]:
    """The permissions that a person holds on this one, without the app's name; one query.

    By grants, by a group's too, and as its owner; not what they hold by role.
    """
    if not person.is_active:
        return frozenset()
    found = _held(person.pk, integration.pk)
    return frozenset(name for _, name in found if not as_of.forbids(name))


def integrations_with(user_id: int, permission: str) -> set[int]:
    """The ids of integrations on which a person holds one of `Grant.Permission`; one query."""
    return {pk for pk, name in _held(user_id) if name == permission}


def _held(user_id: int, integration_id: int | None = None) -> list[tuple[int, str]]:
    asked = {
        "user": user_id,
        "integration": integration_id,
        "granted": Grant.Permission.values,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HELD, asked)
        return [(pk, name) for pk, name in cursor.fetchall()]
