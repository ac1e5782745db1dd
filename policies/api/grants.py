"""Grants by programs: the list, one of them, asking, deciding, taking away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from policies.bodies import grants as bodies
from policies.bodies.grants import (
    ApprovalBody,
    GrantAnswer,
    GrantBody,
    GrantList,
    RefusalBody,
    WithdrawalBody,
    grant_answer,
)
from policies.models import Grant, Integration, PrincipalGroup
from policies.services import granting, holders
from policies.services.granting import Wanted
from policies.services.trail import Refused
from vendors.api import describing, filtering
from vendors.api.base import Made, RegisterView
from vendors.as_of import end_of

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as User

TAG = "grants"
FILTERS = {
    "integration": filtering.slug("integration__slug", "Slug of an integration."),
    "state": filtering.word_of("state", Grant.State.values, "How it stands."),
    "permission": filtering.word_of("permission", Grant.Permission.values, "What it gives."),
    "kind": filtering.word_of("kind", Grant.Kind.values, "Granted, or taken in an emergency."),
}
EXAMPLE = {
    "integration": "claims-triage",
    "permission": "send_prompt",
    "purpose": "Triage of claims in the evening shift.",
    "last_day": "2027-01-31",
}


class GrantView(RegisterView):
    """What every view of grants shares; its scopes are its own."""

    reader = bodies.READER
    subject = "policies.grant"
    token_scopes: ClassVar[dict[str, str]] = {"GET": "grants:read", "POST": "grants:write"}

    def rows(self, request: Request) -> QuerySet[Grant]:
        """Grants that the person may see: all by role, else their own."""
        who = self.person(request)
        rows = Grant.objects if who.has_perm("policies.view_grant") else holders.own_grants(who)
        return rows.select_related(
            "integration", "principal", "group", "asked_by", "decided_by", "ended_by"
        )


def _refusing(step: Callable[[], Grant]) -> Made:
    """Take a step; what is refused becomes an error of the body. Raises: ValidationError."""
    try:
        grant = step()
    except Refused as refusal:
        raise ValidationError(str(refusal)) from None
    return Made(grant_answer(grant), reverse("policies-api:grant-detail", args=[grant.pk]))


class GrantListView(GrantView):
    permissions = {"POST": "policies.request_grant"}

    @extend_schema(
        operation_id="list_grants",
        summary="List grants and requests",
        description="Newest first; officers, auditors and administrators see all, others theirs.",
        parameters=[describing.REQUEST_ID, *filtering.parameters(FILTERS)],
        **describing.told(GrantList, "A page; Link names the next one.", TAG),
    )
    def get(self, request: Request) -> HttpResponse:
        return self.listed(
            request,
            self.rows(request),
            FILTERS,
            lambda found: GrantList([grant_answer(row) for row in found]),
        )

    @extend_schema(
        operation_id="request_grant",
        summary="Ask for a grant",
        description="Somebody else decides: nobody on what they asked for or would hold.",
        **describing.stored(GrantBody, GrantAnswer, TAG, example=EXAMPLE),
    )
    def post(self, request: Request) -> HttpResponse:
        return self.create(request, GrantBody, self._make)

    @staticmethod
    def _make(body: GrantBody, by: User, _on: dt.date) -> Made:
        integration = Integration.objects.filter(slug=body.integration).first()
        if integration is None:
            raise ValidationError({"integration": "No integration has this slug."})
        at = timezone.now()
        return _refusing(
            lambda: granting.request_grant(integration, _wanted(body, by, at), by=by, at=at)
        )


def _wanted(body: GrantBody, by: User, at: dt.datetime) -> Wanted:
    holder = holders.find_holder(body.holder, by=by, at=at)
    group = holder if isinstance(holder, PrincipalGroup) else None
    return Wanted(
        permission=body.permission,
        purpose=body.purpose,
        ends_at=end_of(body.last_day),
        principal=None if isinstance(holder, PrincipalGroup) else holder,
        group=group,
    )


class GrantDetailView(GrantView):
    @extend_schema(
        operation_id="get_grant",
        summary="Show a grant",
        **describing.shown(GrantAnswer, "The grant.", TAG),
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        row = get_object_or_404(self.rows(request), pk=pk)
        self.read(request, "detail", 1, subject_id=str(pk))
        return self.shown(request, grant_answer(row))


class GrantStepView(GrantView):
    """A step that is taken on one grant, by a body of its own."""

    http_method_names = ["post"]

    def take(
        self, request: Request, pk: int, kind: type[Any], step: Callable[[Grant, Any, User], Grant]
    ) -> HttpResponse:
        """Take the step on a grant that the person may see; one they may not see is not there."""
        grant = get_object_or_404(self.rows(request), pk=pk)
        return self.create(
            request, kind, lambda body, by, _on: _refusing(lambda: step(grant, body, by))
        )


class ApprovalView(GrantStepView):
    permissions = {"POST": "policies.grant_integration"}

    @extend_schema(
        operation_id="approve_grant",
        summary="Approve a request",
        description="It holds from now on, until the day asked for or an earlier one.",
        **describing.stored(ApprovalBody, GrantAnswer, TAG, "not-found", "step-up-required"),
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        def step(grant: Grant, body: ApprovalBody, by: User) -> Grant:
            ends_at = end_of(body.last_day) if body.last_day else None
            return granting.approve_grant(
                grant, by=by, at=timezone.now(), note=body.note, ends_at=ends_at
            )

        return self.take(request, pk, ApprovalBody, step)


class RefusalView(GrantStepView):
    permissions = {"POST": "policies.grant_integration"}

    @extend_schema(
        operation_id="refuse_grant",
        summary="Refuse a request",
        description="With a note that who asked reads.",
        **describing.stored(RefusalBody, GrantAnswer, TAG, "not-found"),
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        def step(grant: Grant, body: RefusalBody, by: User) -> Grant:
            return granting.refuse_grant(grant, by=by, at=timezone.now(), note=body.note)

        return self.take(request, pk, RefusalBody, step)


class WithdrawalView(GrantStepView):
    @extend_schema(
        operation_id="withdraw_grant",
        summary="End a grant, or take back a request",
        description="Officers anyone's, others their own; in force for the next call.",
        **describing.stored(WithdrawalBody, GrantAnswer, TAG, "not-found"),
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        def step(grant: Grant, body: WithdrawalBody, by: User) -> Grant:
            if not holders.may_withdraw(by, grant):
                raise Http404
            return granting.withdraw_grant(grant, by=by, at=timezone.now(), note=body.note)

        return self.take(request, pk, WithdrawalBody, step)
