"""Views of lists that people keep: each step is theirs alone, sharing needs a permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from vendors.models import DefaultView, SavedView
from vendors.services.saving import save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

# No more than a person can tell apart; shared ones of others come on top.
MOST = 50


class NotAllowed(Exception):
    """The step is not for this person; says why to them."""


def keep_view(view: SavedView, *, by: User) -> SavedView:
    """Store a view, new or changed; the name is free as far as this person goes.

    Raises: ValidationError; NotAllowed for who is not its owner, who may not share, who has many.
    """
    if view.owner_id != by.pk:
        raise NotAllowed("Only who made a view changes it.")
    if view.is_shared and not by.has_perm("vendors.share_savedview"):
        raise NotAllowed("Sharing a view with everybody needs a permission that you do not have.")
    own = SavedView.objects.filter(owner=by, list_name=view.list_name)
    if view.pk is None and own.count() >= MOST:
        raise NotAllowed(f"You have {MOST} views of this list: delete one first.")
    save_checked(view)
    return view


@transaction.atomic
def drop_view(view: SavedView, *, by: User) -> None:
    """Delete a view; whoever began with it begins with the whole list again.

    Its owner may, and for a shared one also who may share. Raises: NotAllowed.
    """
    shared = view.is_shared and by.has_perm("vendors.share_savedview")
    if view.owner_id != by.pk and not shared:
        raise NotAllowed("Only who made a view deletes it.")
    view.delete()


@transaction.atomic
def begin_with(view: SavedView | None, *, list_name: str, by: User) -> None:
    """Open the list with this view from now on, or with no view."""
    DefaultView.objects.filter(user=by, list_name=list_name).delete()
    if view is not None:
        save_checked(DefaultView(user=by, list_name=list_name, view=view))
