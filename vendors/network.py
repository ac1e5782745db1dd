"""Where a request comes from; pure but for the setting that counts our proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

# What is left of an address: a network that names no household (IPv4, IPv6).
KEPT_BITS = {4: 24, 6: 48}
NOT_A_NETWORK = "A network is written like 10.20.0.0/16, host bits zero."
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def peer_of(environ: Mapping[str, Any]) -> str:
    """The caller's address: that of the connection, or what the trusted proxies say it is.

    TRUSTED_PROXIES counts them; each appends one address to X-Forwarded-For. "unknown" if there
    is none, so that no network rule is passed by its absence.
    """
    count = settings.TRUSTED_PROXIES
    if count:
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        return hops[-count] if len(hops) >= count and hops[-count] else "unknown"
    return environ.get("REMOTE_ADDR") or "unknown"


def network_of(peer: str) -> str:
    """The network an address is in, cut so far that it names nobody; empty if it is no address."""
    address = _address(peer)
    if address is None:
        return ""
    return str(ipaddress.ip_network((address, KEPT_BITS[address.version]), strict=False))


def plain_networks(cidrs: Iterable[str]) -> list[str]:
    """Networks in their plain form. Raises: ValueError for what is none; NOT_A_NETWORK says why."""
    return [str(ipaddress.ip_network(cidr.strip())) for cidr in cidrs]


def is_inside(peer: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks; what is no address is in none."""
    address = _address(peer)
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address; an IPv4 one that was written as IPv6 as what it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
