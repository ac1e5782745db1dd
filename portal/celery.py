"""The Celery application: JSON only, settings under CELERY_ in Django's settings."""

import os
from typing import Any

from celery import Celery, bootsteps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class LedgerStep(bootsteps.StartStopStep):
    """A worker begins only where the ledger is as it was signed."""

    def __init__(self, worker: Any, **options: Any) -> None:
        # Django's apps are loaded only now.
        from portal.starting import refuse_if_tampered  # noqa: PLC0415

        refuse_if_tampered()


app.steps["worker"].add(LedgerStep)
