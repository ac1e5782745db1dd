"""A request as the guard sees it, and what its record says of it: never its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from countersign.shapes import shape_for

# More than the rules look through, so that they are the ones to refuse.
MAX_BODY = 16 * 1024 * 1024
UNKNOWN_MODEL = "unknown"

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_@-]{0,119}")
_FEATURE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,59}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?")
# Where the address names the model: Bedrock, Gemini and Vertex, Azure's deployments.
_MODEL_IN_PATH = re.compile(r"/(?:model|models|deployments)/([^/:]+(?::[0-9]+)?)(?:[/:]|$)")
_VERSION = re.compile(r"-(?:preview.*|[0-9]{6,}|[0-9]{4}-.*)$")

# The shapes whose operation has another name at OpenTelemetry than the shape itself.
_OPERATIONS: Mapping[str, str] = {
    "responses": "chat",
    "messages": "chat",
    "converse": "chat",
    "invoke": "chat",
    "completions": "text_completion",
    "embed": "embeddings",
}
_GENERATE: Mapping[str, str] = {"gemini.generate": "generate_content"}
# Tools that run in the caller's own code: no feature of the service.
_OWN_TOOLS = frozenset(("function", "custom"))


@dataclass(frozen=True, slots=True)
class Asked:
    """One request about to be sent. `target` is the path, a query may follow; neither is recorded.

    `media_type` comes with its parameters: an upload is cut at the boundary that it names.
    `problem`: why the body could not be read, as a code of `refusals.SENTENCES`; the body is empty
    then. `lost`: it cannot be sent either, for part of it
    was taken from its stream. `retry`: how often the SDK says it tried before; None if it says
    nothing. `fixed`: the request is signed already.
    """

    method: str
    host: str
    target: str
    media_type: str
    body: bytes = field(repr=False)
    problem: str | None = None
    lost: bool = False
    retry: int | None = None
    fixed: bool = False

    @property
    def shape(self) -> str | None:
        """The form of the body, as "openai.chat"; None if the address is of none that is known."""
        return _shape(self.target, self.host)

    @property
    def read_as(self) -> str:
        """The content type to read the body by; without one, what the shape implies."""
        return self.media_type or ("application/json" if self.shape else "")


_shape = lru_cache(maxsize=256)(shape_for)


@dataclass(frozen=True, slots=True)
class Described:
    """What the record says of a request: words, ids and numbers."""

    operation: str
    model: str
    stream: bool
    features: tuple[str, ...]
    endpoint_host: str | None
    provider: str | None = None


def described(asked: Asked, document: object) -> Described:
    """What `asked` is; `document` is its parsed body, or anything else if it is no JSON object."""
    found: Mapping[str, Any] = document if isinstance(document, dict) else {}
    return Described(
        operation=operation_of(asked.shape),
        model=model_of(asked.target, found),
        stream=found.get("stream") is True or "stream" in asked.target.partition("?")[0].lower(),
        features=features_of(found),
        endpoint_host=asked.host if _HOST.fullmatch(asked.host) else None,
    )


def operation_of(shape: str | None) -> str:
    """What is done, in OpenTelemetry's words where it has one."""
    if shape is None:
        return "request"
    name = shape.partition(".")[2]
    return _GENERATE.get(shape) or _OPERATIONS.get(name) or name


def model_of(target: str, document: Mapping[str, Any]) -> str:
    """The model that the body names, or else the address."""
    named = document.get("model")
    if isinstance(named, str) and _MODEL.fullmatch(named):
        return named
    match = _MODEL_IN_PATH.search(target.partition("?")[0])
    value = unquote(match[1]) if match else ""
    return value if _MODEL.fullmatch(value) else UNKNOWN_MODEL


def features_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What of the service is used beside its model, as the register names it: web-search."""
    tools = document.get("tools")
    if not tools:
        return ()
    found = set()
    for tool in tools if isinstance(tools, list) else ():
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind not in _OWN_TOOLS:
            found.add(_VERSION.sub("", kind.lower().replace("_", "-")))
    return tuple(sorted(name for name in found if _FEATURE.fullmatch(name)))[:20]
