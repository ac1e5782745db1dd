"""A private PostgreSQL and a private Redis: unix sockets only, no port, folders of their own."""

import contextlib
import multiprocessing
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from install import Trouble, leading_digits, postgresql_folders, redis_program
from processes import Children, Program, Word, stop_process

# Linux ends socket paths at 107 bytes; PostgreSQL's is the longest name we put in the folder.
LONGEST_FOLDER = 107 - len("/.s.PGSQL.5432.lock")
DATABASE = "countersign"
# Of throwaway servers: what the databases of tests are copied from. Nobody else connects to it, as
# PostgreSQL copies none that is in use.
TABLES = "tables"
# What PostgreSQL and Celery's processes share lies in /dev/shm, which needs some room.
SHARED_MEMORY_BYTES = 64 * 1024 * 1024
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# Terse: what PostgreSQL says of a failed CHECK would otherwise hold the whole row.
DURABLE = {"log_error_verbosity": "terse", "max_connections": "100"}
# For a cluster that is thrown away after the tests: nothing is waited for.
THROWAWAY = {
    **DURABLE,
    "max_connections": "300",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_locks_per_transaction": "256",
}


@dataclass(frozen=True)
class Account:
    """Who the servers run as."""

    name: str
    user: int
    group: int

    @property
    def other(self) -> tuple[int, int] | None:
        """(user, group) where it is not the one we run as, for Popen and chown."""
        return None if self.user == os.geteuid() else (self.user, self.group)


def server_account() -> Account:
    """Ourselves; for root an ordinary user, since PostgreSQL refuses to run as root.

    Raises: Trouble if our user number has no name, which PostgreSQL cannot work with.
    """
    if os.geteuid() != 0:
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Trouble(
                f"User {os.geteuid()} has no name in /etc/passwd, which PostgreSQL needs: "
                "start as a user that has one, or set DATABASE_URL."
            ) from None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Trouble("Root needs a user `postgres` or `nobody` to run the database as.")


def run_as(account: Account, command: list[Word], *, input_text: str = "") -> str:
    """The output of `command`, run as `account`. Raises: Trouble with its last lines."""
    user, group = account.other or (None, None)
    done = subprocess.run(
        command,
        input=input_text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
        cwd="/",
        user=user,
        group=group,
        extra_groups=None if user is None else [],
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-12:])
        raise Trouble(f"{Path(command[0]).name} failed with status {done.returncode}:\n{last}")
    return done.stdout


def own_folder(folder: Path, account: Account) -> Path:
    """Make `folder`, open to `account` alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account.other:
        os.chown(folder, *account.other)
    folder.chmod(0o700)
    return folder


def check_reachable(folder: Path, account: Account) -> None:
    """Raises: Trouble if the servers' user cannot come to `folder`."""
    try:
        run_as(account, ["test", "-x", folder])
    except Trouble:
        raise Trouble(
            f"The user {account.name}, who runs the database for root, cannot reach {folder}: "
            "give another folder with --data, for example /var/lib/countersign."
        ) from None


def socket_folder(preferred: Path, account: Account) -> Path:
    """A folder for the sockets: `preferred`, unless its path or its file system will not do."""
    if re.fullmatch(r"[\w./-]+", str(preferred), re.ASCII) and (
        len(os.fsencode(preferred)) <= LONGEST_FOLDER
    ):
        own_folder(preferred, account)
        for stale in preferred.iterdir():
            stale.unlink()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as trial:
            trial.bind(str(preferred / "trial"))
            (preferred / "trial").unlink()
            return preferred
    short = Path(tempfile.mkdtemp(prefix="countersign-", dir="/tmp"))  # nosec B108
    return own_folder(short, account)


def shared_memory_works() -> bool:
    """Whether processes can share semaphores and memory here; some containers lack /dev/shm."""
    try:
        multiprocessing.get_context("fork").Semaphore()
        room = os.statvfs("/dev/shm")  # noqa: S108 # nosec B108
    except (ImportError, OSError):
        return False
    return room.f_bavail * room.f_frsize >= SHARED_MEMORY_BYTES


@dataclass(frozen=True)
class PostgreSQL:
    """A cluster of our own. `settings`: DURABLE or THROWAWAY."""

    cluster: Path
    sockets: Path
    account: Account
    settings: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"postgresql://{DATABASE}@{quote(str(self.sockets), safe='')}:5432/{DATABASE}"

    def programs(self) -> Path:
        """The programs that fit the cluster; for a new one the newest. Raises: Trouble."""
        found = postgresql_folders()
        try:
            version = int(leading_digits((self.cluster / "PG_VERSION").read_text("ascii")))
        except OSError:
            return found[max(found)]
        if version not in found:
            raise Trouble(
                f"The data in {self.cluster} is PostgreSQL {version}'s, which is not on this "
                f"machine: install postgresql-{version}, or give another folder with --data."
            )
        return found[version]

    def start(self, children: Children) -> None:
        """Start it, after making it if it is not there; does not wait."""
        programs = self.programs()
        if not (self.cluster / "PG_VERSION").exists():
            self.make(programs)
        self.write_access()
        self.clear_stale_pid()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "port": "5432",
            "dynamic_shared_memory_type": "posix" if shared_memory_works() else "mmap",
            **self.settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        children.start(
            "postgresql",
            Program(
                [programs / "postgres", "-D", self.cluster, *options],
                ENVIRONMENT,
                Path("/"),
                account=self.account.other,
                endings=[(signal.SIGINT, 10), (signal.SIGQUIT, 3)],
            ),
        )

    def make(self, programs: Path) -> None:
        """Make the cluster beside its place, and move it there whole.

        So a run that was interrupted leaves a draft, never half a cluster. The site's role owns its
        database and may make others (the tests do), and is no superuser, as on a real server.
        """
        draft = self.cluster.with_name(self.cluster.name + ".draft")
        for half in (draft, self.cluster):
            if half.exists():
                shutil.rmtree(half)
        own_folder(draft, self.account)
        sync = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        wishes = ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "peer"]
        run_as(self.account, [programs / "initdb", "-D", draft, *wishes, *sync])
        owner = f"CREATE ROLE {DATABASE} LOGIN CREATEDB;"
        database = f"CREATE DATABASE {DATABASE} OWNER {DATABASE};"
        # Tests that empty append-only tables at their end have to lift the triggers; others make
        # the roles of a server whose web and writer are no owners.
        lift = f"GRANT SET ON PARAMETER session_replication_role TO {DATABASE};"
        roles = f"ALTER ROLE {DATABASE} CREATEROLE;"
        tables = f"CREATE DATABASE {TABLES} OWNER {DATABASE};"
        for_tests = [lift, roles, tables] if self.settings is THROWAWAY else []
        statements = [owner, database, *for_tests]
        # Single-user mode does it before anybody can connect; it reports errors only in words.
        single: list[Word] = [programs / "postgres", "--single", "-D", draft, "postgres"]
        if "ERROR:" in (
            said := run_as(self.account, single, input_text="\n".join([*statements, ""]))
        ):
            raise Trouble(f"PostgreSQL could not make its database:\n{said}")
        draft.rename(self.cluster)

    def write_access(self) -> None:
        """Let this user in, known by the kernel's word, and nobody else; there is no password."""
        names = {self.account.name, pwd.getpwuid(os.geteuid()).pw_name}
        allowed = "".join(
            f'here "{name}" {role}\n' for name in names for role in (DATABASE, "postgres")
        )
        (self.cluster / "pg_ident.conf").write_text(allowed, "utf-8")
        (self.cluster / "pg_hba.conf").write_text("local all all peer map=here\n", "utf-8")

    def clear_stale_pid(self) -> None:
        """Deal with the process number that a crash left: PostgreSQL would believe it.

        A server of this cluster is stopped; a stranger with the same number is left alone.
        """
        file = self.cluster / "postmaster.pid"
        try:
            pid = int(file.read_text("utf-8").split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return  # none, half-written, or nobody has the number: PostgreSQL sees to that
        if os.fsencode(self.cluster) in command:
            stop_process(pid, signal.SIGINT)
        else:
            file.unlink()

    def is_ready(self) -> bool:
        """Whether it takes connections: the eighth line of its file says so, as for pg_ctl."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text("utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


@dataclass(frozen=True)
class Redis:
    """A Redis of our own. What waits in its queues outlives a restart if `is_durable`."""

    folder: Path
    sockets: Path
    account: Account
    is_durable: bool

    @property
    def socket_path(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}?db=0"

    def start(self, children: Children) -> None:
        own_folder(self.folder, self.account)
        program = redis_program()
        if program is None:
            raise Trouble("redis-server is not on this machine: install it, or set REDIS_URL.")
        appending = "yes" if self.is_durable else "no"
        network: list[Word] = [
            "--port",
            "0",
            "--unixsocket",
            self.socket_path,
            "--unixsocketperm",
            "700",
        ]
        storage = ["--save", "", "--appendonly", appending, "--databases", "64"]
        children.start(
            "redis",
            Program(
                [program, *network, *storage],
                ENVIRONMENT,
                self.folder,
                account=self.account.other,
            ),
        )

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self.socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False
