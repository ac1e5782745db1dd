"""Whether records can be stored now: what both servers tell their probes."""

from __future__ import annotations

import logging

from django.db import Error, connection

from audits.services import startup
from audits.services.statements import can_store

logger = logging.getLogger(__name__)

READY = "ready"


def readiness() -> str:
    """READY if a record could be stored now, else why not.

    Not where the ledger is another than the one that was signed: which, the log says.
    """
    try:
        if not can_store():
            return "records cannot be stored"
        refusal = startup.standing()
    except Error:
        if not connection.in_atomic_block:
            connection.close()
        return "records cannot be stored"
    if refusal:
        logger.error(refusal)
        return "the ledger is not as it was signed"
    return READY
