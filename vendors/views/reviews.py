"""Reviews of a vendor by the checklist."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from countersign.canonical import digest
from vendors.as_of import reading_day
from vendors.checklist import BY_CODE, SECTIONS, Section
from vendors.forms.refusals import show_refusal
from vendors.forms.reviews import FinishForm, ReviewSectionForm
from vendors.models import Vendor, VendorReview
from vendors.pages.reviews import (
    after,
    changed_since,
    last_finished,
    offered,
    review_lines,
    review_page,
    steps,
)
from vendors.services.pointers import Known
from vendors.services.register import next_review
from vendors.services.reviews import (
    SignOff,
    answer_items,
    discard_review,
    finish_review,
    open_items,
    start_review,
)
from vendors.services.snapshots import snapshot


def _review(pk: int) -> VendorReview:
    rows = VendorReview.objects.select_related("vendor", "reviewed_by", "started_by")
    return get_object_or_404(rows, pk=pk)


def _draft(pk: int) -> VendorReview:
    """A draft; a finished review has no form. Raises: Http404."""
    review = _review(pk)
    if review.state != VendorReview.State.DRAFT:
        raise Http404
    return review


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_vendorreview", raise_exception=True)
def vendor_review(request: HttpRequest, slug: str) -> HttpResponse:
    """Where a review of a vendor begins, or goes on; by POST it does."""
    vendor = get_object_or_404(Vendor, slug=slug)
    on = timezone.localdate()
    if request.method == "POST":
        assert request.user.is_authenticated
        review = start_review(vendor, by=request.user, on=on)
        return redirect("vendors:review-section", review.pk, SECTIONS[0].code)
    draft = vendor.reviews.drafts().select_related("started_by").first()
    last = last_finished(vendor)
    services = offered(vendor, on)
    context = {
        "vendor": vendor,
        "draft": draft,
        "steps": steps(draft, services, "") if draft else [],
        "last": last,
        "lines": review_lines(vendor),
        "changed": changed_since(last, on),
        "sections": SECTIONS,
        "services": services,
        "next_on": next_review(vendor, on),
    }
    return render(request, "vendors/review_start.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_vendorreview", raise_exception=True)
def review_section(request: HttpRequest, pk: int, section: str) -> HttpResponse:
    """One section of the checklist; what is answered is kept, complete or not."""
    review, asked = _draft(pk), _section(section)
    on = timezone.localdate()
    services = offered(review.vendor, on)
    last = last_finished(review.vendor)
    form = ReviewSectionForm(
        request.POST or None,
        section=asked,
        known=Known(review.vendor, services, on),
        kept=list(review.items.filter(section=section)),
        last=list(last.items.filter(section=section)) if last else [],
    )
    if request.method == "POST" and form.is_valid():
        try:
            answer_items(review, form.answers())
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            return _go_on(request, review, section)
    context = {
        "review": review,
        "vendor": review.vendor,
        "section": asked,
        "form": form,
        "rows": form.rows(),
        "last": last,
        "next": after(section),
        "steps": steps(review, services, section),
    }
    return render(request, "vendors/review_section.html", context)


def _section(code: str) -> Section:
    if code not in BY_CODE:
        raise Http404
    return BY_CODE[code]


def _go_on(request: HttpRequest, review: VendorReview, section: str) -> HttpResponse:
    left = len(open_items(review, timezone.localdate(), section))
    if left and "stay" not in request.POST:
        messages.warning(
            request, f"Kept. {left} question{'s are' if left > 1 else ' is'} still open there."
        )
    elif "stay" in request.POST:
        messages.success(request, "Your answers are kept.")
    if "stay" in request.POST:
        return redirect("vendors:review-section", review.pk, section)
    following = after(section)
    if following:
        return redirect("vendors:review-section", review.pk, following)
    return redirect("vendors:review-finish", review.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_vendorreview", raise_exception=True)
def review_finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign a review off once everything is answered."""
    review = _draft(pk)
    on = timezone.localdate()
    content = snapshot(review.vendor, on)
    form = FinishForm(request.POST or None, today=on)
    if request.method == "POST" and form.is_valid():
        finished = _finish(request, review, form)
        if finished is not None:
            return _after_finish(request, finished)
    last = last_finished(review.vendor)
    context = {
        "review": review,
        "vendor": review.vendor,
        "form": form,
        "last": last,
        "changed": changed_since(last, on),
        "steps": steps(review, offered(review.vendor, on), "finish"),
        "left": len(open_items(review, on)),
        "digest": digest(content),
        "next_on": next_review(review.vendor, on),
    }
    return render(request, "vendors/review_finish.html", {**context, **review_page(review, on)})


def _finish(request: HttpRequest, review: VendorReview, form: FinishForm) -> VendorReview | None:
    """The signed review; None if it was refused, which the form then says."""
    assert request.user.is_authenticated
    said: dict[str, Any] = form.cleaned_data
    try:
        signed = SignOff(said["outcome"], said["seen"], said["next_review_on"], said["note"])
        return finish_review(review, signed, by=request.user, on=timezone.localdate())
    except ValidationError as refused:
        show_refusal(form, refused)
    return None


def _after_finish(request: HttpRequest, review: VendorReview) -> HttpResponse:
    """On to what the review leads to: a decision on the state, or the review itself."""
    assert review.next_on is not None  # held by vendor_review_finished_is_whole
    messages.success(
        request, f"The review is signed off. The next one is due on {review.next_on:%-d %B %Y}."
    )
    undecided = review.vendor.state in (Vendor.State.IN_REVIEW, Vendor.State.SUSPENDED)
    if undecided and request.user.has_perm("vendors.change_vendor"):
        return redirect("vendors:vendor-state", review.vendor.slug)
    return redirect("vendors:review-detail", review.pk)


@require_POST
@permission_required("vendors.add_vendorreview", raise_exception=True)
def review_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a draft away."""
    review = _draft(pk)
    slug = review.vendor.slug
    try:
        discard_review(review)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("vendors:review-detail", pk)
    messages.success(request, "The draft is thrown away.")
    return redirect("vendors:vendor-review", slug)


@require_safe
@permission_required("vendors.view_vendorreview", raise_exception=True)
def review_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A review with its answers, and what changed in the register since."""
    review = _review(pk)
    context = {"review": review, "vendor": review.vendor}
    page = review_page(review, reading_day())
    return render(request, "vendors/review_detail.html", {**context, **page})
