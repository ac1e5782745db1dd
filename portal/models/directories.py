"""Directories that provision people by SCIM (RFC 7643, RFC 7644), and what they said.

What a directory says of a person and of its groups is kept apart from the account: an account has
no field that a directory could write by naming it (decision 0030).
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from policies.models import Principal, PrincipalGroup
from portal.models.bearers import BearerToken, ends_within_a_year
from portal.models.people import User


class Directory(models.Model):
    """A directory, such as Entra ID or Okta, that creates, changes and ends people here.

    One of people makes accounts of this portal; one of principals says who the end users and
    services of the integrations are.
    """

    class Kind(models.TextChoices):
        PEOPLE = "people", "People who sign in here"
        PRINCIPALS = "principals", "Users and services of the integrations"

    name = models.CharField(
        max_length=80, unique=True, help_text="What it is, such as Entra ID of the company."
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PEOPLE)
    invites = models.BooleanField(
        "mail new people a link to set a password",
        default=False,
        help_text="Leave it off where people sign in by single sign-on.",
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "directories"
        permissions = [("end_directory", "Can end a directory and its tokens")]

    def __str__(self) -> str:
        return self.name


class DirectoryToken(BearerToken):
    """A secret by which a directory signs in at /scim/v2; the SHA-256 alone is kept."""

    directory = models.ForeignKey(Directory, on_delete=models.PROTECT, related_name="tokens")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta(BearerToken.Meta):
        default_permissions = ()
        constraints = [ends_within_a_year("directory_token_ends_within_a_year")]

    def __str__(self) -> str:
        return f"{self.directory} ({self.public_id})"


class DirectoryPerson(models.Model):
    """What a directory says of one person: a SCIM User. Never deleted; `deleted_at` says it ended.

    `active` is what the directory said last; whether the person may sign in is `user.is_active`.
    `ended_by_directory` says that their access ended because the directory said so: only then does
    it come back when the directory says so. `emails` are in lower case. `version` is the number of
    its state, as the ETag has it.
    """

    directory = models.ForeignKey(Directory, on_delete=models.PROTECT, related_name="people")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, null=True, related_name="+")
    user_name = models.CharField(max_length=254)
    external_id = models.CharField(max_length=254, blank=True)
    display_name = models.CharField(max_length=254, blank=True)
    formatted_name = models.CharField(max_length=254, blank=True)
    given_name = models.CharField(max_length=120, blank=True)
    family_name = models.CharField(max_length=120, blank=True)
    emails = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    ended_by_directory = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                "directory",
                Lower("user_name"),
                name="directory_person_one_user_name",
                condition=Q(deleted_at=None),
            ),
            models.UniqueConstraint(
                fields=["user"],
                name="directory_person_one_directory",
                condition=Q(deleted_at=None),
            ),
            models.UniqueConstraint(
                fields=["principal"],
                name="directory_principal_one_directory",
                condition=Q(deleted_at=None),
            ),
        ]
        indexes = [
            models.Index(fields=["directory", "external_id"]),
            GinIndex(fields=["emails"], opclasses=["jsonb_path_ops"], name="directory_emails"),
        ]

    def __str__(self) -> str:
        return self.user_name


class DirectoryGroup(models.Model):
    """A group as a directory pushed it.

    Of people: an administrator says here which roles it gives. Of principals: officers grant to
    `principal_group`, which has the same members.
    """

    directory = models.ForeignKey(Directory, on_delete=models.PROTECT, related_name="groups")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    display_name = models.CharField(max_length=254)
    external_id = models.CharField(max_length=254, blank=True)
    roles = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    principal_group = models.ForeignKey(
        PrincipalGroup, on_delete=models.PROTECT, null=True, related_name="+"
    )
    members = models.ManyToManyField(
        DirectoryPerson, through="DirectoryMember", related_name="groups"
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                "directory",
                Lower("display_name"),
                name="directory_group_one_name",
                condition=Q(deleted_at=None),
            ),
        ]
        indexes = [models.Index(fields=["directory", "external_id"])]

    def __str__(self) -> str:
        return self.display_name


class DirectoryMember(models.Model):
    """That a person is in a group, by what the directory says now."""

    group = models.ForeignKey(DirectoryGroup, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(DirectoryPerson, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["group", "person"], name="directory_member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"


class DirectoryEvent(models.Model):
    """What a directory did, by ids and counts alone; append-only.

    Source: 45 CFR 164.308(a)(4)(ii)(C), access establishment and modification.
    """

    class Kind(models.TextChoices):
        ADDED = "added", "Person added"
        CHANGED = "changed", "Person changed"
        ENDED = "ended", "Access ended"
        RETURNED = "returned", "Access given back"
        DELETED = "deleted", "Person removed"
        GROUP_ADDED = "group-added", "Group added"
        GROUP_CHANGED = "group-changed", "Group changed"
        GROUP_DELETED = "group-deleted", "Group removed"
        REFUSED = "refused", "Refused"

    directory = models.ForeignKey(Directory, on_delete=models.PROTECT, related_name="events")
    token = models.ForeignKey(DirectoryToken, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    kind = models.CharField(max_length=13, choices=Kind)
    person = models.ForeignKey(
        DirectoryPerson, on_delete=models.PROTECT, null=True, related_name="events"
    )
    group = models.ForeignKey(
        DirectoryGroup, on_delete=models.PROTECT, null=True, related_name="events"
    )
    joined = models.PositiveIntegerField(default=0, help_text="How many came into the group.")
    left = models.PositiveIntegerField(default=0, help_text="How many went out of it.")

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["directory", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
