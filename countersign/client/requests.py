"""Requests of httpx and httpx2 by their shape: read up to a limit, made again with another body."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

from countersign.client.asking import MAX_BODY, Asked

# Where a client that signs its requests leaves what signs one, to be done once its body stands.
SIGN = "countersign_sign"


class Body(NamedTuple):
    """A request's body, or a `problem` that kept it from being read.

    `consumed`: it was taken from a stream that may not give it twice.
    """

    content: bytes
    problem: str | None = None
    consumed: bool = False


def fields_of(headers: Any) -> Mapping[str, str]:
    """The headers of a request or response of httpx by their names in lower case.

    Taken once: each look into the client's own goes through all of them.
    """
    found: dict[str, str] = {}
    try:
        for raw_name, raw_value in headers.raw:
            name, value = raw_name.decode("ascii").lower(), raw_value.decode("ascii")
            found[name] = f"{found[name]}, {value}" if name in found else value
    except UnicodeDecodeError:
        return dict(headers.items())  # which finds out how they are written
    return found


def asked_of(request: Any, headers: Mapping[str, str], body: Body) -> Asked:
    """The request as the desk sees it; `headers` are its `fields_of`."""
    url = request.url
    retry = headers.get("x-stainless-retry-count", "")
    packed = headers.get("content-encoding", "identity").lower() not in {"", "identity"}
    return Asked(
        method=request.method.upper(),
        host=url.netloc.decode("ascii", "replace").rpartition("@")[2].lower(),
        target=url.raw_path.decode("ascii", "replace"),
        media_type=headers.get("content-type", "").strip(),
        body=body.content,
        problem=body.problem or ("packed-body" if packed and body.content else None),
        lost=body.problem is not None and body.consumed,
        retry=int(retry) if retry.isascii() and retry.isdigit() else None,
        fixed=headers.get("authorization", "").startswith("AWS4-")
        and SIGN not in request.extensions,
    )


def read_body(request: Any, headers: Mapping[str, str], most: Callable[[], int]) -> Body:
    """The body of at most `most()` bytes; what is larger is not gathered."""
    known = _known_body(request, headers, most)
    if known is not None:
        return known
    limit = most()
    parts, size = [], 0
    for part in request.stream:
        size += len(part)
        if size > limit:
            return Body(b"", "too-large", consumed=True)
        parts.append(part)
    return Body(b"".join(parts), consumed=True)


async def aread_body(request: Any, headers: Mapping[str, str], most: Callable[[], int]) -> Body:
    """The same for a body that may have to be awaited."""
    known = _known_body(request, headers, most)
    if known is not None:
        return known
    if not hasattr(request.stream, "__aiter__"):
        return read_body(request, headers, most)
    limit = most()
    parts, size = [], 0
    async for part in request.stream:
        size += len(part)
        if size > limit:
            return Body(b"", "too-large", consumed=True)
        parts.append(part)
    return Body(b"".join(parts), consumed=True)


def _known_body(request: Any, headers: Mapping[str, str], most: Callable[[], int]) -> Body | None:
    """The body that is in memory already, or that says how large it is."""
    told = headers.get("content-length", "0")
    length = int(told) if told.isascii() and told.isdigit() else sys.maxsize
    content: bytes | None = getattr(request, "_content", None)
    if content is not None:
        length = max(length, len(content))
    if length > MAX_BODY and length > most():
        return Body(b"", "too-large")
    return None if content is None else Body(content)


def rebuilt(request: Any, body: bytes) -> Any:
    """The request with another body. The caller's own stays as it was, and so does what it logs."""
    kept = [
        (name, value)
        for name, value in request.headers.raw
        if name.lower() not in {b"content-length", b"transfer-encoding"}
    ]
    package = library(request)
    # With a stream nothing is derived anew of what stands in the headers already.
    kept.append((b"Content-Length", b"%d" % len(body)))
    made = package.Request(
        request.method,
        request.url,
        headers=kept,
        stream=package.ByteStream(body),
        extensions=request.extensions,
    )
    made.read()
    return made


def library(value: Any) -> Any:
    """The package, httpx or httpx2, that a request or response is of."""
    return _library(cast("Hashable", type(value)))


@lru_cache(maxsize=32)
def _library(of: Hashable) -> Any:
    for kind in cast("type", of).__mro__:
        module = sys.modules.get(kind.__module__.partition(".")[0])
        if module is not None and hasattr(module, "Request") and hasattr(module, "Response"):
            return module
    raise TypeError("This is no request of httpx or httpx2.")
