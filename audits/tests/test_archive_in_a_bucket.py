"""The archive in a bucket: what the server does not lock is not believed to be locked.

moto's server, over HTTP on loopback, is lenient where S3 is not: it loses the lock of what is
uploaded in parts, and lets locks be shortened. Both are shown, and what the portal does about it.
"""

from __future__ import annotations

import datetime as dt
import io

import pytest
from boto3.s3.transfer import TransferConfig
from moto.server import ThreadedMotoServer

from audits.services.archiving_disk import NotKept
from audits.services.archiving_s3 import LockedBucket

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
NAME = "live/000000/entries/00000.ndjson.gz"


@pytest.fixture(scope="module")
def server():
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server, request):
    name = f"archive-{abs(hash(request.node.name))}"
    storage = opened(server, name)
    storage.connection.meta.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return storage


def opened(server, name, mode="COMPLIANCE", days=100):
    return LockedBucket(
        bucket_name=name,
        endpoint_url=server,
        region_name="us-east-1",
        access_key="test",
        secret_key="test",
        location="ledger",
        addressing_style="path",
        lock_mode=mode,
        lock_days=days,
    )


def lock(storage, name=NAME):
    found = storage.connection.meta.client.head_object(
        Bucket=storage.bucket_name, Key=f"ledger/{name}"
    )
    return found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate")


def test_a_file_comes_back_as_it_went_and_is_locked(bucket):
    bucket.put(NAME, b"entries", at=NOW)
    assert bucket.get(NAME) == b"entries"
    assert lock(bucket) == ("COMPLIANCE", NOW + 100 * DAY)


def test_no_file_takes_the_place_of_another(bucket):
    bucket.put(NAME, b"first", at=NOW)
    with pytest.raises(FileExistsError):
        bucket.put(NAME, b"second", at=NOW)
    assert bucket.get(NAME) == b"first"


def test_a_missing_file_is_said_to_be_missing(bucket):
    with pytest.raises(FileNotFoundError):
        bucket.get(NAME)
    with pytest.raises(NotKept, match="does not show"):
        bucket.confirm(NAME, at=NOW)


def test_a_bucket_without_object_lock_is_refused(server):
    storage = opened(server, "unlocked")
    storage.connection.meta.client.create_bucket(Bucket="unlocked")
    with pytest.raises(NotKept):
        storage.put(NAME, b"entries", at=NOW)


def test_a_lock_that_was_lost_in_parts_is_set_again(bucket):
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    bucket.connection.meta.client.upload_fileobj(
        io.BytesIO(b"x" * (6 << 20)),
        bucket.bucket_name,
        f"ledger/{NAME}",
        ExtraArgs={
            "ObjectLockMode": "COMPLIANCE",
            "ObjectLockRetainUntilDate": NOW + 100 * DAY,
        },
        Config=parts,
    )
    assert lock(bucket) == (None, None)  # what moto does with it
    bucket.confirm(NAME, at=NOW)
    assert lock(bucket) == ("COMPLIANCE", NOW + 100 * DAY)


def test_a_large_file_is_uploaded_at_once_and_keeps_its_lock(bucket):
    bucket.put(NAME, b"x" * (9 << 20), at=NOW)
    assert lock(bucket) == ("COMPLIANCE", NOW + 100 * DAY)


def test_a_lock_is_never_shortened(bucket):
    bucket.put(NAME, b"entries", at=NOW)
    bucket.confirm(NAME, at=NOW - 50 * DAY)
    assert lock(bucket) == ("COMPLIANCE", NOW + 100 * DAY)


def test_a_lock_that_somebody_shortened_is_made_long_again(bucket):
    bucket.put(NAME, b"entries", at=NOW)
    bucket.connection.meta.client.put_object_retention(
        Bucket=bucket.bucket_name,
        Key=f"ledger/{NAME}",
        Retention={"Mode": "GOVERNANCE", "RetainUntilDate": NOW + DAY},
        BypassGovernanceRetention=True,
    )
    assert lock(bucket) == ("GOVERNANCE", NOW + DAY)  # S3 itself refuses this
    bucket.confirm(NAME, at=NOW)
    assert lock(bucket) == ("COMPLIANCE", NOW + 100 * DAY)


def test_a_stronger_lock_is_not_weakened(server, bucket):
    bucket.put(NAME, b"entries", at=NOW)
    weaker = opened(server, bucket.bucket_name, mode="GOVERNANCE", days=200)
    weaker.confirm(NAME, at=NOW)
    assert lock(bucket) == ("COMPLIANCE", NOW + 200 * DAY)


def test_a_server_that_forgets_the_lock_makes_the_upload_fail(bucket, monkeypatch):
    """As a server does that takes the request for a lock and does nothing."""
    client = bucket.connection.meta.client
    monkeypatch.setattr(client, "put_object_retention", lambda **request: {})
    real = client.put_object
    monkeypatch.setattr(
        client,
        "put_object",
        lambda **request: real(
            **{key: value for key, value in request.items() if not key.startswith("ObjectLock")}
        ),
    )
    with pytest.raises(NotKept, match="does not confirm the lock"):
        bucket.put(NAME, b"entries", at=NOW)


def test_the_portal_deletes_nothing(bucket):
    bucket.put(NAME, b"entries", at=NOW)
    with pytest.raises(NotImplementedError):
        bucket.delete(NAME)
