"""The site's own processes: commands, web, ingest, worker, scheduler, and when they are ready.

Used by `bin/portal`, and by the tests and benchmarks that need a real portal over real HTTP.
"""

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from install import CHECKOUT, PYTHON, Trouble
from processes import Child, Children, Program, Word
from servers import shared_memory_works

# No proxy of the environment is asked for an address of this machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
HERE = "127.0.0.1"


def site_environment(
    *, database_url: str, redis_url: str, data: Path, address: str, ingest_address: str
) -> dict[str, str]:
    """What the site's processes find in their environment, beside what ours holds.

    It is reached from this machine by plain HTTP alone, so HTTPS is off.
    """
    hosts = [os.environ.get("ALLOWED_HOSTS", ""), "localhost", HERE]
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": address,
        "INGEST_URL": ingest_address,
        "ALLOWED_HOSTS": ",".join(filter(None, hosts)),
        "DATA_DIR": str(data / "files"),
        "STATIC_ROOT": str(data / "static"),
        "HTTPS": "off",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PYTHONUNBUFFERED": "1",
    }


def manage(children: Children, env: Mapping[str, str], *words: str) -> Child:
    """Start a command of `manage.py`; `children.finish` waits for its end."""
    command: list[Word] = [PYTHON, "manage.py", *words]
    return children.start(f"manage-{words[0]}", Program(command, env, CHECKOUT, is_job=True))


def listen(
    port: int | None, *, first: int = 8000, tries: int = 100, option: str = "--port"
) -> socket.socket:
    """A socket that holds the port for a server; `port` None: the next free one from `first` on.

    Raises: Trouble if `port` is taken; it names the `option` that gives another.
    """
    for candidate in [port] if port is not None else range(first, first + tries):
        web = socket.socket(socket.AF_INET)
        web.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            web.bind((HERE, candidate))
            if not held_by_ipv6(candidate):
                web.listen(128)
                return web
        except PermissionError:
            web.close()
            raise Trouble(
                f"This user may not open port {candidate}: give one above 1023."
            ) from None
        except (OSError, OverflowError):
            pass
        web.close()
    if port is not None:
        raise Trouble(
            f"Port {port} is taken by another program: give another with {option}, "
            "or none, and the next free one is used."
        )
    raise Trouble(
        f"Every port from {first} to {first + tries - 1} is taken: give one with {option}."
    )


def held_by_ipv6(port: int) -> bool:
    """Whether somebody else would answer at localhost, which browsers also take for ::1."""
    with socket.socket(socket.AF_INET6) as other:
        other.settimeout(0.5)
        try:
            other.connect(("::1", port))
        except OSError:
            return False
        return True


def start_web(
    children: Children, env: Mapping[str, str], web: socket.socket, *, workers: int = 2
) -> Child:
    """Start gunicorn on the socket `web`."""
    processes = ["--worker-class", "gthread", "--workers", str(workers), "--threads", "8"]
    times = ["--keep-alive", "5", "--timeout", "60", "--graceful-timeout", "3"]
    where = ["--bind", f"fd://{web.fileno()}", "--no-control-socket", "--preload"]
    return children.start(
        "web",
        Program(
            [PYTHON, "-m", "gunicorn", "portal.wsgi:application", *where, *processes, *times],
            env,
            CHECKOUT,
            endings=[(signal.SIGTERM, 5), (signal.SIGQUIT, 2)],
            keep_open=[web.fileno()],
        ),
    )


def start_ingest(children: Children, env: Mapping[str, str], ingest: socket.socket) -> Child:
    """Start the server that takes records on the socket `ingest`."""
    bind = f"fd://{ingest.fileno()}"
    return children.start(
        "ingest",
        Program(
            [PYTHON, "manage.py", "serve_ingest", "--bind", bind],
            env,
            CHECKOUT,
            keep_open=[ingest.fileno()],
        ),
    )


def celery(*words: str) -> list[Word]:
    return [PYTHON, "-m", "celery", "-A", "portal.celery:app", *words]


def start_worker(children: Children, env: Mapping[str, str]) -> Child:
    """Start a Celery worker: processes, or threads where processes cannot share memory."""
    pool = "prefork" if shared_memory_works() else "threads"
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = celery("worker", "--loglevel", "INFO", "--pool", pool, "--concurrency", "2", *quiet)
    # A second signal ends it at once: a task that was running goes back to the queue.
    endings = [(signal.SIGTERM, 4), (signal.SIGQUIT, 3)]
    return children.start("worker", Program(command, env, CHECKOUT, endings=endings))


def start_scheduler(children: Children, env: Mapping[str, str]) -> Child:
    return children.start("scheduler", Program(celery("beat"), env, CHECKOUT))


def worker_is_ready(worker: Child) -> bool:
    return " ready." in worker.new_lines()


def is_ready(port: int) -> bool:
    """Whether the server at this port answers, and a record could be stored now."""
    return answers(port, "/readyz")


def answers(port: int, path: str) -> bool:
    request = urllib.request.Request(f"http://{HERE}:{port}{path}")
    try:
        with OPENER.open(request, timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False
