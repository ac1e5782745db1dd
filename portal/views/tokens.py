"""Access tokens: one's own, and for who may end them, everybody's."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.forms import TokenForm
from portal.models import PersonalToken, User
from portal.services.tokens import issue_token, revoke_token
from vendors.reads import note_read

PER_PAGE = 25


@require_GET
def token_list(request: HttpRequest) -> HttpResponse:
    """One's own tokens; `?of=all` shows everybody's to who may see them."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    may_see_all = request.user.has_perm("portal.view_personaltoken")
    everybody = may_see_all and request.GET.get("of") == "all"
    tokens = PersonalToken.objects.select_related("user", "revoked_by")
    if not everybody:
        tokens = tokens.filter(user=request.user)
    page = Paginator(tokens, PER_PAGE).get_page(request.GET.get("page"))
    if everybody:
        note_read(request, ("list", "portal.personaltoken"), len(page))
    context = {
        "page_obj": page,
        "everybody": everybody,
        "may_see_all": may_see_all,
        "may_end_all": request.user.has_perm("portal.revoke_personaltoken"),
        "now": timezone.now(),
        "words": dict(PersonalToken.Scope.choices),
    }
    return render(request, "portal/token_list.html", context)


@require_http_methods(["GET", "POST"])
def token_create(request: HttpRequest) -> HttpResponse:
    """Make a token; the page after it is the only one that ever shows the secret."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = issue_token(
                request.user,
                form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                cidrs=form.networks(),
                days=form.cleaned_data["days"],
                at=timezone.now(),
            )
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        else:
            response = render(
                request, "portal/token_shown.html", {"token": token, "secret": secret}
            )
            response["Cache-Control"] = "no-store"
            return response
    return render(request, "portal/token_form.html", {"form": form})


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token at once: one's own, or anybody's for who may."""
    assert isinstance(request.user, User)  # LoginRequiredMiddleware
    token = get_object_or_404(PersonalToken, pk=pk)
    if token.user_id != request.user.pk and not request.user.has_perm(
        "portal.revoke_personaltoken"
    ):
        raise PermissionDenied
    try:
        revoke_token(token, by=request.user, at=timezone.now())
    except ValidationError as refused:
        messages.error(request, refused.messages[0])
    else:
        messages.success(request, "The token is revoked. It opens nothing any more.")
    return redirect("portal:token-list")
