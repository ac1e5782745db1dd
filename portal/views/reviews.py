"""Access reviews: begin one, decide line by line, verify, close, sign off, export."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audits.services.reads import Read, record_read
from policies.models import AccessReview, AccessReviewDecision, AccessReviewEntry
from portal import review_exports, tasks
from portal import review_pages as pages
from portal.filters import AccessEntryFilter
from portal.models import User
from portal.review_forms import DecideForm, KeepForm, SignForm, StartForm
from portal.services import population, reviewing
from portal.services.reviewing import NotReviewed

VIEW = "policies.view_accessreview"
DECIDE = "policies.decide_accessreview"
PER_PAGE = reviewing.MOST_TOGETHER


def _review(pk: int) -> AccessReview:
    people = ("reviewer", "escalate_to", "started_by", "closed_by", "signed_by")
    return get_object_or_404(AccessReview.objects.select_related(*people), pk=pk)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    return request.user


def _note(request: HttpRequest, read: Read) -> None:
    record_read(read, by=_person(request), at=timezone.now())


def _words(error: NotReviewed | ValidationError) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)


@require_GET
@permission_required(VIEW, raise_exception=True)
def review_list(request: HttpRequest) -> HttpResponse:
    people = ("reviewer", "closed_by", "signed_by")
    page = Paginator(AccessReview.objects.select_related(*people), PER_PAGE).get_page(
        request.GET.get("page")
    )
    _note(request, Read("list", "policies.accessreview", len(page)))
    today = timezone.localdate()
    first = User.objects.aggregate(first=Min("date_joined"))["first"]
    due_on = pages.next_due(timezone.localdate(first) if first else None)
    context = {
        "page_obj": page,
        "due_on": due_on,
        "days": (due_on - today).days if due_on else None,
        "open": AccessReview.objects.open().exists(),
        "today": today,
    }
    return render(request, "portal/accessreview_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("policies.add_accessreview", raise_exception=True)
def review_create(request: HttpRequest) -> HttpResponse:
    """What a campaign would hold now; by POST it begins."""
    by, at = _person(request), timezone.now()
    form = StartForm(request.POST or None, by=by, on=timezone.localdate(at))
    if form.is_valid():
        try:
            review = reviewing.start_review(form.plan(), by=by, at=at)
        except (NotReviewed, ValidationError) as error:
            form.add_error(None, _words(error))
        else:
            messages.success(request, f"The review holds {review.population_count} lines.")
            return redirect("portal:accessreview-detail", review.pk)
    drawn = population.draw(at)
    context = {
        "form": form,
        "figures": pages.drawn_figures(drawn.entries),
        "query": population.QUERY,
        "query_sha256": population.QUERY_SHA256,
        "open": AccessReview.objects.open().first(),
    }
    return render(request, "portal/accessreview_form.html", context)


@require_GET
@permission_required(VIEW, raise_exception=True)
def review_detail(request: HttpRequest, pk: int) -> HttpResponse:
    review, by = _review(pk), _person(request)
    return _detail(request, review, by, KeepForm(count=review.population_count))


def _detail(
    request: HttpRequest, review: AccessReview, by: User, form: KeepForm, status: int = 200
) -> HttpResponse:
    entries = review.entries.with_state().select_related("integration")
    found = AccessEntryFilter(request.GET, entries.order_by("number"))
    page = Paginator(found.qs, PER_PAGE).get_page(request.GET.get("page"))
    may = review.closed_at is None and by.has_perm(DECIDE)
    lines = pages.lines(page, by.pk, may=may)
    ticked = [line.entry.number for line in lines if line.tickable]
    _note(request, Read("list", "policies.accessreviewentry", len(lines), str(review.pk)))
    today = timezone.localdate()
    context = {
        "review": review,
        "figures": pages.figures(review.entries.all()),
        "filter": found,
        "page_obj": page,
        "lines": lines,
        "ticked": ticked,
        "seen": reviewing.seen_token(review, ticked, by=by) if ticked else "",
        "form": form,
        "kept": form.cleaned_data.get("number", ()) if form.is_bound else (),
        "days": (review.due_on - today).days,
        "may_decide": may,
        "may_sign": _may_sign(review, by),
    }
    return render(request, "portal/accessreview_detail.html", context, status=status)


def _may_sign(review: AccessReview, by: User) -> bool:
    waits = review.closed_at is not None and review.signed_at is None
    return waits and by.pk != review.closed_by_id and by.has_perm("policies.sign_accessreview")


@require_http_methods(["GET", "POST"])
@permission_required(DECIDE, raise_exception=True)
def review_keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the ticked lines of a page that showed them.

    By GET, as the filters and pages of what was refused here ask, it leads to the list.
    """
    if request.method == "GET":
        asked = f"?{request.GET.urlencode()}" if request.GET else ""
        return redirect(reverse("portal:accessreview-detail", args=[pk]) + asked)
    review, by = _review(pk), _person(request)
    form = KeepForm(request.POST, count=review.population_count)
    if not form.is_valid():
        return _detail(request, review, by, form, status=400)
    try:
        made = reviewing.keep_together(review, form.together(), by=by, at=timezone.now())
    except (NotReviewed, ValidationError) as error:
        form.add_error(None, _words(error))
        return _detail(request, review, by, form, status=409)
    messages.success(request, f"Kept with your note: {len(made)}.")
    return redirect("portal:accessreview-detail", review.pk)


@require_http_methods(["GET", "POST"])
@permission_required(VIEW, raise_exception=True)
def review_entry(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A line with all that is known of it; by POST somebody decides."""
    review, by = _review(pk), _person(request)
    rows = review.entries.with_state().select_related("integration__owner", "user", "review")
    entry = get_object_or_404(rows, number=number)
    if request.method == "POST" and not by.has_perm(DECIDE):
        raise PermissionDenied
    form = DecideForm(request.POST or None, entry=entry)
    if form.is_valid() and _decided(request, entry, form, by):
        return redirect("portal:accessreview-entry", review.pk, entry.number)
    _note(request, Read("detail", "policies.accessreviewentry", 1, str(entry.pk)))
    proof = entry.proofs.first()
    settled = proof is not None and proof.kind in (pages.Proof.EXECUTED, pages.Proof.GONE)
    context = {
        "review": review,
        "entry": entry,
        "line": pages.lines([entry], by.pk, may=False)[0],
        "decisions": entry.decisions.select_related("by"),
        "proofs": entry.proofs.select_related("by"),
        "members": pages.members(entry),
        "form": form if _open_to(entry, by) and not settled else None,
        "own": entry.user_id == by.pk,
        "next": _following(review, entry),
    }
    return render(request, "portal/accessreview_entry.html", context)


def _open_to(entry: AccessReviewEntry, by: User) -> bool:
    open_still = entry.review.closed_at is None
    return open_still and by.pk != entry.user_id and by.has_perm(DECIDE)


def _following(review: AccessReview, entry: AccessReviewEntry) -> AccessReviewEntry | None:
    """The next line that nobody has decided on."""
    rows = review.entries.undecided().filter(number__gt=entry.number)
    return rows.order_by("number").first()


def _decided(request: HttpRequest, entry: AccessReviewEntry, form: DecideForm, by: User) -> bool:
    try:
        decision = reviewing.decide(entry, form.choice(), by=by, at=timezone.now())
    except (NotReviewed, ValidationError) as error:
        form.add_error(None, _words(error))
        return False
    if decision.decision == AccessReviewDecision.Decision.KEEP:
        messages.success(request, "Kept.")
        return True
    proof = entry.proofs.first()
    if proof is not None and proof.kind == pages.Proof.REFUSED:
        messages.error(request, f"It could not be executed. {proof.reason}")
    else:
        tasks.verify_access.delay_on_commit(entry.pk)
        messages.success(request, "Executed. The system looks again by itself whether it is gone.")
    return True


@require_POST
@permission_required(DECIDE, raise_exception=True)
def review_verify(request: HttpRequest, pk: int) -> HttpResponse:
    """Look again at every revocation of this campaign, now."""
    review, at = _review(pk), timezone.now()
    found = [reviewing.verify(entry, at=at) for entry in review.entries.to_prove()]
    proofs = [proof for proof in found if proof is not None]
    there = sum(proof.kind == pages.Proof.REMAINS for proof in proofs)
    if there:
        messages.error(request, f"Looked at {len(proofs)}: still there {there}.")
    else:
        messages.success(request, f"Looked at {len(proofs)}: nothing is left of them.")
    return redirect("portal:accessreview-detail", review.pk)


@require_http_methods(["GET", "POST"])
@permission_required(DECIDE, raise_exception=True)
def review_close(request: HttpRequest, pk: int) -> HttpResponse:
    review = _review(pk)
    if request.method == "POST":
        try:
            reviewing.close_review(review, by=_person(request), at=timezone.now())
        except (NotReviewed, ValidationError) as error:
            messages.error(request, _words(error))
        else:
            messages.success(request, "Closed. Another person signs it off.")
        return redirect("portal:accessreview-detail", review.pk)
    context = {"review": review, "figures": pages.figures(review.entries.all())}
    return render(request, "portal/accessreview_close.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("policies.sign_accessreview", raise_exception=True)
def review_sign(request: HttpRequest, pk: int) -> HttpResponse:
    review = _review(pk)
    form = SignForm(request.POST or None)
    if form.is_valid():
        try:
            reviewing.sign_review(
                review, form.cleaned_data["note"], by=_person(request), at=timezone.now()
            )
        except (NotReviewed, ValidationError) as error:
            form.add_error(None, _words(error))
        else:
            messages.success(request, "Signed off.")
            return redirect("portal:accessreview-detail", review.pk)
    intact = bool(review.closed_at) and review.closed_digest == _digest_now(review)
    context = {
        "review": review,
        "form": form,
        "figures": pages.figures(review.entries.all()),
        "intact": intact,
    }
    return render(request, "portal/accessreview_sign.html", context)


def _digest_now(review: AccessReview) -> str:
    until = review.closed_at or dt.datetime.max.replace(tzinfo=dt.UTC)
    return reviewing.content_digest(review, until=until)


@require_GET
@permission_required(VIEW, raise_exception=True)
def review_export(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    review = _review(pk)
    answer, count = review_exports.export(review, kind)
    _note(request, Read("export", "policies.accessreview", count, str(pk), {"kind": kind}))
    return answer
