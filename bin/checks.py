"""What `bin/test` runs: every check, then every test, on a database that is thrown away.

With arguments only the tests run, and pytest gets the arguments. Everything runs to its end even
if something failed, so that one run tells all.
"""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import install
from install import CHECKOUT, VENV, Trouble
from processes import Word
from servers import TABLES
from supervisor import interrupt, say
from throwaway import SECRETS, Servers, throwaway_servers

APPS = ("portal", "evidence", "audits", "policies", "vendors", "countersign")
TYPED = (*APPS, "bin", "benchmarks", "conftest.py")
# As on a server: check --deploy finds nothing to warn of.
PRODUCTION = {
    "DEBUG": "off",
    "HTTPS": "on",
    "ALLOWED_HOSTS": "portal.example.com",
    "PUBLIC_URL": "https://portal.example.com",
    "EMAIL_URL": "smtp+tls://mail.example.com:587",
}
# Medium and up, in severity and confidence: ruff's rules of the same origin hold the others.
BANDIT = ("-q", "-ll", "-ii", "-x", "*/tests/*", "-r")
HELP = """usage: bin/test [--no-install] [arguments of pytest]

Installs what is missing, runs every check and every test, browser tests included, and ends with a
status other than 0 if anything failed. With arguments only the tests run, and pytest gets them:
  bin/test policies -k gate
"""


@dataclass(frozen=True)
class Check:
    name: str
    command: list[Word]
    env: Mapping[str, str]


def tool(name: str) -> Path:
    return VENV / "bin" / name


def checks(env: Mapping[str, str]) -> list[Check]:
    """The longest first, so that the others run beside it."""
    manage: list[Word] = [install.PYTHON, "manage.py"]
    templates = sorted(str(path) for path in (CHECKOUT / "templates").rglob("*.html"))
    typed = [name for name in TYPED if (CHECKOUT / name).exists()]
    tested = [name for name in (*APPS, "bin") if (CHECKOUT / name).exists()]
    deploy: list[Word] = ["check", "--deploy", "--fail-level", "WARNING"]
    # As of a breach in which one password leaked.
    breached = Path(env["DATA_DIR"]).with_name("breached.txt")
    breached.write_text(f"{0:040X}:1\n")
    production = {**PRODUCTION, "PASSWORD_BREACHED_FILE": str(breached)}
    found = [
        Check("types", [tool("mypy"), *typed], env),
        Check("layers", [tool("lint-imports"), "--no-cache"], env),
        Check("format", [tool("ruff"), "format", "--check", "."], env),
        Check("lint", [tool("ruff"), "check", "."], env),
        Check("security", [tool("bandit"), *BANDIT, *tested], env),
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"], env),
        Check("deployment", [*manage, *deploy], {**env, **production}),
    ]
    if templates:
        djade: list[Word] = [tool("djade"), "--target-version", "5.2", "--check", *templates]
        found += [
            Check("templates, format", djade, env),
            Check("templates, lint", [tool("djlint"), "--lint", "--quiet", "templates"], env),
        ]
    return found


def migrated(env: Mapping[str, str]) -> Check:
    """Makes the tables, once: the tests' databases are copies of that one."""
    server = env["DATABASE_URL"].rpartition("/")[0]
    words: list[Word] = [install.PYTHON, "manage.py", "migrate", "--noinput", "-v0"]
    return Check("tables", words, {**env, "DATABASE_URL": f"{server}/{TABLES}"})


def run_check(check: Check) -> str | None:
    """Run it, print one line, and its output if it failed. Returns: its name if it failed."""
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=CHECKOUT,
        env=dict(check.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    word = "FAILED" if done.returncode else "passed"
    line = f"{word}  {check.name:<20}{time.monotonic() - began:6.1f} s"
    say(f"{line}\n{done.stdout}" if done.returncode else line)
    return check.name if done.returncode else None


def run_tests(env: Mapping[str, str], arguments: list[str]) -> bool:
    """pytest with one database a worker; its own lines go to the terminal as they come."""
    # One more than there are cores: tests wait a quarter of the time, for browsers and servers.
    workers = str(min((os.cpu_count() or 2) + 1, 8))
    parallel = [] if "-n" in arguments else ["-n", workers, "--dist", "loadgroup"]
    slowest = [] if arguments else ["--durations", "40"]
    command: list[Word] = [install.PYTHON, "-m", "pytest", *parallel, *slowest, *arguments]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=dict(env), stdin=subprocess.DEVNULL, check=False
    )
    return not done.returncode


def environment(servers: Servers) -> dict[str, str]:
    """What checks and tests find: nothing of the settings that the shell may hold."""
    site = (
        "DATABASE_",
        "REDIS_",
        "SECRET_KEY",
        "LEDGER_",
        "BUNDLE_",
        "DJANGO_",
        "CELERY_",
        "EMAIL_",
        "MFA_",
    )
    ours = (*site, "PG", "PYTEST_", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    chromium = install.chromium_program()
    return {
        **kept,
        **({"CHROMIUM": chromium} if chromium else {}),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        **SECRETS,
        "DATA_DIR": str(servers.folder / "files"),
        # A run starts Python two hundred times: each module is compiled once, and none of it stays.
        "PYTHONPYCACHEPREFIX": str(servers.folder / "compiled"),
        "STATIC_ROOT": str(servers.folder / "static"),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "HTTPS": "off",
        "DEBUG": "off",
        "LC_ALL": "C.UTF-8",
    }


def run_all(arguments: list[str]) -> list[str]:
    """Returns: the names of what failed."""
    failed: list[str] = []
    with throwaway_servers() as servers:
        env = environment(servers)
        asked = [migrated(env)] if arguments else [migrated(env), *checks(env)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            failed += filter(None, pool.map(run_check, asked))
        if not failed or failed[0] != asked[0].name:
            env["TEST_TEMPLATE"] = TABLES
        if not run_tests(env, arguments):
            failed.append("tests")
    return failed


def ensure_everything(*, may_install: bool) -> None:
    needs = {**install.DATABASE, **install.BROKER, **install.SITE, **install.TESTS}
    install.ensure_packages(needs, may_install=may_install)
    install.ensure_venv("requirements-dev.txt", exact=True)
    install.ensure_browser()


def main(words: list[str]) -> int:
    if {"--help", "-h"} & set(words):
        say(HELP)
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    began = time.monotonic()
    try:
        options = [word for word in words if word == "--no-install"]
        ensure_everything(may_install=not options)
        failed = run_all([word for word in words if word not in options])
    except Trouble as trouble:
        return trouble.tell("bin/test")
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130
    took = f"{time.monotonic() - began:.0f} s"
    what = "Everything" if len(words) == len(options) else "What was asked for"
    say(f"FAILED after {took}: {', '.join(failed)}" if failed else f"{what} passed in {took}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
