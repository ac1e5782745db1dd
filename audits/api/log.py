"""The ledger for everybody's tools: checkpoints, tiles, proofs (C2SP tlog-tiles).

Served below /log/ and /api/v1/log/ alike; what is below test/ there is the log of test keys.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from audits.api import schemas
from audits.api.views import ReadView
from audits.models import Call, Ledger
from audits.services import checkpoints, proofs, tiles, witnesses
from audits.services.reads import Read, record_read
from countersign import tiles as c2sp
from policies.authentication import KeyHolder

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
SCOPE = "log:read"
# What never changes may be kept for ever; by shared caches only if everybody may read it.
YEAR = 31_536_000


class InclusionAnswer(msgspec.Struct, frozen=True):
    """Hashes in hex, the lowest first; `checkpoint` is null if that of the size is not kept."""

    index: int
    size: int
    leaf_hash: str
    proof: list[str]
    root: str
    checkpoint: str | None


class ConsistencyAnswer(msgspec.Struct, frozen=True):
    """That the tree of `old` entries is the beginning of that of `new` ones."""

    old: int
    new: int
    proof: list[str]


class Negotiation(BaseContentNegotiation):
    """The form of an answer is that of its address, whatever a client would rather have."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class LogView(ReadView):
    """A view of one ledger. What it gives is hashes, unless `gives_entries`."""

    content_negotiation_class = Negotiation
    token_scopes: ClassVar[Mapping[str, str]] = {"GET": SCOPE, "POST": SCOPE}
    slug = "live"
    gives_entries = False

    def get_permissions(self) -> list[Any]:
        if settings.LEDGER_PUBLIC and not self.gives_entries:
            return []
        return list(super().get_permissions())

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.ledger = Ledger.objects.get(slug=self.slug)
        who = request.user
        if isinstance(who, KeyHolder):
            self._admit_key(who)
        elif settings.LEDGER_PUBLIC and not self.gives_entries:
            return
        elif not (isinstance(who, PermissionsMixin) and who.has_perm(self._permission())):
            raise PermissionDenied

    def _permission(self) -> str:
        return "audits.read_entries" if self.gives_entries else "audits.read_ledger"

    def _admit_key(self, who: KeyHolder) -> None:
        """A key reads hashes of its own ledger: entries are of everybody's integrations."""
        self.limit(who.key)
        if settings.LEDGER_PUBLIC and not self.gives_entries:
            return
        if not who.has_scope(SCOPE) or who.key.livemode != self.ledger.livemode:
            raise PermissionDenied(code="key-scope")
        if self.gives_entries:
            raise PermissionDenied(code="token-required")

    def immutable(self, content: bytes) -> HttpResponse:
        """An answer that never changes."""
        response = HttpResponse(content, content_type=BYTES)
        shared = "public" if settings.LEDGER_PUBLIC else "private"
        response["Cache-Control"] = f"{shared}, max-age={YEAR}, immutable"
        return response

    def text(self, note: str | None) -> HttpResponse:
        """A note, asked for anew each time. Raises: NotFound."""
        if note is None:
            raise NotFound
        response = HttpResponse(note, content_type=TEXT)
        response["Cache-Control"] = "no-cache"
        return response


def size_of(given: Mapping[str, str], name: str) -> int | None:
    """A size in the query; None if it is not there. Raises: ValidationError."""
    value = given.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal()) or len(value) > 15 or int(value) == 0:
        raise ValidationError({name: "is not valid"})
    return int(value)


def _only(request: Request, *known: str) -> Mapping[str, str]:
    """The query. Raises: ValidationError for names that are not known."""
    if set(request.query_params) - set(known):
        raise ValidationError({})
    return request.query_params


_PROBLEMS = ("not-authenticated", "key-invalid", "key-expired", "key-revoked", "key-network")
REFUSALS = schemas.problems(
    *_PROBLEMS, "key-scope", "permission-denied", "not-found", "rate-limited", "audit-unavailable"
)
_NOTE = {(200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, description="A signed note.")}
_TILE = {(200, BYTES): OpenApiResponse(OpenApiTypes.BINARY, description="Hashes of 32 bytes.")}
_PLACE = OpenApiParameter(
    "place", {"type": "string"}, OpenApiParameter.PATH, description="Such as 0/x001/234.p/7."
)
_SIZE = {"type": "integer", "minimum": 1}


def _sizes(*names: str) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, _SIZE, OpenApiParameter.QUERY) for name in names]


class CheckpointView(LogView):
    @extend_schema(
        operation_id="get_checkpoint",
        summary="The newest checkpoint",
        description="A signed note (C2SP tlog-checkpoint), with cosignatures if there are any.",
        tags=["log"],
        responses={**_NOTE, **REFUSALS},
    )
    def get(self, request: Request) -> HttpResponse:
        newest = checkpoints.latest(self.ledger.pk)
        return self.text(witnesses.cosigned(newest, self.ledger.pk) if newest else None)


class CosignedView(LogView):
    @extend_schema(
        operation_id="get_cosigned_checkpoint",
        summary="The newest checkpoint that a witness cosigned",
        tags=["log"],
        responses={**_NOTE, **REFUSALS},
    )
    def get(self, request: Request) -> HttpResponse:
        return self.text(witnesses.newest_cosigned(self.ledger.pk))


class TileView(LogView):
    @extend_schema(
        operation_id="get_tile",
        summary="A tile of the tree",
        description="Up to 256 hashes of a level (C2SP tlog-tiles). It never changes.",
        tags=["log"],
        parameters=[_PLACE],
        responses={**_TILE, **REFUSALS},
    )
    def get(self, request: Request, place: str) -> HttpResponse:
        try:
            tile = c2sp.parsed_path(f"tile/{place}")
            return self.immutable(tiles.read(self.ledger.pk, *tile))
        except (c2sp.TileError, tiles.NotKept):
            raise NotFound from None


class EntriesView(LogView):
    gives_entries = True

    @extend_schema(
        operation_id="get_entries",
        summary="The entries below a tile",
        description=(
            "Up to 256 entries, each after its length in two bytes (C2SP tlog-tiles). For people "
            "and their tokens; every read is recorded."
        ),
        tags=["log"],
        parameters=[_PLACE],
        responses={**_TILE, **REFUSALS, **schemas.problems("token-required", "key-scope")},
    )
    def get(self, request: Request, place: str) -> HttpResponse:
        try:
            number, width = c2sp.parsed_number(place)
            bundle = tiles.bundle(self.ledger.pk, number, width)
        except (c2sp.TileError, tiles.NotKept):
            raise NotFound from None
        subject = f"{self.slug}/{number * c2sp.WIDTH}"
        assert isinstance(request.user, AbstractBaseUser)  # a key was refused
        read = Read("download", "audits.entry", width, subject_id=subject)
        record_read(read, by=request.user, at=timezone.now())
        response = HttpResponse(bundle, content_type=BYTES)
        # Kept by nobody, so that each look is a read that is recorded.
        response["Cache-Control"] = "private, no-store"
        return response


class ProofView(LogView):
    @extend_schema(
        operation_id="get_proof",
        summary="The proof that an entry is in the ledger",
        description="Of a call by its id, or of any entry by its index; also after its disposal.",
        tags=["log"],
        parameters=[
            OpenApiParameter("entry", {"type": "string"}, OpenApiParameter.PATH),
            *_sizes("size"),
        ],
        responses={
            200: schemas.answered(InclusionAnswer, "The proof (RFC 9162, section 2.1.3)."),
            **REFUSALS,
            **schemas.problems("invalid-parameter"),
        },
    )
    def get(self, request: Request, entry: str) -> HttpResponse:
        size = size_of(_only(request, "size"), "size")
        try:
            found = proofs.inclusion(self.ledger.pk, self._index(entry), size)
            root = proofs.root_at(self.ledger.pk, found.size)
        except proofs.NotKept:
            raise NotFound from None
        stored = checkpoints.of_size(self.ledger.pk, found.size)
        answer = InclusionAnswer(
            index=found.index,
            size=found.size,
            leaf_hash=found.leaf.hex(),
            proof=[step.hex() for step in found.proof],
            root=root.hex(),
            checkpoint=stored.note if stored else None,
        )
        return self.answer(request, answer)

    def _index(self, entry: str) -> int:
        """The index of an entry. Raises: NotFound."""
        if entry.isascii() and entry.isdecimal() and len(entry) <= 15:
            return int(entry)
        try:
            call_id = uuid.UUID(entry)
        except ValueError:
            raise NotFound from None
        found = Call.objects.filter(ledger=self.ledger, call_id=call_id)
        index = found.values_list("index", flat=True).first()
        if index is None:
            raise NotFound
        return index


class ConsistencyView(LogView):
    @extend_schema(
        operation_id="get_consistency",
        summary="The proof that one tree is the beginning of another",
        tags=["log"],
        parameters=[OpenApiParameter(n, _SIZE, required=True) for n in ("from", "to")],
        responses={
            200: schemas.answered(ConsistencyAnswer, "The proof (RFC 9162, section 2.1.4)."),
            **REFUSALS,
            **schemas.problems("invalid-parameter"),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        query = _only(request, "from", "to")
        old, new = size_of(query, "from"), size_of(query, "to")
        if old is None or new is None:
            raise ValidationError({"from" if old is None else "to": "is not valid"})
        try:
            found = proofs.consistency(self.ledger.pk, old, new)
        except proofs.NotKept:
            raise NotFound from None
        answer = ConsistencyAnswer(old, new, [step.hex() for step in found.proof])
        return self.answer(request, answer)
