"""Where a request comes from; pure but for the setting that counts our proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings

# What is left of an address: a network that names no household (IPv4, IPv6).
KEPT_BITS = {4: 24, 6: 48}


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
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, KEPT_BITS[address.version]), strict=False))
