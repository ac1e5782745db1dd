"""What `bin/portal` runs: database, broker, the site's processes, from nothing to a page.

The order is install, servers, migrations, first data, site; each waits until the one before is
ready. One process ending ends all, with its last lines. Standard library alone.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import secrets
import signal
import socket
import string
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TextIO

import install
from install import CHECKOUT, Trouble
from ledger_key import signing_key
from processes import Children, stop_leftovers
from servers import (
    DURABLE,
    PostgreSQL,
    Redis,
    check_reachable,
    server_account,
    socket_folder,
)
from site_processes import (
    is_ready,
    listen,
    manage,
    site_environment,
    start_ingest,
    start_scheduler,
    start_web,
    start_worker,
    worker_is_ready,
)

PEOPLE = {
    "compliance officer": "officer@example.com",
    "engineer": "engineer@example.com",
    "auditor": "auditor@example.com",
    "viewer": "viewer@example.com",
    "administrator": "admin@example.com",
}
ADMINISTRATOR = PEOPLE["administrator"]
# A change below one of these asks for migrations, static files and first data again.
SOURCES = ("portal", "evidence", "audits", "policies", "vendors", "countersign", "static")
LEGIBLE = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("0o1li")))


def say(text: str) -> None:
    print(text, flush=True)


@dataclass(frozen=True)
class Options:
    port: int | None
    ingest_port: int | None
    data: Path
    empty: bool
    may_install: bool


def default_data() -> Path:
    """Root: /var/lib/countersign, which the servers' user can reach; others: their data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/countersign")
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "countersign"


def read_options(words: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="bin/portal",
        description="Starts the whole portal on this machine: installs what is missing, runs a "
        "private PostgreSQL and Redis, migrates, loads first data, and serves at localhost. "
        "Ctrl-C stops everything.",
        epilog="DATABASE_URL and REDIS_URL, if set, are used instead of private servers. Every "
        "other setting is in docs/operating.md.",
    )
    parser.add_argument(
        "--port", type=int, help="port on localhost (default: the first free one from 8000 on)"
    )
    parser.add_argument(
        "--ingest-port",
        type=int,
        help="port on localhost of the server that takes records (default: the next free one "
        "after the pages' port)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=default_data(),
        help="folder for database, documents, packs, secrets and logs (default: %(default)s)",
    )
    parser.add_argument(
        "--empty",
        action="store_true",
        help="no demonstration data: an administrator and the catalogue alone; holds for the "
        "data folder from its first start on",
    )
    parser.add_argument(
        "--no-install",
        action="store_true",
        help="install no packages of the system; say what is missing instead",
    )
    given = parser.parse_args(words)
    for option, port in (("--port", given.port), ("--ingest-port", given.ingest_port)):
        if port is not None and not 0 < port < 65536:
            parser.error(f"{option} takes a number from 1 to 65535")
    data = given.data.expanduser().resolve()
    return Options(given.port, given.ingest_port, data, given.empty, not given.no_install)


# --- the data folder -------------------------------------------------------------------------


def open_data(data: Path) -> TextIO:
    """Make the data folder and take it for this run; it is ours while the answer stays open.

    Raises: Trouble if it cannot be written, or another run has it.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        # Root's servers run as another user, who has to pass through but sees nothing.
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for name in ("logs", "secrets", "files"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
        lock = (data / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise Trouble(
            f"Cannot write to {data} ({error.strerror}): give another folder with --data."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        where = lock.read().strip() or "still starting"
        lock.close()
        raise Trouble(
            f"The portal already runs on {data} ({where}). Use that one, stop it with Ctrl-C "
            "where it runs, or give another folder with --data."
        ) from None
    return lock


def note_in(lock: TextIO, text: str) -> None:
    """Write what a second start will say into the lock."""
    lock.seek(0)
    lock.truncate()
    lock.write(text)
    lock.flush()


def secret(data: Path, name: str, *, length: int, alphabet: str) -> Path:
    """The file of a secret, which is made once and readable by its owner alone."""
    file = data / "secrets" / name
    if not file.exists():
        draft = file.with_suffix(".new")
        draft.write_text("".join(secrets.choice(alphabet) for _ in range(length)), "utf-8")
        draft.chmod(0o600)
        draft.replace(file)
    return file


def password(data: Path, name: str) -> str:
    return secret(data, name, length=16, alphabet=LEGIBLE).read_text("utf-8")


def first_data_kind(data: Path, *, empty: bool) -> str:
    """`empty` or `demo`, as the folder was first started. Raises: Trouble if it is too late."""
    file = data / "first-data"
    if not file.exists():
        return "empty" if empty else "demo"
    kind = file.read_text("utf-8")
    if empty and kind != "empty":
        raise Trouble(f"{data} holds demonstration data: give --empty another folder with --data.")
    return kind


def fingerprint(*words: str) -> str:
    """Changes with every file that migrations, static files or first data may depend on."""
    digest = hashlib.sha256(repr((words, sys.version)).encode())
    files = [CHECKOUT / "requirements.txt"]
    for source in SOURCES:
        files += sorted(path for path in (CHECKOUT / source).rglob("*") if path.is_file())
    for file in files:
        if "__pycache__" not in file.parts and "tests" not in file.parts:
            state = file.stat()
            digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


# --- starting --------------------------------------------------------------------------------


def start_servers(data: Path, children: Children) -> tuple[str, str]:
    """(database address, Redis address): those of the environment, else private servers."""
    database_url = os.environ.get("DATABASE_URL", "")
    redis_url = os.environ.get("REDIS_URL", "")
    if database_url and redis_url:
        return database_url, redis_url
    account = server_account()
    check_reachable(data, account)
    sockets = socket_folder(data / "run", account)
    if not redis_url:
        redis = Redis(data / "redis", sockets, account, is_durable=True)
        redis.start(children)
        redis_url = redis.url
        children.wait("Redis", redis.is_ready)
    if not database_url:
        postgresql = PostgreSQL(data / "postgresql", sockets, account, DURABLE)
        postgresql.start(children)
        database_url = postgresql.url
        children.wait("PostgreSQL", postgresql.is_ready)
    return database_url, redis_url


def prepare(data: Path, children: Children, env: dict[str, str], kind: str) -> None:
    """Migrations, static files and first data, unless nothing changed since the last time."""
    stamp = data / "prepared"
    is_private = "DATABASE_URL" not in os.environ
    current = fingerprint(kind)
    if is_private and stamp.exists() and stamp.read_text("utf-8") == current:
        return
    stamp.unlink(missing_ok=True)
    say("Preparing the database")
    static = manage(children, env, "collectstatic", "--noinput", "--clear", "--verbosity", "0")
    children.finish(manage(children, env, "migrate", "--noinput"))
    (data / "first-data").write_text(kind, "utf-8")  # from here on there is no way back
    if kind == "demo":
        say("Loading the demonstration data")
        env = {**env, "DEMO_PASSWORD": password(data, "DEMO_PASSWORD")}
        children.finish(manage(children, env, "setup", "--demo"))
    else:
        admin = {"ADMIN_EMAIL": ADMINISTRATOR, "ADMIN_PASSWORD": password(data, "ADMIN_PASSWORD")}
        children.finish(manage(children, {**env, **admin}, "setup"))
    children.finish(static)  # which ran beside the others
    stamp.write_text(current, "utf-8")


def how_to_sign_in(data: Path, kind: str) -> str:
    name = "DEMO_PASSWORD" if kind == "demo" else "ADMIN_PASSWORD"
    people = PEOPLE if kind == "demo" else {"administrator": ADMINISTRATOR}
    lines = [f"  {role:<20}{email}" for role, email in people.items()]
    lines.append(f"  {'password':<20}{password(data, name)}   (kept in {data / 'secrets' / name})")
    return "\n".join(lines)


def ports(options: Options, held: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """The sockets of pages and of records, until `held` closes. Raises: Trouble."""
    web = held.enter_context(listen(options.port))
    port = web.getsockname()[1]
    ingest = held.enter_context(listen(options.ingest_port, first=port + 1, option="--ingest-port"))
    if options.port is None and port != 8000:
        say(f"Port 8000 is taken by another program: using {port}.")
    return web, ingest


def add_secrets(env: dict[str, str], data: Path) -> None:
    """The secrets that the site needs, unless the environment has them. Raises: Trouble."""
    if not env.keys() & {"SECRET_KEY", "SECRET_KEY_FILE"}:
        key = secret(data, "SECRET_KEY", length=64, alphabet=string.ascii_letters)
        env["SECRET_KEY_FILE"] = str(key)
    if not env.keys() & {"LEDGER_SIGNING_KEY", "LEDGER_SIGNING_KEY_FILE"}:
        env["LEDGER_SIGNING_KEY_FILE"] = str(signing_key(data, env["DATABASE_URL"]))
    if not env.keys() & {"BUNDLE_SIGNING_KEY", "BUNDLE_SIGNING_KEY_FILE"}:
        # Unlike the ledger's it may be made anew: clients that pinned the old one then say so.
        bundle = secret(data, "BUNDLE_SIGNING_KEY", length=64, alphabet="0123456789abcdef")
        env["BUNDLE_SIGNING_KEY_FILE"] = str(bundle)
    if not env.keys() & {"MFA_ENCRYPTION_KEY", "MFA_ENCRYPTION_KEY_FILE"}:
        factors = secret(data, "MFA_ENCRYPTION_KEY", length=64, alphabet="0123456789abcdef")
        env["MFA_ENCRYPTION_KEY_FILE"] = str(factors)


def serve(options: Options, lock: TextIO, children: Children) -> None:
    """Start everything and watch it. Returns never; raises Trouble when a process ends."""
    data = options.data
    kind = first_data_kind(data, empty=options.empty)
    with contextlib.ExitStack() as held:
        web, ingest = ports(options, held)
        port, ingest_port = web.getsockname()[1], ingest.getsockname()[1]
        address = f"http://localhost:{port}"
        note_in(lock, f"{address}, process {os.getpid()}")
        database_url, redis_url = start_servers(data, children)
        env = site_environment(
            database_url=database_url,
            redis_url=redis_url,
            data=data,
            address=address,
            ingest_address=f"http://localhost:{ingest_port}",
        )
        add_secrets(env, data)
        if kind == "demo":
            env.setdefault("ORGANIZATION_NAME", "Alder Grove Health")
            # Made-up people on this machine alone: one who tries it need not enrol five times.
            env.setdefault("MFA_REQUIRED", "off")
        prepare(data, children, env, kind)
        start_web(children, env, web)
        start_ingest(children, env, ingest)
        worker = start_worker(children, env)
    children.wait("the site", lambda: is_ready(port))
    children.wait("the ingest server", lambda: is_ready(ingest_port))
    children.wait("the worker", lambda: worker_is_ready(worker))
    start_scheduler(children, env)
    say(f"\nCountersign is running at {address}/\n\n{how_to_sign_in(data, kind)}\n")
    say(f"Programs post their calls to {env['INGEST_URL']}/api/v1/, a server for records alone.")
    say(f"Ctrl-C stops everything. Logs, and the mail it would send, are in {data / 'logs'}.")
    while True:
        children.check()
        time.sleep(0.5)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def stopping(children: Children) -> Iterator[None]:
    """Stop the children at the end, whatever ends it; a second Ctrl-C does not cut that short."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup wants it ignored
        signals.append(signal.SIGHUP)
    for number in signals:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        site = [child for child in children.running if child.name not in ("postgresql", "redis")]
        children.stop(site)
        children.stop()


def main(words: list[str]) -> int:
    options = read_options(words)
    try:
        needs = dict(install.SITE)
        needs |= {} if os.environ.get("DATABASE_URL") else install.DATABASE
        needs |= {} if os.environ.get("REDIS_URL") else install.BROKER
        with open_data(options.data) as lock:
            children = Children(options.data / "logs", options.data / "processes.json")
            with stopping(children):
                note_in(lock, f"still starting, process {os.getpid()}")
                stop_leftovers(options.data / "processes.json")
                install.ensure_packages(needs, may_install=options.may_install)
                install.ensure_venv("requirements.txt")
                serve(options, lock, children)
    except Trouble as trouble:
        return trouble.tell("bin/portal")
    except KeyboardInterrupt:
        say("\nStopped.")
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
