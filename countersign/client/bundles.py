"""The signed bundle: fetched, checked, kept on disk for a restart, refreshed before it is stale.

How old a bundle is, is told by the portal's clock when it comes and by this machine's uptime from
then on: a clock that is set does not make it younger. Only after a restart the clock has to do.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from countersign.bundles import Bundle, BundleError, parse_bundle
from countersign.client.answers import Stop, Terms
from countersign.client.draining import problem_code
from countersign.client.http import PortalHttp, Unreachable
from countersign.client.journal import JournalFailed, checked_folder
from countersign.client.settings import Settings, effective_enforcement, effective_mode

LOG = logging.getLogger("countersign")
FILE = "bundle.json"
REFRESH_S = 60.0
# After a try in vain a caller that has no fresh bundle does not try again for so long.
RETRY_S = 2.0
# How far the clock may be behind the moment at which a kept bundle was issued.
SKEW_S = 120.0


@dataclass(frozen=True, slots=True)
class Stale:
    """No bundle that may be relied on. `bundle` is the last one whose signature was good."""

    code: str
    bundle: Bundle | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """A bundle, its ETag, and its age (seconds) at a moment of this machine's uptime."""

    bundle: Bundle
    etag: str
    age_s: float
    at: float

    def age(self) -> float:
        return self.age_s + uptime() - self.at

    def is_fresh(self) -> bool:
        return self.age() < self.bundle.fresh_for_s

    def portal_now(self) -> dt.datetime:
        return self.bundle.issued_at + dt.timedelta(seconds=max(self.age(), 0.0))


def uptime() -> float:
    """Seconds that no clock setting changes, those asleep counted where the system can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Bundles:
    """The bundle of one integration. Safe from many threads and after a fork."""

    def __init__(self, settings: Settings, http: PortalHttp) -> None:
        self._settings = settings
        self._http = http
        self._held: _Held | None = None
        self._code = "bundle-missing"
        self._looked_on_disk = False
        self._closed = threading.Event()
        self.forked()

    def forked(self) -> None:
        """In a child: what is held serves on; locks and thread are made anew."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._tried_at = -RETRY_S

    def current(self) -> Bundle | Stale:
        """The bundle that may be relied on now. Waits for the portal only if none is held."""
        held = self._held
        if held is None or not held.is_fresh():
            held = self._found()
        self._start()
        if held is None:
            return Stale(self._code)
        return held.bundle if held.is_fresh() else Stale("bundle-stale", held.bundle)

    def is_held(self) -> bool:
        """Whether `current` answers from memory."""
        held = self._held
        return held is not None and held.is_fresh()

    def terms(self) -> Terms:
        """What holds for the next call by the bundle and by what the client asks for."""
        found = self.current()
        bundle = found if isinstance(found, Bundle) else found.bundle
        held, asked = self._held, self._settings
        if bundle is None or held is None:
            code = found.code if isinstance(found, Stale) else "bundle-missing"
            return Terms(None, "strict", "enforce", Stop(503, code))
        mode = effective_mode(asked.mode, bundle.mode_at(held.portal_now()))
        enforcement = effective_enforcement(asked.enforcement, bundle.enforcement)
        stop = None
        if isinstance(found, Stale) and mode != "observe":
            stop = Stop(503, found.code)
        return Terms(bundle, mode, enforcement, stop)

    def portal_day(self) -> dt.date:
        """The day in UTC by the portal's clock, as far as it is known; else by this machine's."""
        held = self._held
        return (held.portal_now() if held else dt.datetime.now(dt.UTC)).date()

    def age_s(self) -> float | None:
        """How old the bundle that is held is; None without one."""
        return None if self._held is None else self._held.age()

    def refresh(self) -> bool:
        """Ask the portal for the bundle. Returns: whether it answered with a good one."""
        with self._lock:
            return self._refresh()

    def close(self) -> None:
        """Stop refreshing."""
        self._closed.set()

    def _found(self) -> _Held | None:
        """From the disk once, else from the portal, unless that was tried in vain just now."""
        with self._lock:
            if not self._looked_on_disk:
                self._looked_on_disk = True
                self._load()
            if self.is_held():
                return self._held
            if time.monotonic() - self._tried_at >= RETRY_S:
                self._refresh()
            return self._held

    def _refresh(self) -> bool:
        self._tried_at = time.monotonic()
        try:
            answer = self._http.get(
                f"/integrations/{self._settings.integration}/bundle", self._condition()
            )
        except Unreachable as error:
            return self._in_vain(error.code)
        if answer.status == 304 and self._held is not None:
            age_s = _age(self._held.bundle, answer.headers)
            self._held = _Held(self._held.bundle, self._held.etag, age_s, uptime())
            return True
        if answer.status != 200:
            return self._in_vain(problem_code(answer))
        try:
            bundle = self._parsed(answer.body)
        except BundleError as error:
            return self._in_vain("bundle-refused", error.code)
        etag = answer.headers.get("etag", "")
        self._held = _Held(bundle, etag, _age(bundle, answer.headers), uptime())
        self._keep(answer.body)
        return True

    def _condition(self) -> dict[str, str]:
        """The ETag, if the bundle it names is young enough that no newer issue is wanted."""
        held = self._held
        if held is None or not held.etag or held.age() > held.bundle.fresh_for_s / 2:
            return {}
        return {"If-None-Match": held.etag}

    def _in_vain(self, code: str, why: str = "") -> bool:
        if self._held is None:
            self._code = code if code in _TOLD else "bundle-missing"
        LOG.warning("countersign: no new bundle (%s)", why or code)
        return False

    def _parsed(self, body: bytes) -> Bundle:
        """Raises: BundleError."""
        asked = self._settings
        return parse_bundle(
            body,
            asked.bundle_keys,
            now=None,
            integration=asked.integration,
            livemode=asked.livemode,
        )

    def _load(self) -> None:
        """Take what an earlier process kept, if its signature is good."""
        path = self._settings.spool_dir / FILE
        try:
            checked_folder(path.parent)
            bundle = self._parsed(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, BundleError, JournalFailed):
            LOG.warning("countersign: the bundle that was kept cannot be used")
            return
        age_s = (dt.datetime.now(dt.UTC) - bundle.issued_at).total_seconds()
        # Issued tomorrow: this machine's clock was set back, and nothing tells how old it is.
        age_s = age_s if age_s >= -SKEW_S else float(bundle.fresh_for_s)
        self._held = _Held(bundle, "", age_s, uptime())

    def _keep(self, body: bytes) -> None:
        """Keep the bundle for the next start, readable for this user alone."""
        folder = self._settings.spool_dir
        temporary = folder / f".{FILE}.{os.getpid()}.{threading.get_ident()}"
        try:
            checked_folder(folder)
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as written:
                written.write(body)
            temporary.replace(folder / FILE)
        except (OSError, JournalFailed):
            LOG.warning("countersign: the bundle cannot be kept on disk")

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._closed.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(
                target=self._run, args=(self._closed,), name="countersign-bundle", daemon=True
            )
            self._thread.start()

    def _run(self, closed: threading.Event) -> None:
        while not closed.wait(REFRESH_S):
            self.refresh()


# Why there is no bundle, where it is for a person to mend.
_TOLD = frozenset(
    {
        "bundle-refused",
        "integration-mismatch",
        "key-expired",
        "key-invalid",
        "key-network",
        "key-revoked",
        "key-scope",
    }
)


def _age(bundle: Bundle, headers: Mapping[str, str]) -> float:
    """How old the bundle was when the portal answered, by the portal's own clock if it says it."""
    now = dt.datetime.now(dt.UTC)
    with contextlib.suppress(TypeError, ValueError):
        told = email.utils.parsedate_to_datetime(headers.get("date", ""))
        now = told.replace(tzinfo=dt.UTC) if told.tzinfo is None else told
    return max((now - bundle.issued_at).total_seconds(), 0.0)
