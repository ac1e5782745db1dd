"""Where sessions are kept: a row of our own in the database for each, read through the cache.

The row says whose session it is, so that all of a person's can be shown and ended. Once ended, a
session never comes back: a request that has it in hand and saves it late finds no row, and one that
reads it while it ends cannot put it into the cache again, for the cache holds that it is over.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import cached_db
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.cache import caches
from django.db import DatabaseError, IntegrityError, transaction

if TYPE_CHECKING:
    from django.core.cache.backends.base import BaseCache

    from portal.models import PersonSession

KEY_PREFIX = "countersign.session."
# What a session says of itself: its name in addresses, seconds since 1970, network, browser.
PUBLIC_ID, STARTED, USED = "public_id", "started_at", "used_at"
NETWORK, CLIENT = "network", "client"


class SessionStore(cached_db.SessionStore):
    cache_key_prefix = KEY_PREFIX

    if TYPE_CHECKING:  # what Django's class has, and its stubs leave out
        _cache: BaseCache

        def _get_session(self, no_load: bool = ...) -> dict[str, Any]: ...  # noqa: FBT001

        def _get_session_from_db(self) -> PersonSession | None: ...

    @classmethod
    def get_model_class(cls) -> type[PersonSession]:
        # Models are not there yet when middleware names this module.
        from portal.models import PersonSession  # noqa: PLC0415

        return PersonSession

    def get_session_cookie_age(self) -> int:
        """Seconds that a row is kept after it was last written; `portal.idle` ends it before."""
        return int(settings.SESSION_ABSOLUTE_SECONDS)

    def create_model_instance(self, data: dict[str, Any]) -> PersonSession:
        """The row: what the session holds, and the parts of it that rows are found by."""
        row = cast("PersonSession", super().create_model_instance(data))
        person = data.get(SESSION_KEY)
        if person is not None:
            row.user_id = int(person)
            row.public_id = uuid.UUID(data[PUBLIC_ID]) if PUBLIC_ID in data else None
            row.started_at, row.used_at = moment(data.get(STARTED)), moment(data.get(USED))
            row.network, row.client = data.get(NETWORK, ""), data.get(CLIENT, "")
        return row

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing if it ended."""
        data: dict[str, Any] | None = self._cache.get(self.cache_key)
        if data is None:
            row = self._get_session_from_db()
            if row is None:
                return {}
            data = self.decode(row.session_data)
            # Not over what stands there by now: it may say that the session has just been ended.
            if not self._cache.add(
                self.cache_key, data, self.get_expiry_age(expiry=row.expire_date)
            ):
                data = self._cache.get(self.cache_key) or {}
        if not data:
            self._session_key = None  # what comes next is a session of its own
        return data

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - as Django calls it
        """Store the session. Raises: CreateError, UpdateError as Django's stores do."""
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)
        if must_create and PUBLIC_ID in data:
            data[PUBLIC_ID] = uuid.uuid4().hex  # a session with a new key has a new name too
        row = self.create_model_instance(data)
        try:
            with transaction.atomic():
                row.save(force_insert=must_create, force_update=not must_create)
                # While the row is locked: whoever ends the session comes before or after both.
                self._cache.set(self.cache_key, data, self.get_expiry_age())
        except IntegrityError:
            # Django tries other keys then, without end: only where it is the key that is taken.
            if must_create and self.model.objects.filter(session_key=self.session_key).exists():
                raise CreateError from None
            raise
        except DatabaseError:
            if not must_create:
                raise UpdateError from None
            raise
        return None

    def cycle_key(self) -> None:
        """Go on under a new key; a session that has been ended meanwhile does not."""
        with transaction.atomic():
            mine = self.model.objects.select_for_update().filter(session_key=self.session_key)
            if SESSION_KEY in self and not mine.exists():
                self.flush()
                return
            super().cycle_key()

    def delete(self, session_key: str | None = None) -> None:
        """End the session, this one if none is named."""
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=key).delete()
            close([key])


def close(keys: Iterable[str]) -> None:
    """Make the cache hold that these sessions are over, for as long as it could hold anything."""
    over: dict[str, dict[str, Any]] = {KEY_PREFIX + key: {} for key in keys}
    caches[settings.SESSION_CACHE_ALIAS].set_many(over, settings.SESSION_ABSOLUTE_SECONDS)


def moment(seconds: float | None) -> dt.datetime | None:
    """The UTC moment that lies so many seconds after the beginning of 1970."""
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
