"""What assurance costs: coverage, the gate's facts, an import, and the vendor list.

Coverage of 1,000 services is asked over two years, with everything computed anew: four reports a
service, a bridge letter each, and for one service in four a carve-out with two reports of its own.
The gate's facts are read for one integration that asks for all there is: known actors, a BAA with
a scope, a carve-out. Limits: 50 ms and 6 queries. These times are CPU time of one core: what else
the machine does counts little. The import of 5,000 vendors is that of `imports.py`, the list of
10,000 that of `register.py`, with the limits there. `--quick` takes fewer rounds, 500 vendors to
import and 30 answers a page. `--json` ends with one line: an object with `coverage_ms`,
`coverage_warm_ms`, `judge_us`, `gate_queries`, the figures of the other two as `imports` and
`register`, and `ok`.
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

import imports
import register

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

SERVICES = 1_000
LIMIT_MS = 50
LIMIT_QUERIES = 6
DAY = dt.timedelta(days=1)
YEAR = dt.timedelta(days=365)
FIRST, LAST = dt.date(2024, 12, 1), dt.date(2026, 11, 30)


def measure_coverage(rounds: int) -> dict[str, float]:
    """Milliseconds for all services: nothing known before, and asked a second time."""
    from vendors.coverage import CarveOut, Limits, ReportFacts, cover

    def reports(service: int, of_round: int) -> tuple[ReportFacts, ...]:
        found = []
        for number in range(4):
            first = dt.date(2023, 1, 1) + DAY * (service % 300) + YEAR * number
            last = first + YEAR - DAY
            name = (of_round * SERVICES + service) * 100 + number * 10
            own = tuple(
                ReportFacts(
                    name + i,
                    type2=True,
                    first_day=first - DAY * 30 * i,
                    last_day=last,
                    clean=True,
                    accepted=True,
                )
                for i in (1, 2)
            )
            found.append(
                ReportFacts(
                    name,
                    first_day=first,
                    last_day=last,
                    type2=True,
                    accepted=True,
                    clean=service % 10 != 0,
                    bridges=((last + DAY, last + DAY * 90),),
                    carve_outs=(CarveOut("hosting", own),) if service % 4 == 0 else (),
                )
            )
        return tuple(found)

    limits = Limits(stale_days=365, bridge_days=92)
    cold: list[float] = []
    warm: list[float] = []
    for of_round in range(rounds):
        # Other reports each round, of which nothing is known yet.
        services = [reports(number, of_round) for number in range(SERVICES)]
        for times in (cold, warm):
            began = time.process_time()
            for each in services:
                cover(each, FIRST, LAST, limits)
            times.append((time.process_time() - began) * 1000)
    return {
        "coverage_ms": round(statistics.median(cold), 1),
        "coverage_warm_ms": round(statistics.median(warm), 1),
    }


def measure_judge(calls: int) -> dict[str, float]:
    """Microseconds of one verdict on a call, without its last day."""
    from policies.gate import judge
    from policies.tests.gate_cases import CALL, POSTURE, USE
    from vendors.tests.make import TODAY

    began = time.process_time()
    for _ in range(calls):
        judge(POSTURE, USE, CALL, TODAY)
    return {"judge_us": round((time.process_time() - began) / calls * 1e6, 1)}


def count_gate_queries() -> int:
    """Queries for all that verdicts on one integration rest on, in an empty database."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from audits.services.facts import Facts
    from policies.tests import make
    from vendors.tests import make as papers
    from vendors.tests.make import TODAY

    service = papers.service()
    papers.baa(service.vendor)
    by = make.person("officer")
    own = papers.report(papers.vendor(), by=by, services=[])
    papers.subservice(papers.report(service.vendor, by=by), own_report=own)
    integration = make.active_integration(service=service, known_actors_only=True)
    state = Facts().state()
    with CaptureQueriesContext(connection) as queries:
        state.load_uses([integration.pk], TODAY)
    return len(queries)


def measure_elsewhere(calls: int) -> dict[str, float]:
    """What needs Django, in servers of its own."""
    from throwaway import throwaway_servers

    with throwaway_servers() as servers:
        environment = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "DATA_DIR": str(servers.folder / "data"),
            "SECRET_KEY": "for-one-run-of-a-benchmark-and-nothing-else",
            "LEDGER_SIGNING_KEY": "07" * 32,
            "BUNDLE_SIGNING_KEY": "08" * 32,
            "MFA_ENCRYPTION_KEY": "09" * 32,
        }
        told = ""
        for words in (
            [str(CHECKOUT / "manage.py"), "migrate", "--verbosity", "0"],
            [__file__, "--inside", str(calls)],
        ):
            told = subprocess.run(
                [sys.executable, *words],
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
    found: dict[str, float] = json.loads(told.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 15")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        import django

        django.setup()
        print(json.dumps(measure_judge(options.inside) | {"gate_queries": count_gate_queries()}))
        return
    found: dict[str, Any] = {
        **measure_coverage(3 if options.quick else 15),
        **measure_elsewhere(2_000 if options.quick else 20_000),
        "imports": imports.measure(imports.QUICK if options.quick else imports.LINES),
        "register": register.measure(quick=options.quick, pages=register.VENDOR_PAGES),
    }
    found["ok"] = (
        found["coverage_ms"] <= LIMIT_MS
        and found["gate_queries"] <= LIMIT_QUERIES
        and found["register"]["ok"]
    )
    print_found(found)
    if options.json:
        print(json.dumps(found))


def print_found(found: dict[str, Any]) -> None:
    """What was measured, a line each, beside its limit."""
    print(
        f"Coverage of {SERVICES} services over two years: {found['coverage_ms']} ms, "
        f"{found['coverage_warm_ms']} ms when asked again; limit {LIMIT_MS} ms."
    )
    print(f"Judging one call: {found['judge_us']} µs.")
    print(f"Gate facts of one integration: {found['gate_queries']} queries; limit {LIMIT_QUERIES}.")
    of_import = found["imports"]
    print(
        f"Import of {of_import['lines']} vendors: plan {of_import['plan_s']} s, "
        f"storing {of_import['apply_s']} s, {of_import['mb']} MB."
    )
    print(f"The vendor list with {found['register']['rows']} vendors:")
    register.print_pages(found["register"], register.VENDOR_PAGES)


if __name__ == "__main__":
    main()
