"""What every test runs with, and the real portals that end-to-end and browser tests talk to."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import pytest_django
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import storages
from django.test.utils import setup_databases, teardown_databases
from psycopg import sql
from psycopg.conninfo import make_conninfo

import install
from throwaway import Portal, running_portal, throwaway_folder

DEMO_PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who live for one run


def pytest_configure() -> None:
    """Settings of the tests that differ from the site's; before anything has read them."""
    # Names as they are: the hashed ones of production would need collectstatic first.
    storages.backends["staticfiles"] = {  # type: ignore[assignment]  # typed as the made ones
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    # Straight from static/: there is no collected folder, and WhiteNoise would warn of that.
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    # Quick to compute, which is what a password hash must not be elsewhere.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # A Redis database for each worker, so that no test empties another one's cache.
    number = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
    settings.REDIS_URL = re.sub(r"db=0$", f"db={number + 1}", settings.REDIS_URL)
    settings.CACHES["default"]["LOCATION"] = settings.REDIS_URL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a running portal share a worker too, so that it is started once."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if {"portal_server", "demo_portal"} & names or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("portal"))


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """What one test counted or kept must not reach the next, whose database is another."""
    marked = request.node.get_closest_marker("django_db")
    if marked or {"db", "transactional_db"} & set(request.fixturenames):
        cache.clear()


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
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0,
            interactive=False,
            aliases={"default": None},
            keepdb=django_db_keepdb and not django_db_createdb,
        )
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


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


@contextmanager
def fresh_portal(name: str, setup: tuple[str, ...]) -> Iterator[Portal]:
    """A running portal on a new database, which does not outlive it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = f"{name}_{worker}_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    redis_number = 32 + 2 * int(re.sub(r"\D", "", worker) or 0) + (name == "demo")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        try:
            with (
                throwaway_folder() as data,
                running_portal(
                    make_conninfo(server, dbname=database),
                    re.sub(r"db=\d+$", f"db={redis_number}", os.environ["REDIS_URL"]),
                    data,
                    setup=setup,
                    env={"DEMO_PASSWORD": DEMO_PASSWORD},
                ) as portal,
            ):
                yield portal
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))
            connection.execute(drop)
