"""What an agreement covers, compared: between versions, and with what a service offers; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True, order=True)
class ScopeWords:
    """A covered scope by what decides: empty fields mean any. `service` is its name."""

    service: str
    plan: str = ""
    account: str = ""
    endpoint: str = ""
    model_pattern: str = ""
    region: str = ""
    features: tuple[str, ...] = ()
    features_excluded: tuple[str, ...] = ()
    settings_required: tuple[str, ...] = ()
    general_availability_only: bool = False


@dataclass(frozen=True, slots=True)
class ScopeChanges:
    """What a new version covers that the old did not, what it no longer names, and what stays."""

    added: tuple[ScopeWords, ...]
    removed: tuple[ScopeWords, ...]
    kept: tuple[ScopeWords, ...]


def scope_changes(old: Iterable[ScopeWords], new: Iterable[ScopeWords]) -> ScopeChanges:
    """Compare the scopes of two versions; a scope that changed counts as removed and added."""
    before, after = set(old), set(new)
    return ScopeChanges(
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
        kept=tuple(sorted(before & after)),
    )


def overlap(one: str, other: str) -> bool:
    """Whether any model name fits both patterns, in which * stands for any characters."""

    @cache
    def fit(i: int, j: int) -> bool:
        if i == len(one) and j == len(other):
            return True
        if i < len(one) and one[i] == "*":
            return fit(i + 1, j) or (j < len(other) and fit(i, j + 1))
        if j < len(other) and other[j] == "*":
            return fit(i, j + 1) or (i < len(one) and fit(i + 1, j))
        return i < len(one) and j < len(other) and one[i] == other[j] and fit(i + 1, j + 1)

    return fit(0, 0)


def scope_doubts(
    scope: ScopeWords, *, models: Collection[str], regions: Collection[str]
) -> tuple[str, ...]:
    """What a scope names that the service does not offer, each as a sentence.

    `models` are the patterns the service offers and `regions` where it processes; where none is
    known, nothing is doubted.
    """
    doubts = []
    pattern, region = scope.model_pattern, scope.region
    if pattern and models and not any(overlap(pattern, offered) for offered in models):
        doubts.append(f"No model that {scope.service} offers fits {pattern}.")
    if region and regions and region not in regions:
        doubts.append(f"{scope.service} does not run in {region}.")
    return tuple(doubts)
