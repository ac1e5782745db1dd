"""Processes that are started together end together, and none outlives the run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from install import Trouble
from processes import Children, Program, start_moment, stop_leftovers

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
PARENT = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); "
SLEEP = "print('up', flush=True); import time; time.sleep(60)"


@pytest.fixture
def children(tmp_path):
    children = Children(tmp_path, tmp_path / "processes.json")
    yield children
    children.stop()


def python(code: str, **more) -> Program:
    return Program([sys.executable, "-c", code], os.environ, Path("/"), **more)


def wait_for_line(children: Children, child) -> str:
    children.wait("its first line", lambda: "\n" in child.new_lines())
    return child.new_lines().splitlines()[0]


def test_a_process_that_ends_by_itself_is_reported_with_its_last_lines(children):
    children.start("steady", python(SLEEP))
    child = children.start("weak", python("print('the disk is full'); raise SystemExit(3)"))
    child.process.wait()
    with pytest.raises(Trouble, match=r"The weak ended by itself \(status 3\)[\s\S]*disk is full"):
        children.check()


def test_a_job_may_end_and_a_failed_one_is_reported(children):
    children.finish(children.start("good", python("", is_job=True)))
    assert children.running == []
    with pytest.raises(Trouble, match=r"status 1[\s\S]*ValueError"):
        children.finish(children.start("bad", python("raise ValueError", is_job=True)))


def test_only_lines_of_this_start_are_shown(children, tmp_path):
    (tmp_path / "again.log").write_text("of yesterday\n")
    child = children.start("again", python("print('of today')", is_job=True))
    child.process.wait()
    assert child.new_lines() == "of today\n"


def test_who_ignores_the_signal_is_killed(children):
    child = children.start("deaf", python(STUBBORN + SLEEP, endings=[(signal.SIGTERM, 0.2)]))
    wait_for_line(children, child)
    children.stop()
    assert child.process.returncode == -signal.SIGKILL


def test_a_childs_own_children_end_too(children):
    child = children.start("parent", python(PARENT + SLEEP))
    grandchild = int(wait_for_line(children, child))
    children.stop()
    until(lambda: start_moment(grandchild) is None)


def test_what_a_killed_run_left_is_stopped(children, tmp_path):
    child = children.start("left", python(SLEEP))
    wait_for_line(children, child)
    stop_leftovers(tmp_path / "processes.json")
    assert child.process.wait(5) == -signal.SIGTERM
    assert not (tmp_path / "processes.json").exists()


def test_a_stranger_who_got_the_same_number_is_left_alone(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = tmp_path / "processes.json"
        record.write_text(f'{{"{stranger.pid}": ["1", 15]}}')
        stop_leftovers(record)
        assert stranger.poll() is None
        stranger.kill()


def test_a_half_written_record_stops_nothing(tmp_path):
    (tmp_path / "processes.json").write_text('{"12": [')
    stop_leftovers(tmp_path / "processes.json")


def test_children_end_when_we_are_killed(tmp_path):
    code = f"""
import os, sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2] / "bin")!r})
from processes import Children, Program
children = Children(Path({str(tmp_path)!r}))
words = ["sh", "-c", "echo up; exec sleep 60"]
child = children.start("child", Program(words, os.environ, Path("/")))
children.wait("its first line", child.new_lines)
print(child.process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        child = int(run.stdout.readline())
        run.kill()
    until(lambda: start_moment(child) is None)


def until(is_so, *, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
