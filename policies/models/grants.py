from __future__ import annotations

from django.db import models


class PromptGrant(models.Model):
    """An actor who may send prompts through an integration: a view of grants and memberships.

    It holds grants that stand, from `starts_at` until just before `ends_at`, of actors who are
    active; who asks compares the moment. Read as of a day, it holds those that stood then. The gate
    asks it, and nothing that decides what a person may see.
    """

    id = models.CharField(
        primary_key=True, max_length=60, help_text="Grant and principal: 12:7, for a group's member"
    )
    grant_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    principal_id = models.BigIntegerField()
    actor = models.CharField(max_length=130, help_text="As calls name it: kind:identifier.")
    emergency = models.BooleanField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.actor} on {self.integration_id}"
