"""A provider's usage API that answers over HTTP on loopback, as OpenAI's does, or as badly."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PER_PAGE = 3


def at(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


@dataclass
class Provider:
    """`rows` are results by address ending and day; `failing` are answers given before good ones,
    as (status, headers, body)."""

    url: str = ""
    rows: dict[str, dict[dt.date, list[dict]]] = field(default_factory=dict)
    failing: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)

    def counted(self, day: dt.date, what: str = "completions", **row) -> None:
        known = {
            "object": "organization.usage.completions.result",
            "input_tokens": 1000,
            "output_tokens": 500,
            "input_cached_tokens": 800,
            "num_model_requests": 5,
            "project_id": "proj_1",
            "user_id": None,
            "api_key_id": None,
            "model": "gpt-4.1",
            "batch": None,
            "service_tier": None,
        }
        self.rows.setdefault(what, {}).setdefault(day, []).append({**known, **row})

    def charged(self, day: dt.date, value: float | str, **row) -> None:
        known = {
            "object": "organization.costs.result",
            "amount": {"value": value, "currency": "usd"},
            "line_item": "gpt-4.1, input",
            "project_id": "proj_1",
        }
        self.rows.setdefault("costs", {}).setdefault(day, []).append({**known, **row})

    def answer(self, path: str, query: dict[str, list[str]]) -> bytes:
        what = path.rpartition("/")[2]
        start, end = int(query["start_time"][0]), int(query["end_time"][0])
        first = int(query.get("page", ["0"])[0].removeprefix("page_"))
        times = list(range(start, end, 86_400))
        days = self.rows.get(what, {})
        buckets = [
            {
                "object": "bucket",
                "start_time": begin,
                "end_time": begin + 86_400,
                "results": days.get(dt.datetime.fromtimestamp(begin, dt.UTC).date(), []),
            }
            for begin in times[first : first + PER_PAGE]
        ]
        more = first + PER_PAGE < len(times)
        page = f"page_{first + PER_PAGE}" if more else None
        known = {"object": "page", "data": buckets, "has_more": more, "next_page": page}
        return json.dumps(known).encode()


@contextmanager
def serving() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            provider.asked.append((parts.path, query, self.headers["Authorization"]))
            if provider.failing:
                status, headers, body = provider.failing.pop(0)
            else:
                status, headers, body = 200, {}, provider.answer(parts.path, query)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
