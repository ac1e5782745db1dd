"""Registers where a provider's counts come from, and whose they are."""

from __future__ import annotations

import datetime as dt

from audits.models import UsageMapping, UsageSource
from vendors.services.saving import save_checked


def register_source(source: UsageSource, *, at: dt.datetime) -> UsageSource:
    """Store a new source, given unsaved. Raises: ValidationError."""
    source.created_at = at
    save_checked(source)
    return source


def add_mapping(line: UsageMapping) -> UsageMapping:
    """Store whose counts these are, given unsaved. Raises: ValidationError."""
    save_checked(line)
    return line
