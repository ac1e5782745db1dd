"""What has to be on the machine: programs and libraries of the system, and `.venv`.

Nothing is asked of a package manager but what is missing, so that other systems than Debian work
when they have the same programs. Needs Python's standard library alone: it runs before `.venv`.
"""

import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "countersign.json"
OLDEST_POSTGRESQL = 15
FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")


class Trouble(Exception):
    """Something that the person at the keyboard can put right; the text, if any, says how."""

    def tell(self, command: str) -> int:
        """Write it to the terminal. Returns: the status to end with."""
        if str(self):
            sys.stderr.write(f"{command}: {self}\n")
        return 1


def run(command: list[str | Path], *, input_text: str | None = None) -> str:
    """The output of `command`. Raises: Trouble with its last lines if it fails."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL if input_text is None else None,
        input=input_text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        words = " ".join(str(word) for word in command[:4])
        last = "\n".join(done.stdout.splitlines()[-12:])
        raise Trouble(f"{words} … failed with status {done.returncode}:\n{last}")
    return done.stdout


# --- programs and libraries ------------------------------------------------------------------


def postgresql_folders() -> dict[int, Path]:
    """Every folder of PostgreSQL server programs that is new enough, by major version."""
    places = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep) if place]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    places += sorted(Path("/usr").glob("pgsql-*/bin"))
    found: dict[int, Path] = {}
    for place in places:
        # `postgres` may be a link into another folder; its companions lie beside the real one.
        folder = (place / "postgres").resolve().parent
        if folder in found.values() or not all(
            os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")
        ):
            continue
        words = run([folder / "postgres", "--version"]).split()
        major = int("".join(leading_digits(words[2])) or 0)
        if major >= OLDEST_POSTGRESQL:
            found.setdefault(major, folder)
    return found


def leading_digits(text: str) -> str:
    """The digits that `text` begins with: 15 of 15.18, 18 of 18beta1."""
    return text[: len(text) - len(text.lstrip("0123456789"))]


def redis_program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def chromium_program() -> str | None:
    """Chromium for the browser tests: CHROMIUM if set, else the machine's, else Playwright's.

    Not a snap: it sees another /tmp than we do.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = [path for path in map(shutil.which, names) if path and "/snap/" not in path]
    fetched = sorted(Path("~/.cache/ms-playwright").expanduser().glob("chromium-*/chrome-*/chrome"))
    return next(
        iter([*filter(None, [os.environ.get("CHROMIUM")]), *found, *map(str, fetched)]), None
    )


def ensure_browser() -> None:
    """Where the system has no package of Chromium (Ubuntu has a snap alone), Playwright's."""
    if chromium_program() is None:
        print("Fetching Chromium by Playwright", flush=True)
        with_libraries = ["--with-deps"] if os.geteuid() == 0 else []
        run([PYTHON, "-m", "playwright", "install", *with_libraries, "chromium"])


def has_only_snap() -> bool:
    try:
        return "ID=ubuntu\n" in Path("/etc/os-release").read_text("utf-8")
    except OSError:
        return False


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_fonts() -> bool:
    return any(True for place in FONTS for _ in place.glob("**/*.[ot]t[fc]"))


Needs = dict[str, Callable[[], object]]

# Debian package -> whether what it brings is here already.
DATABASE: Needs = {"postgresql": postgresql_folders}
BROKER: Needs = {"redis-server": redis_program}
SITE: Needs = {
    "ca-certificates": lambda: Path("/etc/ssl/certs").is_dir(),
    "python3-venv": lambda: PYTHON.exists() or importlib.util.find_spec("ensurepip"),
    "libpango-1.0-0": lambda: loads("libpango-1.0.so.0"),
    "libpangoft2-1.0-0": lambda: loads("libpangoft2-1.0.so.0"),
    "libharfbuzz-subset0": lambda: loads("libharfbuzz-subset.so.0"),
    "fonts-dejavu-core": has_fonts,
}
TESTS: Needs = {
    "chromium": lambda: chromium_program() or has_only_snap(),
    "poppler-utils": lambda: shutil.which("pdftotext"),
    "qpdf": lambda: shutil.which("qpdf"),
}


def ensure_packages(needs: Needs, *, may_install: bool) -> None:
    """Install what is missing on Debian or Ubuntu. Raises: Trouble if that is not possible."""
    missing = [package for package, is_here in needs.items() if not is_here()]
    if not missing:
        return
    script = CHECKOUT / "bin" / "packages.sh"
    if not may_install:
        names = " ".join(missing)
        raise Trouble(f"Missing on this machine: {names}. Install with: sudo sh {script} {names}")
    if subprocess.run(["/bin/sh", script, *missing], check=False).returncode:
        raise Trouble("")  # the script has said why
    still = [package for package in missing if not needs[package]()]
    if still == ["postgresql"]:
        raise Trouble(
            f"This system's PostgreSQL is older than {OLDEST_POSTGRESQL}. Use Debian 12 or Ubuntu "
            "24.04 or newer, or set DATABASE_URL to a newer server."
        )
    if still:
        raise Trouble(f"Installed, and yet not found: {' '.join(still)}.")


# --- .venv -----------------------------------------------------------------------------------


def ensure_venv(requirements: str, *, exact: bool = False) -> None:
    """Make `.venv` hold what the file `requirements` names, with its hashes.

    A stamp inside says what it holds; a half-made or broken one is made anew. `exact` also removes
    what the file does not name. A `.venv` that is a link belongs to somebody: it is used as it is.
    """
    if VENV.is_symlink():
        if not imports_site():
            raise Trouble(f"{VENV} is a link to an environment without the site's packages.")
        return
    with Path(CHECKOUT / requirements).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two starts at once: the second finds the work done
        wanted = hashlib.sha256(lock.read()).hexdigest()
        held = stamp()
        if held.get(requirements) == wanted and works():
            return
        print(f"Installing the Python packages of {requirements} into .venv", flush=True)
        try:
            make_venv()
            fill_venv(requirements, exact=exact)
        except OSError as error:
            raise Trouble(
                f"Cannot write to {VENV}: {error.strerror}. Give the checkout to "
                "this user, or start from a copy that belongs to it."
            ) from error
        record = {requirements: wanted, "python": version_of(PYTHON)}
        if requirements == "requirements-dev.txt":  # which holds the other one's packages too
            site = (CHECKOUT / "requirements.txt").read_bytes()
            record["requirements.txt"] = hashlib.sha256(site).hexdigest()
        STAMP.write_text(json.dumps(record), "utf-8")


def imports_site() -> bool:
    """Whether `.venv` runs and has the packages that everything else leans on."""
    names = "import celery, django, gunicorn, psycopg, weasyprint"
    return run_quietly([PYTHON, "-c", names])


def run_quietly(command: list[str | Path]) -> bool:
    try:
        return not subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False
        ).returncode
    except OSError:
        return False


def version_of(python: str | Path) -> str:
    return run([python, "-c", "import sys; print(sys.version)"])


def stamp() -> dict[str, str]:
    try:
        held: dict[str, str] = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return held


def works() -> bool:
    """Whether the interpreter of `.venv` still runs, and is the one the packages were made for."""
    try:
        return version_of(PYTHON) == stamp().get("python")
    except (OSError, Trouble):
        return False


def make_venv() -> None:
    """An environment without packages, unless a working one is there to be brought up to date."""
    usable = works()
    STAMP.unlink(missing_ok=True)
    if usable:
        return
    if VENV.exists():
        shutil.rmtree(VENV)
    if importlib.util.find_spec("ensurepip"):
        run([sys.executable, "-m", "venv", VENV])
    elif uv := shutil.which("uv"):
        run([uv, "venv", "-q", "--seed", "--python", sys.executable, VENV])
    else:
        raise Trouble(f"{sys.executable} cannot make environments: install python3-venv.")


def fill_venv(requirements: str, *, exact: bool) -> None:
    """Install by uv, which takes seconds where pip takes minutes; by pip where uv will not do.

    Both install the same files, checked against the same hashes.
    """
    file = CHECKOUT / requirements
    if uv := find_uv():
        verb = ["sync"] if exact else ["install", "-r"]
        # The machine's certificates: its network may have an authority of its own, as pip knows.
        os.environ |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
        try:
            run([*uv, "pip", *verb, file, "-q", "--require-hashes", "--python", PYTHON])
        except Trouble:
            print("uv could not fetch them here; trying pip.", flush=True)
        else:
            return
    else:
        print("uv is not to be had here; pip takes a few minutes.", flush=True)
    run([PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", file])


def find_uv() -> list[str | Path] | None:
    """How to call uv: the machine's own, else one from the package index inside `.venv`."""
    if (uv := shutil.which("uv")) and run_quietly([uv, "--version"]):
        return [uv]
    inside: list[str | Path] = [PYTHON, "-m", "uv"]
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "-q", "--only-binary=:all:"]
    hashes = CHECKOUT / "bin" / "uv.txt"
    if run_quietly([*inside, "--version"]) or run_quietly([*pip, "--require-hashes", "-r", hashes]):
        return inside
    return None
