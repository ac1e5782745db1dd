"""Two ways in: a ModelViewSet behind a token, and a view that stores one row."""

import hmac
import os

import msgspec
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

application = get_wsgi_application()

from django.contrib.auth.decorators import login_not_required  # noqa: E402 - needs the apps
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from rest_framework.authentication import TokenAuthentication  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.serializers import ModelSerializer  # noqa: E402
from rest_framework.viewsets import ModelViewSet  # noqa: E402

from audits.bodies import CallBody, parse  # noqa: E402
from naive.models import Logged, Single  # noqa: E402


class LoggedSerializer(ModelSerializer):
    class Meta:
        model = Logged
        fields = "__all__"


class LoggedView(ModelViewSet):
    queryset = Logged.objects.all()
    serializer_class = LoggedSerializer
    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_classes = []


@csrf_exempt
@login_not_required
def single(request: HttpRequest) -> HttpResponse:
    """One INSERT, one commit."""
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given, f"Bearer {os.environ['SINGLE_KEY']}"):
        return JsonResponse({}, status=401)
    body = parse(CallBody, request.body)
    row = Single.objects.create(
        call_id=body.call_id,
        provider=body.provider,
        operation=body.operation,
        model=body.model,
        region=body.region,
        phi_present=body.phi_present,
        data_classes=body.data_classes,
        actor=msgspec.to_builtins(body.actor),
        session_id=body.session_id or "",
        purpose=body.purpose or "",
        input_digest=body.input_digest or "",
        input_bytes=body.input_bytes,
    )
    return JsonResponse({"record": row.pk}, status=201)


urlpatterns = [
    path("api/naive/calls", LoggedView.as_view({"post": "create"})),
    path("api/single/calls", single),
]
