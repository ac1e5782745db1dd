from __future__ import annotations

from django.db import models


class Epoch(models.Model):
    """One row that counts every change to what a decision depends on.

    Triggers raise `value` in the transaction of each change to the register, to policies and to
    keys; a record of a call is stored only while the epoch it was decided under still stands.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=1)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="epoch_is_one_row", condition=models.Q(id=1)),
        ]

    def __str__(self) -> str:
        return str(self.value)
