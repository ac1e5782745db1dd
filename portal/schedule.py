"""What the scheduler starts, and when."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab


def schedule(checks_hour: int) -> dict[str, dict[str, Any]]:
    """The entries of the scheduler; the daily checks run at `checks_hour` o'clock.

    What a worker that was down finds waiting is of no use after `expire_seconds`: the next comes.
    """
    return {**_each_minute(), **_often(), **_daily(checks_hour)}


def _each_minute() -> dict[str, dict[str, Any]]:
    return {
        "heartbeat": {
            "task": "evidence.tasks.heartbeat",
            "schedule": crontab(),
            "options": {"expire_seconds": 120},
        },
        "actors of new calls": {
            "task": "audits.tasks.note_actors",
            "schedule": crontab(),
            "options": {"expire_seconds": 60},
        },
        "grants that began or ended": {
            "task": "policies.tasks.settle_grants",
            "schedule": crontab(),
            "options": {"expire_seconds": 60},
        },
        "calls past their lease": {
            "task": "audits.tasks.sweep_calls",
            "schedule": crontab(),
            "options": {"expire_seconds": 120},
        },
        "notes no commit sealed": {
            "task": "audits.tasks.seal_pending",
            "schedule": crontab(),
            "options": {"expire_seconds": 120},
        },
    }


def _often() -> dict[str, dict[str, Any]]:
    return {
        "partitions ahead of need": {
            "task": "audits.tasks.make_partitions",
            "schedule": crontab(minute=20),
            "options": {"expire_seconds": 3000},
        },
        "what is new in the ledger verified": {
            "task": "audits.tasks.verify_ledgers",
            "schedule": crontab(minute=10),
            "args": ["incremental"],
            "options": {"expire_seconds": 3000},
        },
        "checks that were missed": {
            "task": "evidence.tasks.catch_up",
            "schedule": crontab(minute="2-59/5"),
            "options": {"expire_seconds": 240},
        },
        "bursts of security events": {
            "task": "evidence.tasks.watch",
            "schedule": crontab(minute="4-59/5"),
            "options": {"expire_seconds": 240},
        },
        "sessions that are over": {
            "task": "portal.tasks.end_sessions",
            "schedule": crontab(minute="*/5"),
            "options": {"expire_seconds": 240},
        },
        "mails that wait": {
            "task": "evidence.tasks.send_notices",
            "schedule": crontab(minute=45),
            "options": {"expire_seconds": 3000},
        },
    }


def _daily(checks_hour: int) -> dict[str, dict[str, Any]]:
    return {
        "calls that no sweep has met": {
            "task": "audits.tasks.sweep_calls_of_days",
            "schedule": crontab(hour=3, minute=25),
            "options": {"expire_seconds": 36000},
        },
        "the whole ledger verified": {
            "task": "audits.tasks.verify_ledgers",
            "schedule": crontab(hour=2, minute=20),
            "args": ["full"],
        },
        "checkpoints kept": {
            "task": "audits.tasks.keep_checkpoints",
            "schedule": crontab(),
            "options": {"expire_seconds": 120},
        },
        # Those that did not arrive are tried again; nobody gets a second one a day.
        "checkpoints handed out": {
            "task": "audits.tasks.deliver_checkpoints",
            "schedule": crontab(minute=5, hour="5-23/2"),
        },
        "witnesses asked": {
            "task": "audits.tasks.ask_witnesses",
            "schedule": crontab(minute="*/10"),
            "options": {"expire_seconds": 500},
        },
        # Before the checks, which tell what is back.
        "revoked access looked at again": {
            "task": "portal.tasks.verify_all_access",
            "schedule": crontab(hour=(checks_hour - 1) % 24, minute=30),
        },
        "daily checks": {
            "task": "evidence.tasks.run_checks",
            "schedule": crontab(hour=checks_hour, minute=0),
        },
        "counts of providers": {
            "task": "audits.tasks.fetch_usage",
            "schedule": crontab(hour=4, minute=20),
        },
        **_nightly(),
    }


def _nightly() -> dict[str, dict[str, Any]]:
    return {
        "all grants settled": {
            "task": "policies.tasks.settle_grants",
            "schedule": crontab(hour=1, minute=15),
        },
        "files of imports": {
            "task": "vendors.tasks.drop_import_files",
            "schedule": crontab(hour=3, minute=30),
        },
        "answers kept for repeats": {
            "task": "vendors.tasks.drop_replays",
            "schedule": crontab(hour=3, minute=40),
        },
        "the ledger's archive": {
            "task": "audits.tasks.apply_retention",
            "schedule": crontab(hour=2, minute=10),
        },
    }
