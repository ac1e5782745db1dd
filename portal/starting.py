"""What a process looks at before it serves: that the ledger is as it was signed."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, connection

from audits.services import startup

logger = logging.getLogger(__name__)

# gunicorn takes this one as "no worker will ever start", and ends instead of trying again.
EXIT_STATUS = 3


def refuse_if_tampered() -> None:
    """End this process if the ledger is another than the one that was signed.

    While the database does not answer nothing can be said: then /readyz says no until it can.
    """
    # In a thread of its own: a server may import its application inside an event loop, where
    # Django's connections may not be used, and none must be left open for children to inherit.
    with ThreadPoolExecutor(max_workers=1) as thread:
        refusal = thread.submit(_refusal).result()
    if refusal:
        logger.critical("The portal does not start. %s", refusal)
        sys.exit(EXIT_STATUS)


def _refusal() -> str:
    try:
        startup.check()
    except startup.LedgerRefused as refused:
        return str(refused)
    except DatabaseError:
        logger.warning("The ledger could not be looked at: the database does not answer.")
    finally:
        connection.close()
    return ""
