"""A directory's syncs: people made one by one and in bulk, replaced, said again, and listed.

Over real HTTP with kept connections, as many at a time as a directory opens (`--at-once`, 4; bulks
go one after the other); each answer comes after its commit, with the account, its history, its
events and their entries in the ledger. People are made singly, each is replaced once, and then said
again without a change; as many others are made and said again in bulk, of as many operations as
ServiceProviderConfig offers; all are listed in pages of 200, and 50 looked for by user name.

The product's limit is 5,000 people "in seconds": 300 for both passes one by one together, as before
there was bulk; 30 each for a bulk of new people, the same said again in bulk, and the list.
`--quick` makes 500 people of each. `--json` ends with one line: an object with `people`, seconds
and the people a second of `create`, `replace`, `same`, `bulk`, `bulk_same` and `list` (`create_s`,
`create_per_s`, ...), `filter_p50_ms`, `page_ms` and `ok`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "bin")]

from throwaway import running_portal, throwaway_servers  # noqa: E402

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
LIMIT_SECONDS = 300
LIMIT_BULK_SECONDS = 30
PEOPLE = 5_000
# Makes a directory as an administrator would, and prints its token.
CONNECT = """
from django.utils import timezone
from portal.models import User
from portal.services.directory_tokens import issue_token, make_directory
at = timezone.now()
by = User.objects.create_user("administrator@example.com")
made = make_directory("Bench", kind="people", by=by, at=at)
print("token:" + issue_token(made, days=1, by=by, at=at)[1])
"""


class Asker:
    """Asks /scim/v2 over a connection of each thread."""

    def __init__(self, url: str, token: str) -> None:
        self.address = urllib.parse.urlsplit(url).netloc
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/scim+json",
        }
        self.own = local()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer. Raises: RuntimeError for any but success."""
        if not hasattr(self.own, "connection"):
            self.own.connection = http.client.HTTPConnection(self.address, timeout=60)
        sent = None if body is None else json.dumps(body)
        self.own.connection.request(method, f"/scim/v2/{path}", sent, self.headers)
        answer = self.own.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status}")
        return json.loads(text)


def person(number: int, name: str) -> dict[str, object]:
    """A person as Entra ID sends one."""
    address = f"p{number:05}@example.com"
    return {
        "schemas": [USER],
        "userName": address,
        "externalId": f"e-{number}",
        "active": True,
        "displayName": f"{name} {number}",
        "name": {"givenName": name, "familyName": str(number)},
        "emails": [{"type": "work", "primary": True, "value": address}],
    }


def timed(work: Callable[[Any], Any], of: Iterable[Any], at_once: int) -> tuple[float, list[Any]]:
    """Seconds that it took to do all, and what came of each."""
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        found = list(pool.map(work, of))
    return time.perf_counter() - began, found


def in_bulk(asker: Asker, operations: list[dict[str, object]], most: int) -> list[dict[str, str]]:
    """What became of each operation. Raises: RuntimeError if one was not done."""
    told: list[dict[str, str]] = []
    for first in range(0, len(operations), most):
        body = {"schemas": [BULK], "Operations": operations[first : first + most]}
        told += asker.ask("POST", "Bulk", body)["Operations"]
    if any(each["status"] not in ("200", "201") for each in told):
        raise RuntimeError("An operation of a bulk was not done.")
    return told


def measure_singly(asker: Asker, people: int, at_once: int) -> dict[str, float]:
    """Seconds to make so many people, to replace each, and to say the same again."""

    def make(number: int) -> str:
        return str(asker.ask("POST", "Users", person(number, "Ada"))["id"])

    def replace(each: tuple[int, str]) -> None:
        asker.ask("PUT", f"Users/{each[1]}", person(each[0], "Adah"))

    created, ids = timed(make, range(people), at_once)
    replaced, _ = timed(replace, enumerate(ids), at_once)
    same, _ = timed(replace, enumerate(ids), at_once)
    return {"create": created, "replace": replaced, "same": same}


def measure_bulk(asker: Asker, people: int) -> dict[str, float]:
    """Seconds to make as many others in bulk, and to say the same again."""
    most = int(asker.ask("GET", "ServiceProviderConfig")["bulk"]["maxOperations"])
    wanted = {f"{n}": person(people + n, "Ben") for n in range(people)}
    new: list[dict[str, object]] = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": data}
        for name, data in wanted.items()
    ]
    began = time.perf_counter()
    made = in_bulk(asker, new, most)
    created = time.perf_counter() - began
    again: list[dict[str, object]] = [
        {
            "method": "PUT",
            "path": "/Users/" + each["location"].rpartition("/")[2],
            "data": wanted[each["bulkId"]],
        }
        for each in made
    ]
    began = time.perf_counter()
    told = in_bulk(asker, again, most)
    assert all(each["version"] == 'W/"1"' for each in told)
    return {"bulk": created, "bulk_same": time.perf_counter() - began}


def measure_looking(asker: Asker, people: int) -> tuple[float, list[float], list[float]]:
    """Seconds to list everybody; milliseconds of each page, and of 50 looks for one of them."""
    pages, filters, seen = [], [], 0
    while seen < 2 * people:
        began = time.perf_counter()
        page = asker.ask("GET", f"Users?count=200&startIndex={seen + 1}")
        pages.append((time.perf_counter() - began) * 1000)
        seen += int(page["itemsPerPage"])
        assert page["totalResults"] == 2 * people
    for number in range(0, people, people // 50):
        wanted = urllib.parse.quote(f'userName eq "P{number:05}@example.com"')
        began = time.perf_counter()
        found = asker.ask("GET", f"Users?filter={wanted}")
        filters.append((time.perf_counter() - began) * 1000)
        assert found["totalResults"] == 1
    return sum(pages) / 1000, pages, filters


def measure(asker: Asker, people: int, at_once: int) -> dict[str, float | int | bool]:
    """All of it, and whether the limits are kept, counted up to the product's number of people."""
    seconds = measure_singly(asker, people, at_once) | measure_bulk(asker, people)
    listed, pages, filters = measure_looking(asker, people)
    each = {name: took / people for name, took in seconds.items()} | {"list": listed / people / 2}
    figures: dict[str, float | int | bool] = {"people": people}
    for name, took in each.items():
        figures[f"{name}_s"] = round(took * people, 1)
        figures[f"{name}_per_s"] = round(1 / took)
    return figures | {
        "filter_p50_ms": round(statistics.median(filters), 1),
        "page_ms": round(statistics.median(pages)),
        "ok": (each["create"] + each["replace"]) * PEOPLE <= LIMIT_SECONDS
        and all(
            each[name] * PEOPLE <= LIMIT_BULK_SECONDS for name in ("bulk", "bulk_same", "list")
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--at-once", type=int, default=4)
    given = parser.parse_args()
    with (
        throwaway_servers(is_durable=True) as servers,
        running_portal(
            servers.database_url,
            servers.redis_url,
            servers.folder / "data",
            env={"SCIM_REQUESTS_PER_MINUTE": "1000000"},
        ) as portal,
    ):
        token = portal.run_manage("shell", "-c", CONNECT).partition("token:")[2].strip()
        figures = measure(
            Asker(portal.url, token), PEOPLE // 10 if given.quick else PEOPLE, given.at_once
        )
    print(json.dumps(figures) if given.json else figures)
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
