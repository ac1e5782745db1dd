from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def readable(self, user_id: int, list_name: str) -> SavedViewQuerySet:
        """The person's own views of a list and those shared with everybody, by name.

        Each has `is_default`: whether the person opens the list with it.
        """
        chosen = DefaultView.objects.filter(view=OuterRef("pk"), user_id=user_id)
        return (
            self.filter(Q(owner_id=user_id) | Q(is_shared=True), list_name=list_name)
            .select_related("owner")
            .annotate(is_default=Exists(chosen))
            .order_by(Lower("name"), "pk")
        )


class SavedView(models.Model):
    """How a person wants to see a list: its filters, its columns, its order.

    `query` holds the filters that were checked, by name, each a list of values as the address has
    them. Where a filter may take text that somebody else wrote (calls), no text is kept.
    """

    list_name = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    is_shared = models.BooleanField("shared with everybody", default=False)
    query = models.JSONField(default=dict, blank=True)
    columns = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    sort = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["list_name", "name"]
        default_permissions = ()
        permissions = [("share_savedview", "Can share a view of a list with everybody")]
        constraints = [
            models.UniqueConstraint(
                F("owner"),
                F("list_name"),
                Lower("name"),
                name="saved_view_name_once_a_list_and_owner",
                violation_error_message="You have a view of this name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DefaultView(models.Model):
    """The view with which a person opens a list."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    list_name = models.CharField(max_length=40)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["user", "list_name"],
                name="default_view_once_a_list_and_user",
                violation_error_message="One view of a list is the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.list_name}: {self.view}"
