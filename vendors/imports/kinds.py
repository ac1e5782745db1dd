"""The kinds that can be imported, by the word in their address."""

from __future__ import annotations

from vendors.imports.facts import FACTS
from vendors.imports.papers import AGREEMENTS, REPORTS
from vendors.imports.planning import Kind
from vendors.imports.register import SERVICES, VENDORS

KINDS: dict[str, Kind] = {k.code: k for k in (VENDORS, SERVICES, AGREEMENTS, REPORTS, FACTS)}
