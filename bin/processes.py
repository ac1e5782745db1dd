"""Child processes that are started together, watched together and stopped in order."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from install import Trouble

LAST_LINES = 15
LARGEST_LOG_BYTES = 5_000_000
Word = str | Path


@dataclass(frozen=True)
class Program:
    """What to run. `account`: (user, group) if not ours. `endings`: signals, seconds for each."""

    command: Sequence[Word]
    env: Mapping[str, str]
    cwd: Path
    account: tuple[int, int] | None = None
    endings: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 5),)
    keep_open: Sequence[int] = ()
    is_job: bool = False  # ends by itself when its work is done


@dataclass
class Child:
    """A program that was started, and its log from this start on."""

    name: str
    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    def new_lines(self) -> str:
        """What it wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode("utf-8", "replace")

    def failure(self) -> Trouble:
        last = "\n".join(self.new_lines().splitlines()[-LAST_LINES:])
        return Trouble(
            f"The {self.name} ended by itself (status {self.process.returncode}). "
            f"The last lines of {self.log}:\n{last}"
        )


def start_moment(pid: int) -> str | None:
    """When the process began, in clock ticks after boot; None if there is none.

    With the number it tells a process from a later one that got the same number.
    """
    try:
        # The name in parentheses may hold spaces; the moment is field 22, 20 after the name.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def last_wish(ending: signal.Signals) -> list[Word]:
    """A prefix that ends a child when we die without a chance to do so ourselves (SIGKILL)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", ending.name.removeprefix("SIG")] if setpriv else []


@dataclass
class Children:
    """The processes of one run.

    `record` is a file that names them, by which the next run finds the ones that a killed run left.
    """

    logs: Path
    record: Path | None = None
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, program: Program) -> Child:
        """Start `program`; its output goes to the log of that name."""
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))
        user, group = program.account or (None, None)
        with log.open("ab") as output:
            # Before it starts: it moves the position, which is shared, by what it writes.
            log_start = output.tell()
            # An own session: Ctrl-C in the terminal reaches us alone, and we end them in order.
            process = subprocess.Popen(
                [*last_wish(program.endings[0][0]), *program.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(program.env),
                cwd=program.cwd,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,
                pass_fds=program.keep_open,
            )
            child = Child(name, program, process, log, log_start)
        self.running.append(child)
        self.write_record()
        return child

    def write_record(self) -> None:
        if self.record is not None:
            left = {
                child.process.pid: (start_moment(child.process.pid), child.program.endings[0][0])
                for child in self.running
            }
            draft = self.record.with_suffix(".new")
            draft.write_text(json.dumps(left), "utf-8")
            draft.replace(self.record)

    def check(self) -> None:
        """Raises: Trouble with the log of a child that ended by itself."""
        for child in self.running:
            status = child.process.poll()
            if status or (status == 0 and not child.program.is_job):
                raise child.failure()

    def finish(self, job: Child) -> None:
        """Wait for the end of a job's work. Raises: Trouble if it, or anything else, fails."""
        while job.process.poll() is None:
            self.check()
            time.sleep(0.02)
        self.check()
        self.running.remove(job)
        self.write_record()

    def wait(self, what: str, is_ready: Callable[[], bool], *, seconds: float = 90) -> None:
        """Wait until `is_ready`. Raises: Trouble if a child dies before, or time runs out."""
        end = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > end:
                raise Trouble(f"Waited {seconds:.0f} seconds for {what}; see {self.logs}.")
            time.sleep(0.05)

    def stop(self, children: Iterable[Child] | None = None) -> None:
        """End the given children together; all of them: the last started first, one by one."""
        if children is None:
            for child in reversed(self.running[:]):
                self.stop([child])
            return
        together = list(children)
        rounds = max((len(child.program.endings) for child in together), default=0)
        for number in range(rounds):
            for child in together:
                if number < len(child.program.endings) and child.process.poll() is None:
                    child.process.send_signal(child.program.endings[number][0])
            end = time.monotonic() + max(
                child.program.endings[number][1]
                for child in together
                if number < len(child.program.endings)
            )
            for child in together:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, end - time.monotonic()))
        for child in together:
            end_group(child.process.pid)
            child.process.wait()
            self.running.remove(child)
        self.write_record()


def end_group(leader: int) -> None:
    """Kill what is left of a child's session: itself, if it would not end, and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def stop_process(pid: int, ending: int, *, seconds: float = 10) -> None:
    """End a process that is not our child: by the signal `ending`, else by force."""
    began = start_moment(pid)
    if began is None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, ending)
    end = time.monotonic() + seconds
    while start_moment(pid) == began:
        if time.monotonic() > end:
            end_group(pid)
            return
        time.sleep(0.05)


def stop_leftovers(record: Path) -> None:
    """Stop what a run that was killed left running, last first; `record` is that run's file."""
    try:
        left: dict[str, tuple[str | None, int]] = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        return
    for pid, (began, ending) in reversed(left.items()):
        if began and start_moment(int(pid)) == began:
            stop_process(int(pid), ending)
    record.unlink(missing_ok=True)
