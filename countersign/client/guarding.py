"""`guard(portal, client)`: finds the HTTP client inside an SDK's and wraps its transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from countersign.client import sdks
from countersign.client.desk import Desk
from countersign.client.sockets import OPENAI, watch
from countersign.client.transports import Guarded, GuardedAsyncTransport, GuardedTransport
from countersign.client.waiting import Threads

if TYPE_CHECKING:
    from countersign.client.portal import Portal

C = TypeVar("C")

_HTTP = ("httpx", "httpx2")


class CannotGuard(TypeError):
    """A client of a kind that is not known here, or one that another portal guards."""


class Guard:
    """Wraps transports for one portal. Wrapping twice changes nothing."""

    def __init__(self, desk: Desk, threads: Threads) -> None:
        self.desk = desk
        self.threads = threads

    def transport(self, inner: Any, *, awaited: bool) -> Any:
        """A transport around `inner`: some can do both, so who asks says which it needs.

        Raises: CannotGuard.
        """
        if isinstance(inner, Guarded):
            if inner.desk is not self.desk:
                raise CannotGuard("This client is guarded for another portal already.")
            return inner
        if awaited and hasattr(inner, "handle_async_request"):
            return GuardedAsyncTransport(inner, self.desk, self.threads)
        if not awaited and hasattr(inner, "handle_request"):
            return GuardedTransport(inner, self.desk, self.threads)
        raise CannotGuard("This is no transport of httpx or httpx2.")

    def http(self, client: Any) -> None:
        """Wrap the transports of one httpx or httpx2 client: its own, and those for proxies."""
        if not hasattr(client, "_transport") or not hasattr(client, "_mounts"):
            raise CannotGuard("This is no client of httpx or httpx2.")
        awaited = hasattr(client, "aclose")
        client._transport = self.transport(client._transport, awaited=awaited)
        for pattern, inner in list(client._mounts.items()):
            if inner is not None:
                client._mounts[pattern] = self.transport(inner, awaited=awaited)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of client: how to tell it, and what to do with it."""

    name: str
    fits: Callable[[Any], bool]
    apply: Callable[[Guard, Any], Any]


def comes_from(client: object, package: str, *names: str) -> bool:
    """Whether the client is of a class of these names in the package, or of one derived from it."""
    return any(
        kind.__name__ in names and f"{kind.__module__}.".startswith(f"{package}.")
        for kind in type(client).__mro__
    )


def guard(portal: Portal, client: C) -> C:
    """Have each request of `client` asked about, masked and recorded before it goes.

    The client is changed in place and returned: it is used as before. Guarding it twice changes
    nothing. Raises: CannotGuard for a client of a kind that is not known.
    """
    return guard_with(Guard(portal.desk, portal.threads), client)


def guard_with(guarding: Guard, client: C) -> C:
    """Guard `client` in place. Raises: CannotGuard, with what can be guarded."""
    for row in ROWS:
        if row.fits(client):
            row.apply(guarding, client)
            return client
    known = ", ".join(row.name for row in ROWS)
    raise CannotGuard(
        f"A client of this kind is not known. Known are: {known}. For others there is "
        "portal.call()."
    )


def _guard_http(guarding: Guard, client: Any) -> None:
    guarding.http(client)


def _guard_stainless(guarding: Guard, client: Any) -> None:
    """openai's and anthropic's clients hold their HTTP client as `_client`."""
    guarding.http(client._client)
    _guard_copies(guarding, client)


def _guard_openai(guarding: Guard, client: Any) -> None:
    _guard_stainless(guarding, client)
    watch(guarding.desk, client, OPENAI)


def _guard_signing(guarding: Guard, client: Any) -> None:
    _guard_stainless(guarding, client)
    sdks.leave_signer(client)


def _guard_copies(guarding: Guard, client: Any) -> None:
    """`with_options()` makes a new client, which may have an HTTP client of its own."""
    for name in ("copy", "with_options"):
        original = getattr(client, name, None)
        if callable(original):
            setattr(client, name, _guarding_copy(guarding, original))


def _guarding_copy(guarding: Guard, original: Callable[..., Any]) -> Callable[..., Any]:
    def copy(*arguments: Any, **options: Any) -> Any:
        return guard_with(guarding, original(*arguments, **options))

    return copy


# The first row that fits is taken, so a kind stands before those that it is derived from.
ROWS: tuple[Row, ...] = (
    Row(
        "OpenAI",
        lambda client: comes_from(client, "openai", "OpenAI", "AsyncOpenAI"),
        _guard_openai,
    ),
    Row(
        "AnthropicBedrock",
        lambda client: comes_from(client, "anthropic", *sdks.SIGNING),
        _guard_signing,
    ),
    Row(
        "Anthropic",
        lambda client: comes_from(client, "anthropic", "BaseClient"),
        _guard_stainless,
    ),
    Row(
        "httpx.Client",
        lambda client: any(comes_from(client, each, "Client", "AsyncClient") for each in _HTTP),
        _guard_http,
    ),
    Row(
        "google.genai.Client",
        lambda client: comes_from(client, "google.genai", "Client"),
        sdks.genai,
    ),
    Row(
        "cohere.ClientV2",
        lambda client: comes_from(client, "cohere", "BaseCohere", "AsyncBaseCohere"),
        sdks.cohere,
    ),
    Row(
        "Mistral",
        lambda client: comes_from(client, "mistralai", "Mistral"),
        sdks.mistral,
    ),
    Row(
        "ChatOpenAI",
        lambda client: comes_from(client, "langchain_openai", *sdks.LANGCHAIN),
        sdks.langchain,
    ),
)
