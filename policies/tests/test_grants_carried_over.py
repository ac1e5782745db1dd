"""What was given before there were grants becomes grants, once; an owner's reading does not."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace

from django.db import connection
from django.utils import timezone
from guardian.shortcuts import assign_perm

from policies.models import Grant
from policies.services.granting import settle
from policies.services.settling import Settled
from policies.services.trail import Kind, note_event
from policies.tests import make

carry_over = import_module("policies.migrations.0015_grants_decide").make_grants


def test_object_permissions_become_grants_by_the_officer_whom_the_trail_names(db, settings):
    integration, officer = make.integration(), make.person("officer")
    told, untold = make.person(), make.person()
    assign_perm("policies.send_prompt", told, integration)
    assign_perm("policies.read_log", untold, integration)
    note = f"{told.email}: send prompts"
    given_at = timezone.now() - dt.timedelta(hours=1)
    note_event(integration, Kind.GRANT_GIVEN, by=officer, at=given_at, note=note)
    for _ in range(2):
        carry_over(None, SimpleNamespace(connection=connection))
    found = {g.principal.user: g for g in Grant.objects.select_related("principal__user")}
    assert set(found) == {told, untold}
    assert (found[told].permission, found[told].decided_by) == ("send_prompt", officer)
    assert found[told].starts_at == given_at
    assert (found[untold].permission, found[untold].decided_by) == ("read_log", None)
    now = timezone.now()
    assert all(0 < (g.ends_at - now).days < settings.GRANT_DAYS for g in found.values())
    assert settle(now) == Settled()
