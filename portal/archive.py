"""Where the ledger's archive is kept, from the environment: files on disk, or a bucket of S3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv

LOCK_MODES = ("COMPLIANCE", "GOVERNANCE")
# Seven years: a year more than records stay in the database, so that no lock ends before they do.
LOCK_DAYS = 2557


def archive_storage(env: FileAwareEnv, folder: Path) -> dict[str, Any]:
    """The entry of STORAGES. Without a bucket's name nothing leaves the machine.

    Raises: ImproperlyConfigured if the lock's mode is none.
    """
    bucket = env.str("ARCHIVE_S3_BUCKET", default="")
    if not bucket:
        return {
            "BACKEND": "audits.services.archiving_disk.ArchiveFiles",
            "OPTIONS": {"location": str(folder)},
        }
    mode = env.str("ARCHIVE_S3_LOCK_MODE", default="COMPLIANCE")
    if mode not in LOCK_MODES:
        raise ImproperlyConfigured("ARCHIVE_S3_LOCK_MODE is COMPLIANCE or GOVERNANCE.")
    return {
        "BACKEND": "audits.services.archiving_s3.LockedBucket",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": env.str("ARCHIVE_S3_ENDPOINT_URL", default="") or None,
            "region_name": env.str("ARCHIVE_S3_REGION", default="") or None,
            "access_key": env.str("ARCHIVE_S3_ACCESS_KEY", default="") or None,
            "secret_key": env.str("ARCHIVE_S3_SECRET_KEY", default="") or None,
            "location": env.str("ARCHIVE_S3_PREFIX", default=""),
            "lock_mode": mode,
            "lock_days": positive(env, "ARCHIVE_S3_LOCK_DAYS", LOCK_DAYS),
        },
    }


def archive_format(env: FileAwareEnv) -> str:
    """In which format archives are written. Raises: ImproperlyConfigured if it is not known."""
    form = str(env.str("LEDGER_ARCHIVE_FORMAT", default="parquet"))
    if form not in {"parquet", "ndjson"}:
        raise ImproperlyConfigured("LEDGER_ARCHIVE_FORMAT is parquet or ndjson.")
    return form


def positive(env: FileAwareEnv, name: str, default: int) -> int:
    """A number of days or years. Raises: ImproperlyConfigured if it is below 1."""
    value = int(env.int(name, default=default))
    if value < 1:
        raise ImproperlyConfigured(f"{name} is 1 or more.")
    return value
