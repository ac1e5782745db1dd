"""Where the SDKs of Google, Cohere, Mistral and LangChain keep the HTTP clients that they send by.

Read in google-genai 3.4, cohere 7.3, mistralai 3.7 and langchain-openai 1.7; none is imported here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from countersign.client.requests import SIGN
from countersign.client.sockets import Later, watch_part
from countersign.client.transports import Guarded

if TYPE_CHECKING:
    from countersign.client.guarding import Guard

# Anthropic's clients that sign bodies, and LangChain's objects that send by OpenAI's clients.
SIGNING = (
    "AnthropicBedrock",
    "AsyncAnthropicBedrock",
    "AnthropicBedrockMantle",
    "AsyncAnthropicBedrockMantle",
    "AnthropicAWS",
    "AsyncAnthropicAWS",
)
LANGCHAIN = ("BaseChatOpenAI", "BaseOpenAI", "OpenAIEmbeddings")
NO_GOOGLE_AUTH = (
    "This genai.Client sends by google-auth's own session, which guard() cannot see into: make it "
    "with http_options that hold an httpx_client and an httpx_async_client."
)


def genai(guard: Guard, client: Any) -> None:
    """google-genai's Client: both its HTTP clients, and its live sessions."""
    api = client._api_client  # the SDK has no public place for it
    if api._use_google_auth_sync() or api._use_google_auth_async():
        raise TypeError(NO_GOOGLE_AUTH)
    # With aiohttp installed the asynchronous half would send by it; its httpx client is there too.
    api._use_aiohttp = lambda: False
    guard.http(api._httpx_client)
    per_loop(guard, api._async_httpx_client)
    watch_part(guard.desk, client.aio.live)
    watch_part(guard.desk, client.aio.live.music)


def per_loop(guard: Guard, client: Any) -> None:
    """google-genai's asynchronous client keeps a client of its own for each event loop, and its own
    transport is then never used: what it makes those with is what has to be guarded.
    """
    guard.http(client)
    make: Callable[..., Any] | None = getattr(client, "_inner_client_cls", None)
    if make is None:
        return

    def guarded(**options: Any) -> Any:
        inner = make(**options)
        guard.http(inner)
        return inner

    client._inner_client_cls = guarded
    for inner in client._loop_clients.values():
        guard.http(inner)


def cohere(guard: Guard, client: Any) -> None:
    """Cohere's Client and ClientV2, and both asynchronous ones."""
    guard.http(client._client_wrapper.httpx_client.httpx_client)


def mistral(guard: Guard, client: Any) -> None:
    """Mistral's client, which has a synchronous and an asynchronous half."""
    guard.http(client.sdk_configuration.client)
    guard.http(client.sdk_configuration.async_client)
    if "audio" not in vars(client):
        vars(client)["audio"] = Later(partial(audio, guard, client))
    else:
        watch_audio(guard, client.audio)


def audio(guard: Guard, client: Any) -> Any:
    """Mistral's part for audio, loaded now: its parts that open websockets are loaded later."""
    if isinstance(vars(client).get("audio"), Later):
        del vars(client)["audio"]
        watch_audio(guard, client.audio)
    return client.audio


def watch_audio(guard: Guard, part: Any) -> None:
    """Have the realtime parts of `part` ask before they connect."""
    for name in ("realtime", "realtime_speech"):
        vars(part)[f"_{name}"] = Later(partial(realtime, guard, part, name))


def realtime(guard: Guard, owner: Any, name: str) -> Any:
    """One of those parts, made by its owner when it is first used."""
    if isinstance(vars(owner).get(f"_{name}"), Later):
        del vars(owner)[f"_{name}"]
        watch_part(guard.desk, getattr(owner, name))
    return getattr(owner, name)


def langchain(guard: Guard, model: Any) -> None:
    """LangChain's models and embeddings of OpenAI and Azure.

    Models made without a client of their own share one HTTP client in the whole process. So that
    guarding one does not guard them all, it gets a copy that borrows the shared connections.
    """
    for owner in openai_clients(model):
        shared = owner._client
        if isinstance(shared._transport, Guarded):
            guard.http(shared)
            continue
        borrowed = BorrowedAsync if iscoroutinefunction(shared.send) else Borrowed
        own = copy.copy(shared)
        own._transport = borrowed(shared._transport)
        own._mounts = {
            pattern: transport and borrowed(transport)
            for pattern, transport in shared._mounts.items()
        }
        guard.http(own)
        owner._client = own


def openai_clients(model: Any) -> Iterator[Any]:
    """The clients of the SDK of OpenAI that a LangChain object sends by, each once."""
    seen = set()
    for name in ("root_client", "root_async_client", "client", "async_client"):
        owner = getattr(model, name, None)
        # A resource, such as client.embeddings, knows the client it belongs to.
        owner = owner if name.startswith("root") else getattr(owner, "_client", None)
        if owner is not None and id(owner) not in seen:
            seen.add(id(owner))
            yield owner


class Borrowed:
    """A transport that belongs to somebody else: closing it here closes nothing."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def handle_request(self, request: Any) -> Any:
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Nothing: whoever lent it closes it."""


class BorrowedAsync:
    """The same for clients that await. One class for both could be taken for either."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def handle_async_request(self, request: Any) -> Any:
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Nothing: whoever lent it closes it."""


def leave_signer(client: Any) -> None:
    """Have a client that signs a request before its transport gets it leave on the request what
    signs it, so that it is signed once more over the body that really goes out.
    """
    sign = client._prepare_request  # the SDK has no public place for it
    if sign.__module__ == __name__:
        return

    def prepare(request: Any) -> None:
        sign(request)
        request.extensions[SIGN] = sign

    async def aprepare(request: Any) -> None:
        await sign(request)
        request.extensions[SIGN] = sign

    client._prepare_request = aprepare if iscoroutinefunction(sign) else prepare
