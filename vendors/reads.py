"""Has a read recorded: the trail of reads lies above this app, and the settings name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.request import Request


@cache
def _reader_of_reads() -> Callable[..., None]:
    """What records that somebody read: an app above this one."""
    found: Callable[..., None] = import_string(settings.REGISTER_READS)
    return found


def checked(form: Form, *names: str) -> dict[str, str]:
    """The values of these fields that were set and passed their checks, for the record."""
    said = form.cleaned_data if form.is_valid() else {}
    return {name: str(said[name]) for name in names if said.get(name)}


def note_read(
    request: HttpRequest | Request,
    what: tuple[str, str],
    row_count: int,
    *,
    subject_id: str = "",
    filters: Mapping[str, object] | None = None,
) -> None:
    """Have it stored that the person read it; a read is answered only after this.

    `what` is an action of ReadEvent and what kind of thing, such as ("list", "policies.grant");
    `filters` are those that were checked, never what was typed.
    """
    action, subject = what
    _reader_of_reads()(
        request,
        action=action,
        subject=subject,
        row_count=row_count,
        subject_id=subject_id,
        filters=dict(filters or {}),
    )
