"""Questionnaires that were sent: listed, sent, reminded, withdrawn."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vendors import as_of
from vendors.exports import table_response
from vendors.filters import InquiryFilter
from vendors.forms.inquiries import InquiryForm, LinkForm
from vendors.forms.refusals import show_refusal
from vendors.models import Inquiry, Questionnaire, Vendor
from vendors.pages.inquiries import EXPORT_HEADERS, export_rows, inquiry_lines, listed
from vendors.services.inquiries import issue_link, link_of, send_inquiry, withdraw_inquiry
from vendors.tasks import mail_link

PER_PAGE = 25


@require_safe
@permission_required("vendors.view_inquiry", raise_exception=True)
def inquiry_list(request: HttpRequest) -> HttpResponse:
    """Every questionnaire that was sent, narrowed by the address."""
    chosen = InquiryFilter(request.GET, Inquiry.objects.all(), request=request)
    page = Paginator(listed(chosen.qs), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page_obj": page,
        "lines": inquiry_lines(list(page.object_list), as_of.reading_moment()),
        "narrowed": any(v for name, v in request.GET.items() if name not in ("sort", "page")),
    }
    return render(request, "vendors/inquiry_list.html", context)


@require_safe
@permission_required("vendors.view_inquiry", raise_exception=True)
def inquiry_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What the list shows, all pages of it, as a file."""
    if kind not in ("csv", "xlsx"):
        raise Http404
    chosen = InquiryFilter(request.GET, Inquiry.objects.all(), request=request)
    name = f"questionnaires-{as_of.reading_day().isoformat()}"
    return table_response(
        kind, name, EXPORT_HEADERS, export_rows(chosen.qs, as_of.reading_moment())
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_inquiry", raise_exception=True)
@never_cache
def inquiry_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Send a questionnaire; the link goes by mail, or is shown once."""
    assert request.user.is_authenticated
    vendor = get_object_or_404(Vendor, slug=slug)
    form = InquiryForm(request.POST or None, vendor=vendor, today=timezone.localdate())
    if request.method == "POST" and form.is_valid():
        try:
            inquiry = send_inquiry(form.inquiry(), by=request.user, at=timezone.now())
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            return deliver(request, inquiry, form.cleaned_data["delivery"])
    context: dict[str, Any] = {
        "form": form,
        "title": "Send a questionnaire",
        "vendor": vendor,
        "submit": "Send",
        "lede": "The vendor answers by a link, without an account. You review each answer.",
        "none": not Questionnaire.objects.filter(state=Questionnaire.State.PUBLISHED).exists(),
    }
    return render(request, "vendors/vendor_form.html", context)


@sensitive_variables("token")
def deliver(request: HttpRequest, inquiry: Inquiry, delivery: str) -> HttpResponse:
    """Get a new link to the vendor: by mail, or by the officer, who sees it once."""
    if delivery == "copy":
        token = issue_link(inquiry, at=timezone.now())
        context = {"inquiry": inquiry, "vendor": inquiry.vendor, "link": link_of(token)}
        response = render(request, "vendors/inquiry_link.html", context)
        response["Cache-Control"] = "no-store, private"
        return response
    if delivery == "mail":
        mail_link.delay_on_commit(inquiry.pk)
        messages.success(request, f"The link is on its way to {inquiry.contact}.")
    return redirect("vendors:inquiry-detail", inquiry.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("vendors.add_inquiry", raise_exception=True)
@never_cache
def inquiry_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Remind the vendor by a new link; the one before opens nothing from then on."""
    inquiry = get_object_or_404(Inquiry.objects.select_related("vendor", "questionnaire"), pk=pk)
    form = LinkForm(request.POST or None, today=timezone.localdate())
    if request.method == "POST" and form.is_valid():
        try:
            issue_link(inquiry, at=timezone.now(), expires_at=form.expires_at())
        except ValidationError as refused:
            show_refusal(form, refused)
        else:
            inquiry.refresh_from_db()
            return deliver(request, inquiry, form.cleaned_data["delivery"])
    context = {
        "form": form,
        "title": "Remind by a new link",
        "vendor": inquiry.vendor,
        "inquiry": inquiry,
        "submit": "Make a new link",
        "lede": "The link that was sent before stops working. What the vendor saved is kept.",
    }
    return render(request, "vendors/vendor_form.html", context)


@require_POST
@permission_required("vendors.change_inquiry", raise_exception=True)
def inquiry_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an inquiry back; its link opens nothing any more."""
    inquiry = get_object_or_404(Inquiry, pk=pk)
    try:
        withdraw_inquiry(inquiry)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, "Withdrawn. The link opens nothing any more.")
    return redirect("vendors:inquiry-detail", pk)
