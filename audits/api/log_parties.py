"""Who vouches for the ledger: its keys, and witnesses that cosign its checkpoints."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from audits.api import schemas
from audits.api.log import REFUSALS, LogView
from audits.services import checkpoints, witnesses
from countersign.problems import MEDIA_TYPE, PROBLEMS

MAX_NOTE_BYTES = 64 * 1024


class KeyAnswer(msgspec.Struct, frozen=True):
    """A key of the ledger: it signed from entry `first_index` on."""

    vkey: str
    first_index: int
    retired_at_index: int | None


class KeysAnswer(msgspec.Struct, frozen=True):
    """The ledger's name and keys, and the witnesses whose cosignatures it takes."""

    origin: str
    keys: list[KeyAnswer]
    witnesses: list[str]


class StoredAnswer(msgspec.Struct, frozen=True):
    """How many cosignatures were new."""

    stored: int


class KeysView(LogView):
    @extend_schema(
        operation_id="get_ledger_keys",
        summary="The keys that checkpoints are signed with",
        description="In the form of C2SP signed notes, the first one first.",
        tags=["log"],
        responses={200: schemas.answered(KeysAnswer, "Name and keys."), **REFUSALS},
    )
    def get(self, request: Request) -> HttpResponse:
        keys = checkpoints.keys(self.ledger.pk)
        vkeys = checkpoints.vkeys(self.ledger.pk)
        answer = KeysAnswer(
            origin=self.ledger.origin or "",
            keys=[
                KeyAnswer(vkey, key.first_index, key.retired_at_index)
                for key, vkey in zip(keys, vkeys, strict=False)
            ],
            witnesses=[each.witness.vkey for each in witnesses.configured()],
        )
        return self.answer(request, answer)


class CosignaturesView(LogView):
    @extend_schema(
        operation_id="add_cosignatures",
        summary="Cosignatures of a checkpoint",
        description=(
            "A checkpoint's signed note with lines of witnesses that the settings name. Their "
            "signatures count, whoever brings them; of a checkpoint of another history none does."
        ),
        tags=["log"],
        request={"text/plain": OpenApiTypes.STR},
        responses={
            201: schemas.answered(StoredAnswer, "Stored: how many were new."),
            200: schemas.answered(StoredAnswer, "All of them were stored before."),
            **REFUSALS,
            **schemas.problems("body-too-large", "refused"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        note = request._request.read(MAX_NOTE_BYTES + 1)  # noqa: SLF001 - DRF would parse it
        if len(note) > MAX_NOTE_BYTES:
            return _problem("body-too-large")
        try:
            stored = witnesses.accept(self.ledger, note, at=timezone.now())
        except witnesses.NotAccepted as error:
            return _problem("refused", errors=[{"field": "note", "error": str(error)}])
        body = msgspec.json.encode(StoredAnswer(stored))
        return HttpResponse(body, status=201 if stored else 200, content_type=schemas.JSON)


def _problem(code: str, **members: object) -> HttpResponse:
    body = msgspec.json.encode(PROBLEMS[code].body(code, **members))
    return HttpResponse(body, status=PROBLEMS[code].status, content_type=MEDIA_TYPE)
