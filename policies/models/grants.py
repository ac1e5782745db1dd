from __future__ import annotations

from django.db import models


class PromptGrant(models.Model):
    """An active person who may send prompts through an integration: a view of the grants.

    Read as of a day, it holds who had the grant and was active then; the gate asks it, and nothing
    that decides what a person may see.
    """

    id = models.BigIntegerField(primary_key=True)
    object_pk = models.CharField(max_length=255, help_text="The integration's id, as guardian has.")
    user_id = models.BigIntegerField()
    email = models.EmailField()

    class Meta:
        managed = False
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.email} on {self.object_pk}"
