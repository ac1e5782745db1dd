"""`manage.py serve_ingest`: the server that takes records, and nothing else."""

from __future__ import annotations

import signal
import socket
import stat
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.utils import timezone

from audits.services import serving
from audits.services.signing import LedgerRefused
from portal.ingest_server import run, run_many
from portal.starting import refuse_if_tampered

BACKLOG = 2048


def listening(address: str) -> socket.socket:
    """The socket that `address` names: HOST:PORT, unix:PATH, or fd://NUMBER of an open one.

    Raises: CommandError.
    """
    try:
        if address.startswith("fd://"):
            return socket.socket(fileno=int(address.removeprefix("fd://")))
        if address.startswith("unix:"):
            return _unix(Path(address.removeprefix("unix:")))
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if not host:
            raise ValueError
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except ValueError:
        raise CommandError("--bind takes HOST:PORT, unix:PATH or fd://NUMBER.") from None
    except OSError as error:
        raise CommandError(f"Cannot listen at {address}: {error.strerror}.") from None


def _unix(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        # What an earlier run left; anything but a socket is somebody's.
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        # Who may pass the folder may ask: the proxy's user is in our group.
        path.chmod(0o666)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class Command(BaseCommand):
    help = "Serve the addresses that take records, by uvicorn, until a signal ends it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8001", help="HOST:PORT or unix:PATH")
        parser.add_argument(
            "--processes",
            type=int,
            default=settings.INGEST_PROCESSES,
            help="how many; each has a writer of its own (default: %(default)s)",
        )

    def handle(self, *, bind: str, processes: int, **options: object) -> None:
        if processes < 1:
            raise CommandError("--processes takes a number from 1 on.")
        refuse_if_tampered()
        with listening(bind) as listener, recorded():
            if processes == 1:
                run(listener)
            elif status := run_many(listener, processes):
                raise CommandError("A process of the ingest server ended.", returncode=abs(status))


@contextmanager
def recorded() -> Iterator[None]:
    """The ledger says when this began and, if it ends in order, when it ended.

    Raises: CommandError if the ledger refuses, for then nothing could be recorded.
    """
    try:
        start = serving.began("ingest", at=timezone.now())
    except LedgerRefused as refused:
        raise CommandError(str(refused)) from refused
    # No process that is forked from this one may share its connection.
    connections.close_all()
    # uvicorn ends by the signal that it was sent, which must not skip what follows.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        yield
    finally:
        with suppress(DatabaseError, psycopg.Error, LedgerRefused):
            serving.ended("ingest", start=start, at=timezone.now())
