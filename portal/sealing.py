"""Seals what a request changed before it is answered, where no transaction of its own did."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audits.services.sealing import seal_pending
from audits.services.signing import LedgerRefused

logger = logging.getLogger(__name__)

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


class SealMiddleware:
    """Around everything that writes. A form that saves one row commits by itself, and so does the
    entry of the history that tells of it: what the triggers noted of them is sealed here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in SAFE and not connection.in_atomic_block:
            self._seal()
        return response

    def _seal(self) -> None:
        try:
            seal_pending(at=timezone.now())
        except (DatabaseError, psycopg.Error, LedgerRefused):
            # The change is stored, and its note with it: the task of each minute tries again.
            logger.error("Notes wait for the ledger, which could not take them in.")
