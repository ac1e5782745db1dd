"""The ledger as pages: its entries of every type, and the proof of one."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from audits.forms.entries import EntryFilterForm
from audits.models import Call, Ledger
from audits.pages.entries import banner, members
from audits.services import entry_log, reading
from audits.services.reads import Read
from audits.services.record_proofs import RecordProof, prove
from audits.views.calls import note_read, own_integrations
from vendors import as_of

PER_PAGE = 25
READ_ENTRIES = "audits.read_entries"
OFFLINE = "pip install countersign\npython -m countersign verify {file} --key '{key}'"
KINDS = {"json": "application/json", "tlog-proof": "text/plain; charset=utf-8"}


@require_safe
@permission_required(READ_ENTRIES, raise_exception=True)
def entry_list(request: HttpRequest) -> HttpResponse:
    """Entries of every type, newest first."""
    query = request.GET.copy()
    query.setdefault("log", "live")
    form = EntryFilterForm(query)
    if not form.is_valid():
        note_read(request, Read("list", "audits.entry", 0))
        return render(request, "audits/entry_list.html", {"form": form}, status=400)
    cursor, first = request.GET.get("cursor", ""), form.cleaned_data["entry"]
    if not cursor and first is not None:
        cursor = reading.cursor_at("older", first + 1)
    ledger_id = form.ledger_id()
    try:
        page = entry_log.page(
            ledger_id, limit=PER_PAGE, type_code=form.cleaned_data["type"], cursor=cursor
        )
    except reading.BadCursor:
        raise BadRequest from None
    note_read(request, Read("list", "audits.entry", len(page.rows), filters=form.applied()))
    context = {
        "form": form,
        "page": page,
        "paged": "cursor" in request.GET,
        "log": form.cleaned_data["log"],
    }
    return render(request, "audits/entry_list.html", context)


@require_safe
def ledger_integrity(request: HttpRequest, slug: str) -> HttpResponse:
    """How a ledger stands by its verifications, for whoever may read calls; the part #integrity."""
    own_integrations(request)
    ledger = get_object_or_404(Ledger, slug=slug)
    context = {"banner": banner(ledger, as_of.reading_moment())}
    return render(request, "audits/ledger_integrity.html", context)


@require_safe
def entry_detail(request: HttpRequest, slug: str, index: int) -> HttpResponse:
    """One entry: what it says, and the proof that it is in the ledger."""
    ledger, entry, call = _found(request, slug, index)
    proof = prove(ledger, index)
    if proof is None:
        raise Http404
    note_read(request, Read("detail", "audits.entry", 1, subject_id=f"{slug}/{index}"))
    context = {
        "ledger": ledger,
        "index": index,
        "entry": entry,
        "call": call,
        "proof": proof,
        "members": members(proof.line.entry) if proof.line else [],
        "text": proof.line.entry.decode() if proof.line else "",
        "offline": OFFLINE.format(file=_file_name(slug, index, "json"), key=proof.keys[-1]),
        "may_list": request.user.has_perm(READ_ENTRIES),
        "following": index + 1 if index + 1 < proof.size else None,
    }
    return render(request, "audits/entry_detail.html", context)


@require_safe
def entry_proof(request: HttpRequest, slug: str, index: int) -> HttpResponse:
    """The proof as a file, for `python -m countersign verify` or others' tools."""
    ledger, _, _ = _found(request, slug, index)
    kind = request.GET.get("kind", "json")
    proof = prove(ledger, index)
    if kind not in KINDS:
        raise BadRequest
    if proof is None or (kind == "json" and proof.line is None):
        raise Http404
    read = Read("download", "audits.entry", 1, f"{slug}/{index}", {"kind": kind})
    note_read(request, read)
    response = HttpResponse(_content(proof, kind), content_type=KINDS[kind])
    name = _file_name(slug, index, kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store, private"
    return response


def _file_name(slug: str, index: int, kind: str) -> str:
    return f"{slug}-{index}.{'proof.json' if kind == 'json' else kind}"


def _content(proof: RecordProof, kind: str) -> bytes | str:
    return proof.as_json() if kind == "json" else proof.as_tlog_proof()


def _found(
    request: HttpRequest, slug: str, index: int
) -> tuple[Ledger, entry_log.Entry | None, Call | None]:
    """The ledger, the entry if its row is here, and the call that it is about.

    Whoever may read a call's record may read its entries; the others ask for a permission.
    Raises: PermissionDenied, Http404.
    """
    may_read_all = request.user.has_perm(READ_ENTRIES)
    own = None if may_read_all else own_integrations(request)
    ledger = get_object_or_404(Ledger, slug=slug)
    entry = entry_log.of_index(ledger.pk, index)
    call = entry_log.call_of(entry) if entry else None
    if not may_read_all and (call is None or (own is not None and call.integration_id not in own)):
        raise PermissionDenied
    return ledger, entry, call
