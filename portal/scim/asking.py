"""Around every answer at /scim/v2: who asks, what was sent, and errors as SCIM writes them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError
from scim2_models import SCIMException

from portal.models import DirectoryEvent, DirectoryGroup, DirectoryPerson
from portal.scim.answers import etag, refusal
from portal.scim.callers import Caller, TooFast, caller_of
from portal.scim.errors import Refusal, error_of

logger = logging.getLogger(__name__)

Handler = Callable[..., HttpResponse]
NOT_TAKEN = "The database did not take a change of a directory."
BUSY = Refusal(503, "The portal cannot store this now: send it again.")
# A bulk of patches of members takes ten.
MOST_NESTED = 32
WRITES = ("POST", "PUT", "PATCH", "DELETE")


def door(methods: Mapping[str, Handler]) -> Callable[..., HttpResponse]:
    """A view that answers these methods to a directory; others get 405, strangers 401.

    The token alone opens it, never a session: no form of another site can use one.
    """

    def view(request: HttpRequest, **parts: str) -> HttpResponse:
        caller: Caller | None = None
        try:
            caller = caller_of(request, at=timezone.now())
            handler = methods.get(str(request.method))
            if handler is None:
                raise Refusal(405, "This address does not take this method.")
            if "\x00" in "".join(
                text for _, texts in request.GET.lists() for text in map(str, texts)
            ):
                raise Refusal(400, "A parameter holds a null character.", "invalidValue")
            return handler(caller, request, **parts)
        except TooFast as refused:
            return refusal(error_of(refused), **{"Retry-After": str(refused.seconds)})
        except (SCIMException, ValidationError) as raised:
            return _refused(request, caller, raised)
        except OperationalError:
            logger.error(NOT_TAKEN)
            return refusal(error_of(BUSY), **{"Retry-After": "1"})

    return csrf_exempt(login_not_required(view))


def _refused(
    request: HttpRequest, caller: Caller | None, raised: SCIMException | ValidationError
) -> HttpResponse:
    error = error_of(raised)
    if caller is not None and request.method in WRITES and error.status in (400, 403, 409):
        caller.note(DirectoryEvent.Kind.REFUSED)
    if error.status == 401:
        return refusal(error, **{"WWW-Authenticate": 'Bearer realm="countersign"'})
    return refusal(error)


def sent(request: HttpRequest) -> object:
    """The JSON that was sent, without text that no database holds. Raises: Refusal."""
    try:
        body: object = json.loads(request.body)
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        text.encode()
    except RequestDataTooBig:
        raise Refusal(413, "The body is larger than the portal takes.") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is no JSON.", "invalidSyntax") from None
    if "\\u0000" in text:
        raise Refusal(400, "Text holds no null characters.", "invalidValue")
    if not isinstance(body, dict):
        raise Refusal(400, "The body is no JSON object.", "invalidSyntax")
    if _is_deeper(body, MOST_NESTED):
        raise Refusal(400, "The body is nested deeper than any resource.", "invalidSyntax")
    return body


def _is_deeper(body: object, most: int) -> bool:
    """Whether objects and lists lie in each other more than `most` times; goes level by level."""
    level: list[Any] = [body]
    for _ in range(most):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def known(request: HttpRequest) -> frozenset[str]:
    """The entity tags of the header If-Match; none where it is not sent."""
    header = request.headers.get("If-Match", "")
    return frozenset(each.strip() for each in header.split(",") if each.strip())


def unchanged(request: HttpRequest, row: DirectoryPerson | DirectoryGroup) -> bool:
    """Whether the caller has this state already."""
    header = request.headers.get("If-None-Match", "")
    return etag(row) in {each.strip() for each in header.split(",")}
