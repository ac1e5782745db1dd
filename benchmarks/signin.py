"""What signing in by password costs: the hash alone, and the whole post, in milliseconds.

The page is asked for and posted over real HTTP by a person whose password is hashed as in
production. The limit is the product's: half of all sign-ins within 250 ms; that Argon2 is slow is
what it is for, so there is a lower limit of the hash too, 20 ms. `--quick` signs in 8 times instead
of 25 (a network may post 30 times a minute). `--json` ends with one line: an object with
`hash_cpu_ms`, `hash_ms`, `signin_p50_ms`, `signin_p99_ms`, `unknown_p50_ms` (an address that
nobody has: the same work is done) and `ok`.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import os
import re
import statistics
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import django

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

from throwaway import SECRETS, running_portal, throwaway_servers  # noqa: E402

LIMIT_MS = 250
LEAST_HASH_MS = 20
PASSWORD = "quiet otters borrow lanterns"  # noqa: S105 - of people who live for one run
OFFICER = "officer@example.com"


def hashing() -> tuple[float, float]:
    """(CPU, wall) milliseconds of one hash, the medians of nine."""
    os.environ.update(SECRETS, DATABASE_URL="postgresql://none", REDIS_URL="redis://none")
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    django.setup()
    from portal.identity.passwords import Argon2Hasher

    hasher = Argon2Hasher()
    cpu, wall = [], []
    for _ in range(9):
        begun = time.process_time(), time.perf_counter()
        hasher.encode(PASSWORD, "a-salt-of-22-characters")
        cpu.append((time.process_time() - begun[0]) * 1000)
        wall.append((time.perf_counter() - begun[1]) * 1000)
    return statistics.median(cpu), statistics.median(wall)


def sign_in(url: str, email: str) -> tuple[float, bool]:
    """(milliseconds of the post until its answer, whether it opened the portal)."""
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar, Stay())
    page = opener.open(f"{url}/accounts/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    fields = {"csrfmiddlewaretoken": token[1], "login": email, "password": PASSWORD}
    begun = time.perf_counter()
    answer = opener.open(f"{url}/accounts/login/", urllib.parse.urlencode(fields).encode())
    answer.read()
    return (time.perf_counter() - begun) * 1000, answer.status == 302


class Stay(urllib.request.HTTPErrorProcessor):
    """Gives redirects as they are: what they lead to is not part of the figure."""

    def http_response(self, request, response):  # type: ignore[no-untyped-def]
        return response


def measure(times: int) -> dict[str, float]:
    """The figures of `times` sign-ins, and of three with an address that nobody has."""
    with (
        throwaway_servers() as servers,
        running_portal(
            servers.database_url,
            servers.redis_url,
            servers.folder / "data",
            setup=("setup", "--people"),
            env={"DEMO_PASSWORD": PASSWORD},
        ) as portal,
    ):
        known = [sign_in(portal.url, OFFICER) for _ in range(times)]
        unknown = [sign_in(portal.url, f"nobody{n}@example.com") for n in range(3)]
    assert all(opened for _, opened in known)
    assert not any(opened for _, opened in unknown)
    spent = sorted(milliseconds for milliseconds, _ in known)
    return {
        "signin_p50_ms": statistics.median(spent),
        "signin_p99_ms": spent[-1],
        "unknown_p50_ms": statistics.median(milliseconds for milliseconds, _ in unknown),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="8 sign-ins instead of 25")
    parser.add_argument("--json", action="store_true", help="end with one line of figures")
    given = parser.parse_args()
    figures = measure(8 if given.quick else 25)
    figures["hash_cpu_ms"], figures["hash_ms"] = hashing()
    rounded = {name: round(value, 1) for name, value in figures.items()}
    ok = figures["signin_p50_ms"] <= LIMIT_MS and figures["hash_cpu_ms"] >= LEAST_HASH_MS
    for name, value in rounded.items():
        print(f"{name:<16} {value:>7} ms")
    if given.json:
        print(json.dumps({**rounded, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
