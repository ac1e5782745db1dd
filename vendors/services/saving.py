"""Stores a row so that what the database refuses reads like what the model refuses."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction

from vendors.models import Vendor

Row = TypeVar("Row", bound=models.Model)


def save_checked(row: models.Model) -> None:
    """Check the row by every rule of its model, then save it.

    Raises: ValidationError, also where another row got in between the check and the save. The
    database's own words are dropped: they hold the whole row.
    """
    row.full_clean()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        message = _violated(row, error)
        if message is None:
            raise
        raise ValidationError(message) from None


def _violated(row: models.Model, error: IntegrityError) -> str | None:
    """The message of the row's constraint that the database names, if it names one."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    for _, constraints in row.get_constraints():
        for constraint in constraints:
            if constraint.name == name:
                return str(constraint.violation_error_message)
    return None


def copy_of(row: Row, **changes: Any) -> Row:
    """An unsaved row with the same values but for its id and what `changes` names."""
    values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
    del values[row._meta.pk.attname]
    return type(row)(**{**values, **changes})


def lock_vendor(vendor: Vendor) -> None:
    """Until the transaction ends, let nobody else record papers of this vendor.

    So the check for overlaps sees every row, and two at once cannot deadlock on the constraint.
    """
    Vendor.objects.select_for_update(no_key=True).only("pk").get(pk=vendor.pk)


def raise_epoch_at_commit() -> None:
    """Raise the epoch when this transaction commits, rather than at its first change.

    For a transaction of many rows: records of calls wait from the rise of the epoch to the commit,
    so they wait a moment only. Until then they are decided by what was committed before, under the
    epoch that still stands. Call it inside `transaction.atomic()`, before the first change.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('countersign.epoch_at_commit', 'on', true)")
