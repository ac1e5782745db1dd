"""What every test runs with, and the real portals that end-to-end and browser tests talk to."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import psycopg
import pytest
import pytest_django
from django.apps import apps
from django.conf import settings
from django.core.cache import cache as django_cache
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from psycopg import sql
from psycopg.conninfo import make_conninfo
from xdist.scheduler import LoadScopeScheduling

import install
from audits.tests.emptying import empty_database
from throwaway import Portal, running_portal, throwaway_folder

TEMPLATE = os.environ.get("TEST_TEMPLATE", "template0")
DEMO_PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who live for one run


def pytest_configure() -> None:
    """Settings of the tests that differ from the site's; before anything has read them."""
    # Names as they are: the hashed ones of production would need collectstatic first.
    storages.backends["staticfiles"] = {  # type: ignore[assignment]  # typed as the made ones
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    # Straight from static/: there is no collected folder, and WhiteNoise would warn of that.
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    # Nobody who is signed in by force has proven who they are; the tests of it turn it on.
    settings.STEP_UP_SECONDS = 0
    # Quick to compute, which is what a password hash must not be elsewhere.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # People of tests sign in by a session that is made for them; tests of factors turn it on.
    settings.MFA_REQUIRED = "off"
    # A code of the step before or after, so that no test waits half a minute for the next.
    settings.MFA_TOTP_TOLERANCE = 1
    # A Redis database for each worker, so that no test empties another one's cache.
    number = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
    settings.REDIS_URL = re.sub(r"db=0$", f"db={number + 1}", settings.REDIS_URL)
    settings.CACHES["default"]["LOCATION"] = settings.REDIS_URL
    # `bin/test` has made the tables once; a copy of them takes a second, and they take twenty.
    settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = TEMPLATE


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives the tests of a module with a group to one worker, all others to whoever is free.

    Of one group are modules that name it (`xdist_group`), and those that share a running portal, so
    that it is started once. By module: pytest-xdist's own way puts the group into the ids of tests,
    which pytest no longer lets it since 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return group_of(module) or nodeid


@cache
def group_of(module: str) -> str:
    """The group of a module of tests; empty for none."""
    text = (settings.BASE_DIR / module).read_text("utf-8")
    named = re.search(r'xdist_group\("([\w-]+)"\)', text)
    if named:
        return named[1]
    return next((name for name in ("demo_portal", "portal_server") if name in text), "")


# What takes minutes, the longest first: begun last, it would run alone at the end.
LONGEST = ("demo_portal", "bin", "portal_server", "migrations", "matrix", "alder-grove", "factors")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(group_of(item.nodeid.partition("::")[0]), len(places)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    # In the order above; its own is by the number of tests, whatever they take.
    config.option.loadscopereorder = False
    return ByGroup(config, log)


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """What one test counted or kept must not reach the next, whose database is another."""
    marked = request.node.get_closest_marker("django_db")
    if marked or {"db", "transactional_db"} & set(request.fixturenames):
        django_cache.clear()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    django_db_keepdb: bool,  # noqa: FBT001 - fixtures come by position
    django_db_createdb: bool,  # noqa: FBT001
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """The test database, always. pytest-django makes none for tests that ask for no fixture of
    its own: those that commit would then empty the real one.
    """
    from django.contrib.contenttypes.models import ContentType  # noqa: PLC0415 - needs Django set up

    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0,
            interactive=False,
            aliases={"default": None},
            keepdb=django_db_keepdb and not django_db_createdb,
        )
        # Made here, since four of five tests ask for a person with a role, which is 400 queries.
        empty_database()
        # Each process asks for these once: the queries of a page must not be counted with them.
        ContentType.objects.get_for_models(*apps.get_models())
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


@pytest.fixture
def committed(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """A database in which transactions really commit, emptied afterwards."""
    from audits.services import writing  # noqa: PLC0415 - only when Django is set up

    with django_db_blocker.unblock():
        yield
        writing.stop()
        empty_database()
        connection.close()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser of the browser tests."""
    path = install.chromium_program()
    assert path, "Chromium is not on this machine; bin/test installs it."
    return path


@pytest.fixture(scope="session")
def portal_server() -> Iterator[Portal]:
    """A portal with roles, catalogue and one person per role, on a database of its own."""
    with fresh_portal("e2e", ("setup", "--people")) as portal:
        yield portal


@pytest.fixture(scope="session")
def demo_portal() -> Iterator[Portal]:
    """A portal with the demonstration data, on a database of its own."""
    with fresh_portal("demo", ("setup", "--demo")) as portal:
        yield portal


def drop_database(admin: psycopg.Connection[Any], name: str) -> None:
    """Drop it, whoever is connected; `admin` is connected to another, without a transaction."""
    drop = sql.SQL("DROP DATABASE {}").format(sql.Identifier(name))
    end = time.monotonic() + 60
    while True:
        try:
            admin.execute(drop + sql.SQL(" WITH (FORCE)"))
        except psycopg.errors.InsufficientPrivilege:
            # The server cleans up in it just now (autovacuum): who is no superuser may not end
            # that, but a drop without force sends it away.
            with suppress(psycopg.errors.ObjectInUse):
                admin.execute(drop)
                return
            if time.monotonic() > end:
                raise
        else:
            return


# The portals that may run at once for one worker; each has a Redis database of its own.
PORTALS = ("e2e", "demo", "own")


@contextmanager
def fresh_portal(
    name: str, setup: tuple[str, ...], env: Mapping[str, str] | None = None
) -> Iterator[Portal]:
    """A running portal on a new database, which does not outlive it; `name` is one of PORTALS.

    `own` is for a module whose portal has other settings, which `env` names.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = f"{name}_{worker}_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    redis_number = 32 + len(PORTALS) * int(re.sub(r"\D", "", worker) or 0) + PORTALS.index(name)
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    # From another database: a template is copied while nobody is connected to it.
    with psycopg.connect(make_conninfo(server, dbname="postgres"), autocommit=True) as admin:
        admin.execute(made.format(sql.Identifier(database), sql.Identifier(TEMPLATE)))
        try:
            with (
                throwaway_folder() as data,
                running_portal(
                    make_conninfo(server, dbname=database),
                    re.sub(r"db=\d+$", f"db={redis_number}", os.environ["REDIS_URL"]),
                    data,
                    setup=setup,
                    has_tables=TEMPLATE != "template0",
                    env={"DEMO_PASSWORD": DEMO_PASSWORD, **(env or {})},
                ) as portal,
            ):
                yield portal
        finally:
            drop_database(admin, database)
