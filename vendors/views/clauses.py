"""The checklist of an agreement's clauses, read by a person."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from vendors.forms.clauses import ClauseForm, clause_forms
from vendors.models import Agreement
from vendors.pages.agreement import clause_lines
from vendors.services.clauses import clause_sums, read_clauses


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.view_agreementclause", raise_exception=True)
def agreement_clauses(request: HttpRequest, pk: int) -> HttpResponse:
    """What a version says of each clause; who may change readings gets a form for each."""
    editable = request.user.has_perm("vendors.change_agreementclause")
    if request.method == "POST" and not editable:
        raise PermissionDenied
    agreement = get_object_or_404(
        Agreement.objects.select_related("vendor", "document", "amends"), pk=pk
    )
    lines = clause_lines(agreement)
    pairs = [(line.clause, line.row) for line in lines]
    posted = request.POST if request.method == "POST" else None
    forms = clause_forms(pairs, posted) if editable else []
    faulty = [form for form in forms if form.is_bound and not form.is_valid()]
    if request.method == "POST" and not faulty:
        changed = _store(request, agreement, forms)
        if changed is not None:
            count = "1 reading is" if changed == 1 else f"{changed} readings are"
            messages.success(request, f"{count} recorded.")
            return redirect("vendors:agreement-clauses", pk)
    context = {
        "agreement": agreement,
        "vendor": agreement.vendor,
        "lines": lines,
        "forms": forms,
        "faulty": [form for form in forms if form.is_bound and form.errors],
        "sums": clause_sums([agreement])[agreement.pk],
        "proposals": sum(1 for line in lines if line.row and line.row.proposed),
    }
    return render(request, "vendors/agreement_clauses.html", context)


def _store(request: HttpRequest, agreement: Agreement, forms: list[ClauseForm]) -> int | None:
    """How many readings changed; None where some were refused, and then their forms say why."""
    assert request.user.is_authenticated
    answers = [form.answer() for form in forms]
    try:
        return read_clauses(agreement, answers, by=request.user, on=timezone.localdate())
    except ValidationError as refused:
        for form in forms:
            for message in refused.message_dict.get(form.clause.code, []):
                form.add_error(None, message)
    return None
