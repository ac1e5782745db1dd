"""Servers and whole portals that live for one run: for `bin/test`, end-to-end tests, benchmarks."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from install import CHECKOUT, PYTHON, Trouble
from processes import Child, Children
from servers import (
    DURABLE,
    THROWAWAY,
    PostgreSQL,
    Redis,
    check_reachable,
    server_account,
    socket_folder,
)
from site_processes import (
    is_ready,
    listen,
    site_environment,
    start_ingest,
    start_web,
    start_worker,
    worker_is_ready,
)

SECRET_KEY = "for-a-portal-that-is-thrown-away-after-this-run-0123456789"  # noqa: S105
SIGNING_KEY = "07" * 32
SECRETS = {
    "SECRET_KEY": SECRET_KEY,
    "LEDGER_SIGNING_KEY": SIGNING_KEY,
    "BUNDLE_SIGNING_KEY": "08" * 32,
    "MFA_ENCRYPTION_KEY": "09" * 32,
    # The people of such a portal live for one run; tests of second factors turn it on.
    "MFA_REQUIRED": "off",
}


@contextlib.contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A folder for one run, which root's servers can reach too."""
    # Not TMPDIR, which may be long or private: the sockets' paths have to fit.
    folder = Path(tempfile.mkdtemp(prefix="countersign-", dir="/tmp"))  # nosec B108
    try:
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Servers:
    database_url: str
    redis_url: str
    folder: Path


@contextlib.contextmanager
def throwaway_servers(*, is_durable: bool = False) -> Iterator[Servers]:
    """A PostgreSQL and a Redis for one run; `is_durable` for measuring with real commits."""
    with throwaway_folder() as folder, own_children(folder / "logs") as children:
        account = server_account()
        check_reachable(folder, account)
        sockets = socket_folder(folder / "run", account)
        settings = DURABLE if is_durable else THROWAWAY
        postgresql = PostgreSQL(folder / "postgresql", sockets, account, settings)
        redis = Redis(folder / "redis", sockets, account, is_durable=False)
        redis.start(children)
        postgresql.start(children)
        children.wait("PostgreSQL", postgresql.is_ready)
        children.wait("Redis", redis.is_ready)
        yield Servers(postgresql.url, redis.url, folder)


@contextlib.contextmanager
def own_children(logs: Path) -> Iterator[Children]:
    logs.mkdir(parents=True, exist_ok=True)
    children = Children(logs)
    try:
        yield children
    finally:
        children.stop()


@dataclass
class Portal:
    """A running portal: real web server, real ingest server, real worker, real database."""

    url: str
    ingest_url: str
    env: dict[str, str]
    children: Children
    web: Child
    ingest: Child
    worker: Child

    @property
    def database_url(self) -> str:
        return self.env["DATABASE_URL"]

    @property
    def logs(self) -> Path:
        """The folder of web.log and worker.log."""
        return self.children.logs

    def run_manage(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """The output of a command of `manage.py` on this portal's database."""
        return run_manage({**self.env, **(env or {})}, *words)

    def stop_worker(self) -> None:
        self.children.stop([self.worker])

    def start_worker(self) -> None:
        self.worker = start_worker(self.children, self.env)
        self.children.wait("the worker", lambda: worker_is_ready(self.worker))


def run_manage(env: Mapping[str, str], *words: str) -> str:
    """The output of a command of `manage.py`. Raises: Trouble with its last lines."""
    done = subprocess.run(
        [PYTHON, "manage.py", *words],
        cwd=CHECKOUT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise Trouble(f"manage.py {' '.join(words)} failed:\n{last}")
    return done.stdout


@contextlib.contextmanager
def migrated_servers() -> Iterator[tuple[Servers, dict[str, str]]]:
    """Servers that write durably, and the environment of a site on them that is not started."""
    with throwaway_servers(is_durable=True) as servers:
        env = site_environment(
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            data=servers.folder / "data",
            address="http://localhost",
            ingest_address="http://localhost",
        )
        env |= {**SECRETS, "DEBUG": "off"}
        run_manage(env, "migrate", "-v0")
        yield servers, env


@contextlib.contextmanager
def running_portal(
    database_url: str,
    redis_url: str,
    data: Path,
    *,
    setup: tuple[str, ...] | None = ("setup",),
    has_tables: bool = False,
    env: Mapping[str, str] | None = None,
) -> Iterator[Portal]:
    """A portal on free ports, with web, ingest and worker, without scheduler; stopped at the end.

    The database is migrated, and `manage.py` run with the words of `setup`, unless that is None.
    `has_tables`: it is a copy of one that is migrated.
    `data` gets documents, packs and logs; `env` adds to the environment.
    """
    with own_children(data / "logs") as children, listen(0) as web, listen(0) as ingest:
        ports = web.getsockname()[1], ingest.getsockname()[1]
        url, ingest_url = (f"http://localhost:{port}" for port in ports)
        everything = site_environment(
            database_url=database_url,
            redis_url=redis_url,
            data=data,
            address=url,
            ingest_address=ingest_url,
        )
        everything |= {**SECRETS, "DEBUG": "off", **(env or {})}
        if setup is not None:
            if not has_tables:
                run_manage(everything, "migrate", "--noinput")
            run_manage(everything, *setup)
        run_manage(everything, "collectstatic", "--noinput", "--verbosity", "0")
        servers = start_web(children, everything, web), start_ingest(children, everything, ingest)
        worker = start_worker(children, everything)
        web.close()
        ingest.close()
        for what, port in zip(("the site", "the ingest server"), ports, strict=True):
            children.wait(what, lambda port=port: is_ready(port))  # type: ignore[misc]
        children.wait("the worker", lambda: worker_is_ready(worker))
        yield Portal(url, ingest_url, everything, children, *servers, worker)
