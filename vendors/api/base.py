"""What every view of the register's API does: who may, what is sent, what is answered."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from countersign.problems import MEDIA_TYPE, PROBLEMS
from vendors.api import filtering
from vendors.bodies.reading import (
    IDEMPOTENCY_KEY,
    JSON_TYPE,
    MAX_BYTES,
    BadBody,
    Reader,
    request_id,
)
from vendors.bodies.register import READER
from vendors.reads import note_read
from vendors.services.replays import Replay, ReusedKey, keep, replayed

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

B = TypeVar("B", bound=msgspec.Struct)
QUOTING = {"invalid_choice"}


class Problem(Exception):
    """The answer is a problem of this code; `fields` are pairs of a field and what is wrong."""

    def __init__(self, code: str, *fields: tuple[str, str]) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Made:
    """What a POST stored: its answer and its address."""

    answer: msgspec.Struct
    location: str


def problem(code: str, *fields: tuple[str, str]) -> HttpResponse:
    """The problem as RFC 9457 has it."""
    members = {"errors": [{"field": f, "error": e} for f, e in fields]} if fields else {}
    body = msgspec.json.encode(PROBLEMS[code].body(code, **members))
    return HttpResponse(body, status=PROBLEMS[code].status, content_type=MEDIA_TYPE)


def tag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}


class RegisterView(APIView):
    """A view of the register for people, by session or by a token of theirs.

    `permissions` says what a method asks for beyond the token's scope; `subject` is what a read of
    it is recorded as.
    """

    http_method_names = ["get", "head", "post", "patch"]
    token_scopes: ClassVar[Mapping[str, str]] = {
        "GET": "register:read",
        "POST": "register:write",
        "PATCH": "register:write",
    }
    permissions: ClassVar[Mapping[str, str]] = {}
    subject: ClassVar[str] = ""
    reader: ClassVar[Reader] = READER

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.headers["X-Request-ID"] = request_id(
            {name.lower(): value for name, value in request.headers.items()}
        )
        super().initial(request, *args, **kwargs)
        who = request.user
        if not isinstance(who, AbstractBaseUser):
            raise Problem("token-required")
        method = "GET" if request.method == "HEAD" else str(request.method)
        needed = self.permissions.get(method)
        assert isinstance(who, PermissionsMixin)
        if needed is not None and not who.has_perm(needed):
            raise PermissionDenied

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Problem):
            return problem(exc.code, *exc.fields)
        return super().handle_exception(exc)

    def person(self, request: Request) -> User:
        assert isinstance(request.user, AbstractBaseUser)
        user: Any = request.user
        person: User = user
        return person

    # Reading

    def listed(
        self,
        request: Request,
        rows: QuerySet[Any],
        filters: Mapping[str, filtering.Filter],
        answer: Callable[[list[Any]], msgspec.Struct],
    ) -> HttpResponse:
        """A page of the rows, newest first, recorded as read."""
        try:
            query = filtering.asked(request.query_params, filters, self.subject)
        except filtering.BadQuery as bad:
            raise Problem(
                "invalid-parameter", *([(bad.name, "is not valid")] if bad.name else [])
            ) from None
        found, more = filtering.page(rows, query, self.subject)
        self.read(request, "list", len(found), filters=query.applied)
        response = self.shown(request, answer(found))
        if more:
            following = request.query_params.copy()
            following["cursor"] = more
            path = request.build_absolute_uri(request.path)
            response["Link"] = f'<{path}?{following.urlencode()}>; rel="next"'
        return response

    def read(
        self,
        request: Request,
        action: str,
        row_count: int,
        *,
        subject_id: str = "",
        filters: Mapping[str, object] | None = None,
    ) -> None:
        """Have the read recorded; it is answered only after this."""
        what = (action, self.subject)
        note_read(request, what, row_count, subject_id=subject_id, filters=filters)

    def shown(self, request: Request, content: msgspec.Struct) -> HttpResponse:
        """The answer with its ETag; without a body if the caller has it."""
        body = msgspec.json.encode(content)
        tag = tag_of(body)
        held = tag in _tags(request.headers.get("If-None-Match", ""))
        response = HttpResponse(status=304) if held else _json(body, 200)
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response

    # Writing

    def body(self, request: Request, kind: type[B]) -> B:
        """The body as the structure `kind`. Raises: Problem."""
        if not JSON_TYPE.fullmatch(request.headers.get("Content-Type", "").strip()):
            raise Problem("unsupported-media-type")
        sent: bytes = request.read(MAX_BYTES + 1)
        if len(sent) > MAX_BYTES:
            raise Problem("body-too-large")
        try:
            return self.reader.parse(kind, sent)
        except BadBody as bad:
            named = [(bad.field, bad.error)] if bad.error else []
            raise Problem(bad.code, *named) from None

    def create(
        self, request: Request, kind: type[B], make: Callable[[B, User, dt.date], Made]
    ) -> HttpResponse:
        """Store what the body describes, once for each Idempotency-Key; 201, or 200 for a repeat.

        `make` runs in a transaction. Raises: Problem.
        """
        key = request.headers.get("Idempotency-Key", "")
        if key and not IDEMPOTENCY_KEY.fullmatch(key):
            raise Problem("invalid-header", ("Idempotency-Key", "pattern"))
        body, by = self.body(request, kind), self.person(request)
        sent = request.path.encode() + b"\n" + msgspec.json.encode(body, order="sorted")
        at = timezone.now()
        replay = Replay(by.pk, key.strip('"'), hashlib.sha256(sent).hexdigest())
        with transaction.atomic(), refusing():
            try:
                kept = replayed(replay) if key else None
            except ReusedKey:
                raise Problem("idempotency-key-reused") from None
            if kept is not None:
                response = _json(bytes(kept.body), 200)
                response["Idempotent-Replayed"] = "true"
                response["Location"] = kept.location
                return response
            made = make(body, by, timezone.localdate(at))
            encoded = msgspec.json.encode(made.answer)
            if key:
                keep(replay, body=encoded, location=made.location, at=at)
        response = _json(encoded, 201)
        response["Location"] = made.location
        response["ETag"] = tag_of(encoded)
        return response

    def change(
        self,
        request: Request,
        kind: type[B],
        row: Callable[[], Any],
        answer: Callable[[Any], msgspec.Struct],
        apply: Callable[[Any, B], Any],
    ) -> HttpResponse:
        """Change a row that still is what the caller's If-Match says. Raises: Problem.

        `row` gets it locked; `apply` stores the change and returns the row.
        """
        body = self.body(request, kind)
        held = request.headers.get("If-Match")
        if held is None:
            raise Problem("precondition-required")
        with transaction.atomic(), refusing():
            stored = row()
            tag = tag_of(msgspec.json.encode(answer(stored)))
            if held.strip() != "*" and tag not in _tags(held):
                raise Problem("precondition-failed")
            encoded = msgspec.json.encode(answer(apply(stored, body)))
        response = _json(encoded, 200)
        response["ETag"] = tag_of(encoded)
        return response


def _json(body: bytes, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


class refusing:  # noqa: N801 - reads as a word of the with statement
    """What the register's rules refuse becomes a problem, with our messages and no content."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValidationError):
            raise Problem("refused", *_fields(error)) from None


def _fields(error: ValidationError) -> list[tuple[str, str]]:
    errors = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    return [
        ("" if name == "__all__" else name, _message(each))
        for name, found in errors.items()
        for each in found
    ]


def _message(error: ValidationError) -> str:
    return "is not valid" if error.code in QUOTING else " ".join(error.messages)
