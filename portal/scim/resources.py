"""The resources that are served: a User and a Group of what this portal knows, and no more.

They have the standard's schemas with fewer attributes (RFC 7643, section 3: a service provider says
which it supports). An attribute that is not here is taken and dropped, so neither `password` nor
`is_superuser` in a body has a field to reach.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    GroupMembership,
    Mutability,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    Uniqueness,
)

# What directories really send: attributes we have no use for, values with a removal, paths to an
# entry that is not there yet (Entra ID's documentation, docs/sources.md).
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class Name(ComplexAttribute):
    """The parts of a person's name."""

    formatted: Annotated[str | None, Field(max_length=254)] = None
    given_name: Annotated[str | None, Field(max_length=120)] = None
    family_name: Annotated[str | None, Field(max_length=120)] = None


class Email(ComplexAttribute):
    """An e-mail address, kept in lower case."""

    value: Annotated[str | None, Required.true, Field(max_length=254)] = None
    type: Annotated[str | None, Field(max_length=20, examples=["work", "home", "other"])] = None
    primary: bool | None = None


class User(Resource[Any]):
    """A person whose access a directory gives and ends."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[
        str | None, Uniqueness.server, Required.true, Field(min_length=1, max_length=254)
    ] = None
    name: Name | None = None
    display_name: Annotated[str | None, Field(max_length=254)] = None
    active: Annotated[bool | None, Required.true] = None
    emails: Annotated[list[Email] | None, Required.true, Field(max_length=20)] = None
    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None


class PrincipalUser(User):
    """Who calls through integrations; the user name is the id that calls carry."""

    emails: Annotated[list[Email] | None, Required.false, Field(max_length=20)] = None


class Member(ComplexAttribute):
    """A person in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true, Required.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group of people; an administrator says in the portal which roles it gives."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[
        str | None, Uniqueness.server, Required.true, Field(min_length=1, max_length=254)
    ] = None
    members: list[Member] | None = None
