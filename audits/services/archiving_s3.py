"""The archive in a bucket of S3 under object lock. Imported only where such a bucket is set."""

from __future__ import annotations

import datetime as dt
from typing import Any

from botocore.exceptions import ClientError
from storages.backends.s3 import S3Storage

from audits.services.archiving_disk import NotKept

MODES = ("GOVERNANCE", "COMPLIANCE")  # the stronger last
# Of one PUT. A file of an archive is far below; in parts, some servers lose the lock.
LARGEST = 5 * 1024**3


class LockedBucket(S3Storage):
    """Objects that their lock keeps from being replaced or deleted.

    `lock_mode` is GOVERNANCE or COMPLIANCE, `lock_days` how long from the upload on, and again
    from the day on which the copy in the archive is the only one left. The lock is read back after
    each upload: what a server does not confirm is not believed.
    """

    def __init__(self, **settings: Any) -> None:
        self.lock_mode = str(settings.pop("lock_mode"))
        self.lock_days = int(settings.pop("lock_days"))
        super().__init__(**settings)

    def _client(self) -> Any:
        return self.connection.meta.client

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}

    def _until(self, at: dt.datetime) -> dt.datetime:
        return (at + dt.timedelta(days=self.lock_days)).replace(microsecond=0)

    def put(self, name: str, content: bytes, *, at: dt.datetime) -> None:
        """Store a new object under lock, in one request.

        Raises: FileExistsError if there is one of this name already; NotKept if the server does not
        confirm the lock; OSError if it does not answer.
        """
        if len(content) > LARGEST:
            raise NotKept(f"The file {name} is too large for one upload.")
        try:
            self._client().put_object(
                **self._key(name),
                Body=content,
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",  # what is locked has to come with a checksum
                ObjectLockMode=self.lock_mode,
                ObjectLockRetainUntilDate=self._until(at),
            )
        except ClientError as error:
            if _status(error) == 412:
                raise FileExistsError(name) from None
            raise NotKept(f"The bucket did not take the file {name}: {_code(error)}.") from None
        self.confirm(name, at=at)

    def get(self, name: str) -> bytes:
        """The content of an object. Raises: FileNotFoundError, NotKept."""
        try:
            found = self._client().get_object(**self._key(name))
        except ClientError as error:
            if _status(error) == 404:
                raise FileNotFoundError(name) from None
            raise NotKept(f"The bucket did not give the file {name}: {_code(error)}.") from None
        return bytes(found["Body"].read())

    def confirm(self, name: str, *, at: dt.datetime) -> None:
        """Make sure that the lock holds for `lock_days` from `at` on; set it where it does not.

        A lock is never shortened nor weakened, whatever is asked. Raises: NotKept.
        """
        until = self._until(at)
        mode, found = self._lock(name)
        if _holds(mode, found, self.lock_mode, until):
            return
        strongest = max((mode or self.lock_mode, self.lock_mode), key=MODES.index)
        latest = max(found or until, until)
        try:
            self._client().put_object_retention(
                **self._key(name), Retention={"Mode": strongest, "RetainUntilDate": latest}
            )
        except ClientError as error:
            raise NotKept(f"The bucket does not lock the file {name}: {_code(error)}.") from None
        if not _holds(*self._lock(name), self.lock_mode, until):
            raise NotKept(f"The bucket does not confirm the lock of the file {name}.")

    def _lock(self, name: str) -> tuple[str, dt.datetime | None]:
        try:
            found = self._client().head_object(**self._key(name))
        except ClientError as error:
            raise NotKept(f"The bucket does not show the file {name}: {_code(error)}.") from None
        mode = found.get("ObjectLockMode", "")
        return (mode if mode in MODES else ""), found.get("ObjectLockRetainUntilDate")

    def delete(self, name: str) -> None:
        """Refused: an archive is removed by its bucket's rules, or not at all."""
        raise NotImplementedError("the portal removes nothing from the archive")


def _holds(mode: str, found: dt.datetime | None, wanted: str, until: dt.datetime) -> bool:
    if mode not in MODES or found is None:
        return False
    return MODES.index(mode) >= MODES.index(wanted) and found >= until


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
