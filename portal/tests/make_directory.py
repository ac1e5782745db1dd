"""A directory with a token, and a client that speaks SCIM for it."""

from __future__ import annotations

import datetime as dt
import itertools
import json

from django.test import Client
from django.utils import timezone

from policies.services.people import sync_roles
from policies.tests.make import person
from portal.models import Directory, DirectoryGroup, DirectoryPerson
from portal.services.directory_tokens import issue_token, make_directory

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
_number = itertools.count(1)


def directory(kind: str = "people", *, at: dt.datetime | None = None, **more):
    """A directory and the secret of its token, made by an administrator."""
    at = at or timezone.now()
    sync_roles()
    by = person("administrator")
    made = make_directory(f"Directory {next(_number)}", kind=kind, by=by, at=at, **more)
    _token, secret = issue_token(made, days=30, by=by, at=at)
    return made, secret


class Scim:
    """Asks /scim/v2 as a directory does."""

    def __init__(self, kind: str = "people", **more) -> None:
        self.directory: Directory
        self.directory, self.secret = directory(kind, **more)
        self.client = Client()

    def ask(self, method: str, path: str, body: object = None, **headers: str):
        sent = {} if body is None else {"data": json.dumps(body)}
        return self.client.generic(
            method,
            f"/scim/v2/{path}",
            content_type="application/scim+json",
            headers={"Authorization": f"Bearer {self.secret}", **headers},
            **sent,
        )

    def get(self, path: str, **query: str):
        return self.client.get(
            f"/scim/v2/{path}", query, headers={"Authorization": f"Bearer {self.secret}"}
        )

    def patch(self, path: str, *operations: dict, **headers: str):
        body = {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}
        return self.ask("PATCH", path, body, **headers)

    def add(self, user_name: str = "", **more) -> DirectoryPerson:
        """A person, as their directory would make them."""
        user_name = user_name or f"p{next(_number)}@example.com"
        body = {"schemas": [USER_SCHEMA], "userName": user_name, **more}
        answer = self.ask("POST", "Users", body)
        assert answer.status_code == 201, answer.text
        return DirectoryPerson.objects.get(uid=answer.json()["id"])

    def add_group(self, name: str, *members: DirectoryPerson) -> DirectoryGroup:
        listed = [{"value": str(each.uid)} for each in members]
        body = {"schemas": [GROUP_SCHEMA], "displayName": name, "members": listed}
        answer = self.ask("POST", "Groups", body)
        assert answer.status_code == 201, answer.text
        return DirectoryGroup.objects.get(uid=answer.json()["id"])
