"""The matrix of access with 500 people and 200 integrations: milliseconds and queries.

On servers that are made for it. The page is asked for in one process, as an officer, as it opens,
filtered, whole, and its last page. The limits are those of the product: at most 10 queries, half of
all answers within 300 ms. `--quick` asks 10 times, not 50. `--json` ends with one line: an object
with `p50_ms`, `p95_ms` and `queries` of each page, and `ok`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

MOST_QUERIES, MOST_MS = 10, 300
PEOPLE, INTEGRATIONS, GRANTS_EACH, GROUPS = 500, 200, 20, 10
PAGES = {
    "matrix": "/access/matrix/",
    "last page": "/access/matrix/?page=20&across=17",
    "everybody": "/access/matrix/?show=all",
    "searched": "/access/matrix/?who=person-04&integration=use-1",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ask 10 times")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(inside(options.inside)))
        return 0
    found = measure(10 if options.quick else 50)
    ok = all(f["queries"] <= MOST_QUERIES and f["p50_ms"] <= MOST_MS for f in found.values())
    for name, figures in found.items():
        print(f"{name}: {figures}")
    if options.json:
        print(json.dumps({**found, "ok": ok}))
    return 0 if ok else 1


def measure(times: int) -> dict[str, dict[str, float]]:
    """The figures of each page, from a process on servers that are made for it."""
    from throwaway import migrated_servers, run_manage

    with migrated_servers() as (_, env):
        run_manage(env, "collectstatic", "--noinput", "-v0")
        done = subprocess.run(
            [sys.executable, __file__, "--inside", str(times)],
            env={**env, "MFA_REQUIRED": "off"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def inside(times: int) -> dict[str, dict[str, float]]:
    """The same in this process, on the site that its environment names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    return measured(make(), times)


def make() -> Any:
    """The people, integrations and grants; returns an officer."""
    from django.utils import timezone

    from policies.models import Grant, GroupMembership, Principal, PrincipalGroup
    from policies.tests import make as makers

    now = timezone.now()
    officer, other = makers.person("officer"), makers.person("officer")
    uses = integrations(makers)
    people = Principal.objects.bulk_create(
        Principal(
            kind="user",
            identifier=f"person-{n:03}@example.org",
            name=f"Person {n:03}",
            source="scim",
            created_at=now,
        )
        for n in range(PEOPLE)
    )
    groups = PrincipalGroup.objects.bulk_create(
        PrincipalGroup(slug=f"group-{n}", name=f"Group {n}", created_at=now) for n in range(GROUPS)
    )
    GroupMembership.objects.bulk_create(
        GroupMembership(group=groups[n % GROUPS], principal=each, added_at=now)
        for n, each in enumerate(people)
    )
    names = Grant.Permission.values
    holders = [{"principal": each} for each in people] + [{"group": each} for each in groups]
    Grant.objects.bulk_create(
        Grant(
            integration=uses[(n * 7 + step * 11) % INTEGRATIONS],
            permission=names[step % 3],
            purpose="Measured",
            state="standing",
            starts_at=now - dt.timedelta(days=1),
            ends_at=now + dt.timedelta(days=90),
            asked_at=now - dt.timedelta(days=2),
            decided_by=other,
            decided_at=now - dt.timedelta(days=1),
            **holder,
        )
        for n, holder in enumerate(holders)
        for step in range(GRANTS_EACH)
    )
    return officer


def integrations(makers: Any) -> list[Any]:
    """As many integrations of one service, owned by a few people."""
    from policies.models import Integration

    first = makers.integration(slug="use-000", name="Use 000")
    owners = [makers.person("engineer") for _ in range(20)]
    rest = Integration.objects.bulk_create(
        Integration(
            slug=f"use-{n:03}",
            name=f"Use {n:03}",
            purpose="treatment",
            description="Measured.",
            model_patterns=["gpt-*"],
            region="us-east-1",
            service=first.service,
            owner=owners[n % 20],
        )
        for n in range(1, INTEGRATIONS)
    )
    return [first, *rest]


def measured(officer: Any, times: int) -> dict[str, dict[str, float]]:
    """Milliseconds and queries of each page."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="localhost")
    client.force_login(officer)
    found = {}
    for name, address in PAGES.items():
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        asked = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            client.get(address)
            took.append((time.perf_counter() - begun) * 1000)
        found[name] = {
            "p50_ms": round(statistics.median(took), 1),
            "p95_ms": round(statistics.quantiles(took, n=20)[-1], 1),
            "queries": len(asked),
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
