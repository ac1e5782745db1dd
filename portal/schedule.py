"""What the scheduler starts, and when."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab


def schedule(checks_hour: int) -> dict[str, dict[str, Any]]:
    """The entries of the scheduler; the daily checks run at `checks_hour` o'clock.

    What a worker that was down finds waiting is of no use after `expire_seconds`: the next comes.
    """
    return {
        "heartbeat": {
            "task": "evidence.tasks.heartbeat",
            "schedule": crontab(),
            "options": {"expire_seconds": 120},
        },
        "calls past their lease": {
            "task": "audits.tasks.sweep_calls",
            "schedule": crontab(),
            "options": {"expire_seconds": 120},
        },
        "daily checks": {
            "task": "evidence.tasks.run_checks",
            "schedule": crontab(hour=checks_hour, minute=0),
        },
        "checks that were missed": {
            "task": "evidence.tasks.catch_up",
            "schedule": crontab(minute="2-59/5"),
            "options": {"expire_seconds": 240},
        },
        "files of imports": {
            "task": "vendors.tasks.drop_import_files",
            "schedule": crontab(hour=3, minute=30),
        },
        "answers kept for repeats": {
            "task": "vendors.tasks.drop_replays",
            "schedule": crontab(hour=3, minute=40),
        },
        "mails that wait": {
            "task": "evidence.tasks.send_notices",
            "schedule": crontab(minute=45),
            "options": {"expire_seconds": 3000},
        },
    }
