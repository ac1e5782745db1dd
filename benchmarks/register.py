"""The vendor list and the integration list with 10,000 rows each: milliseconds and queries.

The pages are asked for over real HTTP, one after the other, by a person who signed in: first page,
filtered, sorted, last page. The queries of each are counted in the same database. The limits are
those of the product: at most 12 queries, and half of all first pages within 60 ms. `--quick` asks
30 times instead of 200. `--json` ends with one line: an object with `vendor_p50_ms`,
`vendor_p99_ms`, `vendor_queries`, the same for `integration`, and `ok`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.cookiejar
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

LIMIT_MS = 60
LIMIT_QUERIES = 12
PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who live for one run
OFFICER = "officer@example.com"
PAGES = {
    "vendor": "/vendors/",
    "vendor filtered": "/vendors/?baa=ending&soc2=current",
    "vendor searched": "/vendors/?q=vendor+99",
    "vendor by BAA": "/vendors/?sort=baa",
    "vendor last": "/vendors/?page=400",
    "integration": "/integrations/",
    "integration last": "/integrations/?page=400",
}


def fill(count: int) -> None:
    """Write `count` vendors, each with papers, facts and an active integration, in bulk."""
    from django.contrib.auth import get_user_model
    from django.db import connection

    from vendors.models import Fact, Service, ServiceModel, ServiceRegion, Vendor

    on = dt.datetime.now(dt.UTC).date()
    people = list(get_user_model().objects.order_by("pk"))
    vendors = Vendor.objects.bulk_create(
        Vendor(
            name=f"Vendor {n:05}",
            slug=f"vendor-{n:05}",
            owner=people[n % len(people)],
            state="approved",
            next_review_on=on + dt.timedelta(days=n % 700 - 30),
        )
        for n in range(count)
    )
    services = Service.objects.bulk_create(
        Service(vendor=v, name=f"Service of {v.name}", slug=f"service-{v.pk}", provider="openai")
        for v in vendors
    )
    ServiceModel.objects.bulk_create(ServiceModel(service=s, pattern="gpt-*") for s in services)
    ServiceRegion.objects.bulk_create(ServiceRegion(service=s, region="us") for s in services)
    Fact.objects.bulk_create(
        Fact(
            service=service,
            dimension=dimension,
            value=value,
            number=number,
            grade="contract",
            source="Contract",
            verified_on=on,
            recorded_on=on,
        )
        for service in services
        for dimension, value, number in (
            ("training_use", "no", None),
            ("retention_days", "days", 0),
            ("residency", "us", None),
            ("tls_minimum", "1.2", None),
            ("encryption_at_rest", "aes-256", None),
        )
    )
    fill_papers(services, people[0], on)
    fill_integrations(services, people, on)
    # What autovacuum does a minute later: without it the planner knows of no row.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def fill_papers(services: list[Any], person: Any, on: dt.date) -> None:
    """A BAA and a SOC 2 report for each service, ended and current ones mixed."""
    from vendors.models import Agreement, AssuranceReport, CoveredScope, ReportScope

    day = dt.timedelta(days=1)
    agreements = Agreement.objects.bulk_create(
        Agreement(
            vendor=service.vendor,
            kind="baa",
            reference=f"BAA-{n}",
            counterparty=service.vendor.name,
            starts_on=on - 400 * day,
            ends_on=on + (n % 500 - 50) * day,
        )
        for n, service in enumerate(services)
    )
    CoveredScope.objects.bulk_create(
        CoveredScope(agreement=a, service=s) for a, s in zip(agreements, services, strict=True)
    )
    reports = AssuranceReport.objects.bulk_create(
        AssuranceReport(
            vendor=service.vendor,
            kind="soc2_type2",
            period_start=on - (n % 500 + 365) * day,
            period_end=on - (n % 500) * day,
            auditor="Example Audit LLP",
            review="accept",
            reviewed_by=person,
            reviewed_on=on,
        )
        for n, service in enumerate(services)
    )
    ReportScope.objects.bulk_create(
        ReportScope(report=r, service=s) for r, s in zip(reports, services, strict=True)
    )


def fill_integrations(services: list[Any], people: list[Any], on: dt.date) -> None:
    """An approved and active integration of each service, for PHI."""
    from countersign.canonical import digest
    from policies.models import Approval, DataClass, Integration
    from policies.services.deciding import material_terms

    phi, _ = DataClass.objects.get_or_create(slug="phi", defaults={"name": "PHI", "is_phi": True})
    integrations = Integration.objects.bulk_create(
        Integration(
            slug=f"integration-{n}",
            name=f"Integration {n:05}",
            purpose="treatment",
            description="Summarises intake notes.",
            model_patterns=["gpt-*"],
            region="us",
            service=service,
            owner=people[n % len(people)],
            state=Integration.State.ACTIVE,
        )
        for n, service in enumerate(services)
    )
    carried = Integration.data_classes.through
    carried.objects.bulk_create(
        carried(integration_id=i.pk, dataclass_id=phi.pk) for i in integrations
    )
    terms = material_terms(integrations[0])
    Approval.objects.bulk_create(
        Approval(
            integration=integration,
            decision="approve",
            terms={**terms, "service": integration.service.slug},
            terms_digest=digest({**terms, "service": integration.service.slug}),
            expires_on=on + dt.timedelta(days=200),
            decided_by=people[0],
            decided_at=dt.datetime.now(dt.UTC),
        )
        for integration in integrations
    )


def count_queries() -> dict[str, int]:
    """How many queries each page asks, session and permissions included."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.get(email=OFFICER))
    found = {}
    for name, path in PAGES.items():
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(path)
        assert answer.status_code == 200, f"{path} answered {answer.status_code}."
        statements = [q["sql"] for q in captured.captured_queries]
        found[name] = len([s for s in statements if s.startswith(("SELECT", "UPDATE", "INSERT"))])
    return found


def inside(words: list[str], env: dict[str, str]) -> str:
    """Run this script again with the portal's environment; its last line of output."""
    done = subprocess.run(
        [sys.executable, __file__, *words], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return done.stdout.strip().rpartition("\n")[2]


def signed_in(url: str) -> urllib.request.OpenerDirector:
    """A client with the officer's session."""
    cookies = http.cookiejar.CookieJar()
    client = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    client.open(f"{url}/accounts/login/").read()
    token = next(str(c.value) for c in cookies if "csrf" in c.name)
    form = {"login": OFFICER, "password": PASSWORD, "csrfmiddlewaretoken": token}
    client.open(f"{url}/accounts/login/", urllib.parse.urlencode(form).encode()).read()
    return client


def timings(client: urllib.request.OpenerDirector, url: str, times: int) -> list[float]:
    """Milliseconds of each of `times` answers, in order of length; two before that do not count."""
    found = []
    for number in range(times + 2):
        began = time.perf_counter()
        body = client.open(url).read()
        if number > 1:
            found.append((time.perf_counter() - began) * 1000)
        assert b"</html>" in body
    return sorted(found)


def measure(*, quick: bool, rows: int) -> dict[str, float | bool]:
    from throwaway import running_portal, throwaway_servers

    times = 30 if quick else 200
    figures: dict[str, float | bool] = {"rows": rows}
    with throwaway_servers(is_durable=True) as servers:
        people = {"DEMO_PASSWORD": PASSWORD}
        with running_portal(
            servers.database_url,
            servers.redis_url,
            servers.folder / "data",
            setup=("setup", "--people"),
            env=people,
        ) as portal:
            env = {**os.environ, **portal.env}
            inside(["--fill", str(rows)], env)
            queries = json.loads(inside(["--count"], env))
            client = signed_in(portal.url)
            for name, path in PAGES.items():
                found = timings(client, portal.url + path, times if "?" not in path else 10)
                key = name.replace(" ", "_")
                figures[f"{key}_p50_ms"] = round(statistics.median(found), 1)
                figures[f"{key}_p99_ms"] = round(found[int(len(found) * 0.99)], 1)
                figures[f"{key}_queries"] = queries[name]
    figures["ok"] = all(
        figures[f"{page}_p50_ms"] <= LIMIT_MS and figures[f"{page}_queries"] <= LIMIT_QUERIES
        for page in ("vendor", "integration")
    )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ask 30 times instead of 200")
    parser.add_argument("--rows", type=int, default=10_000, help="vendors and integrations")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill or options.count:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        import django

        django.setup()
        if options.fill:
            fill(options.fill)
        else:
            print(json.dumps(count_queries()))
        return
    found = measure(quick=options.quick, rows=options.rows)
    for name in PAGES:
        key = name.replace(" ", "_")
        p50, p99 = found[f"{key}_p50_ms"], found[f"{key}_p99_ms"]
        print(f"{name:18} p50 {p50:6} ms  p99 {p99:6} ms  {found[f'{key}_queries']:3} queries")
    print(f"Limits of a first page: p50 {LIMIT_MS} ms, {LIMIT_QUERIES} queries.")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
