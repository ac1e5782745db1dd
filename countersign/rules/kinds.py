"""The kinds of data that rules know by name, grouped by what the law says of them."""

from __future__ import annotations

from countersign.detection.kinds import KINDS

# The identifiers of 45 CFR 164.514(b)(2)(i), (A) to (R).
IDENTIFIERS = frozenset(kind.name for kind in KINDS.values() if kind.letter)
FINANCIAL = frozenset(("ACCOUNT", "CARD", "IBAN"))
# Kinds that have a coarser form: a year, three digits of a ZIP code, 90 and over.
GENERAL = frozenset(("DATE", "GEO_ZIP", "AGE90"))
