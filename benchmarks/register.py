"""The vendor list and the integration list with 10,000 rows each: milliseconds and queries.

The pages are asked for over real HTTP, one after the other, by a person who signed in: first page,
filtered, sorted, last page. The queries of each are counted in the same database. The limits are
those of the product: of the vendor list, as it opens and with all its columns, at most 15 queries
and half of all first pages within 80 ms, of the integration list 12 and 60 ms. PHI and uses of the
vendors on a page come with a request of their own, "vendor figures". `--quick` asks
30 times instead of 200. `--json` ends with one line: an object with `vendor_p50_ms`,
`vendor_p99_ms`, `vendor_cpu_ms` (of the web processes, an answer: the same on a busy machine),
`vendor_queries`, the same for `integration` and each other page, and `ok`.
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
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.models import Model

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

# Milliseconds and queries of a first page: the vendor list has more columns than the other.
LIMITS = {"vendor": (80, 15), "vendor all columns": (80, 15), "integration": (60, 12)}
ROWS = 10_000
UNCOUNTED = 2
PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who live for one run
OFFICER = "officer@example.com"
SERVICES = "vendors_service AS s WHERE slug ~ '^service-[0-9]+$'"
NUMBER = "substring(slug from '[0-9]+$')::int"
FACTS = (
    ("training_use", "no", None),
    ("retention_days", "days", 0),
    ("residency", "us", None),
    ("tls_minimum", "1.2", None),
    ("encryption_at_rest", "aes-256", None),
    ("byok", "enterprise", None),
    ("private_endpoint", "yes", None),
)
COLUMNS = (
    "name.phi.state.criticality.baa.report.exceptions.residency.training.retention.uses"
    ".review.owner"
)
VENDOR_PAGES = {
    "vendor": "/vendors/",
    "vendor all columns": f"/vendors/?cols={COLUMNS}",
    "vendor figures": "/figures/vendors/?" + "&".join(f"vendor=vendor-{n:05}" for n in range(25)),
}
PAGES = {
    **VENDOR_PAGES,
    "vendor filtered": "/vendors/?baa=ending&soc2=current",
    "vendor searched": "/vendors/?q=vendor+099",
    "vendor by BAA": "/vendors/?sort=baa",
    "vendor last": "/vendors/?page=400",
    "integration": "/integrations/",
    "integration denied": "/integrations/?verdict=denied",
    "integration by service": "/integrations/?sort=-service",
    "integration last": "/integrations/?page=400",
}


def fill(count: int) -> None:
    """Write `count` vendors, each with papers, facts and an active integration.

    A statement a table: the number of a row is the one at the end of its slug.
    """
    from django.db import connection, transaction

    from vendors.models import Fact, Service, ServiceModel, ServiceRegion, Vendor

    on = dt.datetime.now(dt.UTC).date()
    with transaction.atomic():
        grow(
            Vendor(state="approved"),
            f"generate_series(0, {count - 1}) AS n",
            name="'Vendor ' || to_char(n, 'FM00000')",
            slug="'vendor-' || to_char(n, 'FM00000')",
            owner_id=one_of_people(),
            next_review_on=f"date '{on}' + n % 700 - 30",
        )
        grow(
            Service(provider="openai"),
            "vendors_vendor AS v WHERE slug ~ '^vendor-[0-9]+$'",
            vendor_id="id",
            name="'Service of ' || name",
            slug="replace(slug, 'vendor', 'service')",
        )
        grow(ServiceModel(pattern="gpt-*"), SERVICES, service_id="id")
        grow(ServiceRegion(region="us"), SERVICES, service_id="id")
        for dimension, value, number in FACTS:
            fact = Fact(dimension=dimension, value=value, number=number, grade="contract")
            fact.source, fact.verified_on, fact.recorded_on = "Contract", on, on
            grow(fact, SERVICES, service_id="id")
        fill_papers(on)
        fill_integrations(on)
    # What autovacuum does a minute later: without it the planner knows of no row.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def one_of_people(number: str = "n") -> str:
    """SQL of the id of one person after the other."""
    from django.contrib.auth import get_user_model

    ids = list(get_user_model().objects.order_by("pk").values_list("pk", flat=True))
    return f"(ARRAY{ids})[1 + {number} % {len(ids)}]"


def grow(blank: Model, source: str, **columns: str) -> None:
    """Insert a row for each of `source`: `columns` as SQL of it, all others as `blank` has them."""
    from django.db import connection

    # What the database fills in by itself is left to it.
    fields = [
        f
        for f in blank._meta.concrete_fields
        if not f.primary_key and (f.column in columns or not f.has_db_default())
    ]
    given = [
        f.get_db_prep_save(f.pre_save(blank, add=True), connection)
        for f in fields
        if f.column not in columns
    ]
    names = ", ".join(str(f.column) for f in fields)
    by_sql = {name: text.replace("%", "%%") for name, text in columns.items()}
    values = ", ".join(by_sql.get(str(f.column), "%s") for f in fields)
    table = blank._meta.db_table
    with connection.cursor() as cursor:
        # Every part of it stands in this file or in a model.
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {source}", given)  # noqa: S608


def fill_papers(on: dt.date) -> None:
    """A BAA and a SOC 2 report for each service, ended and current ones mixed."""
    from django.contrib.auth import get_user_model

    from vendors.models import Agreement, AssuranceReport, CoveredScope, ReportScope

    officer = get_user_model().objects.get(email=OFFICER)
    grow(
        Agreement(kind="baa", starts_on=on - dt.timedelta(days=400)),
        SERVICES,
        vendor_id="vendor_id",
        reference=f"'BAA-' || {NUMBER}",
        counterparty="name",
        ends_on=f"date '{on}' + {NUMBER} % 500 - 50",
    )
    grow(
        AssuranceReport(
            kind="soc2_type2",
            auditor="Example Audit LLP",
            review="accept",
            reviewed_by=officer,
            reviewed_on=on,
        ),
        SERVICES,
        vendor_id="vendor_id",
        period_start=f"date '{on}' - {NUMBER} % 500 - 365",
        period_end=f"date '{on}' - {NUMBER} % 500",
    )
    of_vendor = "JOIN vendors_service AS s USING (vendor_id) WHERE s.slug ~ '^service-[0-9]+$'"
    grow(
        CoveredScope(),
        f"vendors_agreement AS a {of_vendor}",
        agreement_id="a.id",
        service_id="s.id",
    )
    grow(
        ReportScope(),
        f"vendors_assurancereport AS r {of_vendor}",
        report_id="r.id",
        service_id="s.id",
    )


def fill_integrations(on: dt.date) -> None:
    """An approved and active integration of each service, for PHI."""
    from django.contrib.auth import get_user_model

    from countersign.canonical import canonical
    from policies.models import Approval, DataClass, Integration
    from policies.services.deciding import material_terms
    from vendors.models import Service

    officer = get_user_model().objects.get(email=OFFICER)
    phi, _ = DataClass.objects.get_or_create(slug="phi", defaults={"name": "PHI", "is_phi": True})
    blank = Integration(
        purpose="treatment",
        description="Summarises intake notes.",
        model_patterns=["gpt-*"],
        region="us",
        state=Integration.State.ACTIVE,
        service=Service(slug="SERVICE"),
    )
    grow(
        blank,
        SERVICES,
        slug=f"'integration-' || {NUMBER}",
        name="replace(name, 'Service of Vendor', 'Integration')",
        owner_id=one_of_people(NUMBER),
        service_id="id",
    )
    grow(
        Integration.data_classes.through(dataclass=phi),
        "policies_integration AS i",
        integration_id="id",
    )
    # As an approval of each would have them: the digest is of the canonical JSON.
    blank.class_slugs = ["phi"]  # type: ignore[attr-defined]  # as for_gate reads it
    text = canonical(material_terms(blank)).decode()
    terms = f"replace('{text}', 'SERVICE', s.slug)"
    grow(
        Approval(
            decision="approve",
            expires_on=on + dt.timedelta(days=200),
            decided_by=officer,
            decided_at=dt.datetime.now(dt.UTC),
        ),
        "policies_integration AS i JOIN vendors_service AS s ON s.id = i.service_id",
        integration_id="i.id",
        terms=f"({terms})::jsonb",
        terms_digest=f"encode(sha256(convert_to({terms}, 'UTF8')), 'hex')",
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
    """Milliseconds of each of `times` answers, in order of length; `UNCOUNTED` come before."""
    found = []
    for number in range(times + UNCOUNTED):
        began = time.perf_counter()
        body = client.open(url).read()
        if number >= UNCOUNTED:
            found.append((time.perf_counter() - began) * 1000)
        assert b"</html>" in body
    return sorted(found)


def cpu_ms(pid: int) -> float:
    """Milliseconds of CPU that a process and those it started have taken so far."""
    ticks, processes = 0, [pid]
    for each in processes:
        # The name in parentheses may hold spaces; user and system time are fields 14 and 15.
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            processes += [int(child) for child in children.read_text().split()]
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def measure(
    *, quick: bool, rows: int = ROWS, pages: Mapping[str, str] = PAGES
) -> dict[str, float | bool]:
    """The figures of these pages of a portal made for it, and whether they keep the limits."""
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
            web = next(c for c in portal.children.running if c.name == "web").process.pid
            for name, path in pages.items():
                before = cpu_ms(web)
                found = timings(client, portal.url + path, times if name in LIMITS else 10)
                key = key_of(name)
                taken = (cpu_ms(web) - before) / (len(found) + UNCOUNTED)
                figures[f"{key}_cpu_ms"] = round(taken, 1)
                figures[f"{key}_p50_ms"] = round(statistics.median(found), 1)
                figures[f"{key}_p99_ms"] = round(found[int(len(found) * 0.99)], 1)
                figures[f"{key}_queries"] = queries[name]
    figures["ok"] = all(
        figures[f"{key_of(page)}_p50_ms"] <= most_ms
        and figures[f"{key_of(page)}_queries"] <= most_queries
        for page, (most_ms, most_queries) in LIMITS.items()
        if page in pages
    )
    return figures


def key_of(page: str) -> str:
    """What the keys of a page's figures begin with."""
    return page.replace(" ", "_")


def print_pages(found: Mapping[str, float | bool], pages: Mapping[str, str]) -> None:
    """A line a page, and the limits of those that have some."""
    for name in pages:
        key = key_of(name)
        p50, p99, cpu = (found[f"{key}_{figure}_ms"] for figure in ("p50", "p99", "cpu"))
        queries = found[f"{key}_queries"]
        print(f"{name:22} p50 {p50:6} ms  p99 {p99:6} ms  CPU {cpu:6} ms  {queries:3} queries")
    for name in pages:
        if name in LIMITS:
            most_ms, most_queries = LIMITS[name]
            print(f"Limits of the first page, {name}: p50 {most_ms} ms, {most_queries} queries.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ask 30 times instead of 200")
    parser.add_argument("--rows", type=int, default=ROWS, help="vendors and integrations")
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
    print_pages(found, PAGES)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
