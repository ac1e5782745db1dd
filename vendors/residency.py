"""Where a service's data is and may go: areas of regions, and what leaves them; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# How providers begin the names of regions, by the area whose law applies; longest first wins.
AREAS: dict[str, str] = {
    "us": "United States",
    "usgov": "United States",
    "eastus": "United States",
    "westus": "United States",
    "centralus": "United States",
    "northcentralus": "United States",
    "southcentralus": "United States",
    "westcentralus": "United States",
    "northamerica": "North America",
    "ca": "Canada",
    "canada": "Canada",
    "eu": "Europe",
    "europe": "Europe",
    "westeurope": "Europe",
    "northeurope": "Europe",
    "france": "Europe",
    "germany": "Europe",
    "sweden": "Europe",
    "switzerland": "Switzerland",
    "uk": "United Kingdom",
    "ap": "Asia and Pacific",
    "asia": "Asia and Pacific",
    "japan": "Asia and Pacific",
    "australia": "Asia and Pacific",
    "sa": "South America",
    "southamerica": "South America",
    "brazil": "South America",
    "global": "Anywhere",
    "world": "Anywhere",
}
ANYWHERE = "Anywhere"
PURPOSES = ("processing", "at_rest", "support_access", "failover")
# Guarantees that hold without anybody's good will.
FIRM = ("contract", "configurable")


@dataclass(frozen=True, slots=True)
class Place:
    """A region with what for (one of `PURPOSES`) and how firmly it is promised."""

    region: str
    purpose: str
    guarantee: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader should know of the places; `kind` is soon or bad."""

    kind: str
    text: str


def area(region: str) -> str:
    """The area of a region by its name; the name itself where no rule knows it."""
    name = region.lower()
    fitting = [prefix for prefix in AREAS if name == prefix or name.startswith(_stems(prefix))]
    return AREAS[max(fitting, key=len)] if fitting else region


def _stems(prefix: str) -> tuple[str, ...]:
    """A short prefix is followed by a dash, such as us-east-1; a long one by anything."""
    return (f"{prefix}-",) if len(prefix) <= 2 else (prefix,)


def remarks(places: Iterable[Place]) -> list[Remark]:
    """What leaves the areas of processing, what is not known, and what is not promised."""
    by_purpose: dict[str, list[Place]] = {purpose: [] for purpose in PURPOSES}
    for place in places:
        by_purpose[place.purpose].append(place)
    inside = {area(place.region) for place in by_purpose["processing"]}
    found = []
    for purpose in PURPOSES:
        words = purpose.replace("_", " ")
        if not by_purpose[purpose]:
            found.append(Remark("soon", f"No region is recorded for {words}."))
        if purpose != "processing":
            found += [
                _outside(place, words, inside)
                for place in by_purpose[purpose]
                if inside and not _within(area(place.region), inside)
            ]
        loose = [place.region for place in by_purpose[purpose] if place.guarantee not in FIRM]
        if loose:
            found.append(
                Remark("soon", f"{words.capitalize()} in {', '.join(loose)} is not promised.")
            )
    return found


def _within(where: str, inside: set[str]) -> bool:
    """Processing anywhere lets everything else be anywhere, too."""
    return where in inside or ANYWHERE in inside


def _outside(place: Place, words: str, inside: set[str]) -> Remark:
    areas = ", ".join(sorted(inside))
    return Remark(
        "bad", f"{words.capitalize()} in {place.region} is outside of where processing is: {areas}."
    )
