"""Builds the word lists that ship in `countersign/detection/lists/`.

    python -m countersign.training.lists --census DIR --words FILE --clinical FILE

Sources, all free of share-alike terms (docs/sources.md):
- given names and surnames of many locales, cities: Faker (MIT), and through it GeoNames' places
  (CC BY 3.0);
- `--census`: a folder with dist.male.first, dist.female.first and dist.all.last, the name counts of
  the 1990 US census (public domain), as in the package names 0.3.0;
- `--words`: a word list one to a line, Debian's wamerican (SCOWL, permissive);
- `--clinical`: the tabular list of ICD-10-CM as XML (CDC, public domain), as in the package
  simple-icd-10-cm 1.5.0.
The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import importlib
import lzma
import pkgutil
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import faker.providers.address
import faker.providers.person
from faker.providers.geo import Provider as Places

OUT = Path(__file__).resolve().parent.parent / "detection" / "lists"
MOST_SURNAMES = 18_000
MOST_GIVEN = 4_500
# A locale's list above this is a gazetteer of hamlets, whose names are words elsewhere.
MOST_CITIES = 1_000
_WORD = re.compile(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*")
# Cities of the United States and centres of care whose names stand in prompts without a state.
AMERICAN = """
New York|Los Angeles|Chicago|Houston|Phoenix|Philadelphia|San Antonio|San Diego|Dallas|San Jose
Austin|Jacksonville|Fort Worth|Columbus|Indianapolis|Charlotte|San Francisco|Seattle|Denver
Oklahoma City|Nashville|El Paso|Washington DC|Las Vegas|Boston|Portland|Louisville|Memphis
Detroit|Baltimore|Milwaukee|Albuquerque|Tucson|Fresno|Sacramento|Mesa|Kansas City|Atlanta|Omaha
Colorado Springs|Raleigh|Virginia Beach|Long Beach|Miami|Oakland|Minneapolis|Tulsa|Bakersfield
Tampa|Wichita|Arlington|New Orleans|Cleveland|Honolulu|Anaheim|Henderson|Stockton|Riverside
Lexington|Corpus Christi|Orlando|Irvine|Cincinnati|Santa Ana|Newark|Saint Paul|St. Paul
Pittsburgh|Greensboro|Durham|Lincoln|Jersey City|Plano|Anchorage|North Las Vegas|St. Louis
Saint Louis|Madison|Chandler|Gilbert|Reno|Buffalo|Chula Vista|Fort Wayne|Lubbock|Toledo
St. Petersburg|Laredo|Irving|Chesapeake|Glendale|Winston-Salem|Scottsdale|Garland|Boise|Norfolk
Port St. Lucie|Spokane|Richmond|Fremont|Huntsville|Tacoma|Baton Rouge|Santa Clarita
San Bernardino|Hialeah|Frisco|Modesto|Cape Coral|Fontana|Moreno Valley|Des Moines|Rochester
Fayetteville|Yonkers|Worcester|Columbia|Little Rock|McKinney|Augusta|Salt Lake City|Grand Rapids
Tallahassee|Amarillo|Overland Park|Montgomery|Birmingham|Knoxville|Shreveport|Mobile|Akron
Fort Lauderdale|Brooklyn|Queens|Bronx|Manhattan|Staten Island|Harlem|Pasadena|Palo Alto|Berkeley
Santa Monica|Beverly Hills|Evanston|Naperville|Aurora|Providence|Hartford|New Haven|Stamford
Bridgeport|Springfield|Syracuse|Albany|Savannah|Charleston|Chattanooga|Jackson|Sioux Falls|Fargo
Billings|Cheyenne|Santa Fe|Eugene|Salem|Bellevue|Everett|Vancouver|Boulder|Fort Collins|Provo
Ogden|Gainesville|Sarasota|Naples|Boca Raton|West Palm Beach|Ann Arbor|Lansing|Flint|Dearborn
Kalamazoo|Green Bay|Duluth|Cedar Rapids|Davenport|Iowa City|Peoria|Rockford|Champaign
Bloomington|Evansville|South Bend|Dayton|Youngstown|Canton|Erie|Scranton|Allentown|Harrisburg
Lancaster|Wilmington|Trenton|Camden|Paterson|Atlantic City|Annapolis|Rockville|Bethesda
Silver Spring|Alexandria|Roanoke|Charlottesville|Asheville|Greenville|Macon|Athens|Tuscaloosa
Biloxi|Gulfport|Lafayette|Beaumont|Galveston|Waco|Tyler|Midland|Odessa|Abilene|McAllen
Brownsville|Flagstaff|Yuma|Tempe|Sedona
"""


def providers(package: object) -> Iterator[tuple[str, type]]:
    """Each locale's provider class of a package of Faker, by the locale's name."""
    for module in pkgutil.iter_modules(package.__path__):  # type: ignore[attr-defined]
        if module.ispkg:
            name = f"{package.__name__}.{module.name}"  # type: ignore[attr-defined]
            yield module.name, importlib.import_module(name).Provider


def values(provider: type, words: Sequence[str]) -> Iterator[str]:
    """Every text in the class's tables whose name holds one of `words`."""
    for name in sorted(dir(provider)):
        table = getattr(provider, name)
        if any(word in name for word in words) and isinstance(table, (tuple, list, dict)):
            for value in table:
                if isinstance(value, str) and "{" not in value:
                    yield value


def folded(names: Iterable[str]) -> Iterator[str]:
    """The words of names, casefolded, as they are written and without accents."""
    for name in names:
        for word in _WORD.findall(name):
            low = word.casefold()
            yield low
            plain = unicodedata.normalize("NFKD", low)
            yield "".join(letter for letter in plain if not unicodedata.combining(letter))


def counted(path: Path, most: int) -> list[str]:
    """The most frequent names of a census file."""
    return [line.split()[0] for line in path.read_text("ascii").splitlines()[:most] if line]


def given_names(census: Path) -> set[str]:
    """Given names of the census and of all locales."""
    names = set(folded(counted(census / "dist.male.first", MOST_GIVEN)))
    names |= set(folded(counted(census / "dist.female.first", MOST_GIVEN)))
    for _, provider in providers(faker.providers.person):
        names |= set(folded(values(provider, ("first_name", "romanized_names"))))
    return {name for name in names if len(name) > 1}


def surnames(census: Path) -> set[str]:
    """Surnames of the census and of all locales."""
    names = set(folded(counted(census / "dist.all.last", MOST_SURNAMES)))
    for _, provider in providers(faker.providers.person):
        names |= set(folded(values(provider, ("last_name",))))
    return {name for name in names if len(name) > 1}


def places() -> set[str]:
    """Cities, casefolded, each a whole name."""
    found: set[str] = {name for line in AMERICAN.split("\n") for name in line.split("|") if name}
    for _, provider in providers(faker.providers.address):
        table = set(values(provider, ("cities", "city_names", "towns")))
        if len(table) <= MOST_CITIES:
            found |= table
    found |= {place[2] for place in Places.land_coords}
    return {name.casefold() for name in found if len(name) > 2 and name[0].isupper()}


def vocabulary(words: Path, clinical: Path) -> set[str]:
    """Words that are no names: those written small in the word list, and those of diagnoses."""
    found = set()
    for line in words.read_text("utf-8").splitlines():
        if line.islower() and "'" not in line:
            found.add(line.casefold())
    for text in re.findall(r">([^<]+)<", clinical.read_text("utf-8")):
        # A word with a capital is the first of a title, or somebody's name.
        found.update(re.findall(r"\b[a-z]{3,}\b", text))
    return found


def eponyms(clinical: Path) -> set[str]:
    """Words with a capital inside a title of a diagnosis: nearly all are names of diseases."""
    found: set[str] = set()
    for text in re.findall(r">([^<]+)<", clinical.read_text("utf-8")):
        found.update(re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,}", text))
        found.update(
            re.findall("[A-Z][a-z]{2,}(?=(?:'s|-[A-Z][a-z]+(?:'s)?)? (?:disease|syndrome))", text)
        )
    return {word.casefold() for word in found}


def write(name: str, words: Iterable[str]) -> int:
    """Write a list, sorted, a word to a line, packed. Returns how many bytes the file has."""
    packed = lzma.compress("\n".join(sorted(words)).encode(), preset=9 | lzma.PRESET_EXTREME)
    (OUT / f"{name}.xz").write_bytes(packed)
    return len(packed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build all lists. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the word lists of the detection.")
    parser.add_argument("--census", type=Path, required=True)
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--clinical", type=Path, required=True)
    found = parser.parse_args(arguments)
    OUT.mkdir(exist_ok=True)
    lists = {
        "given": given_names(found.census),
        "surnames": surnames(found.census),
        "places": places(),
        "vocabulary": vocabulary(found.words, found.clinical),
        "eponyms": eponyms(found.clinical),
    }
    for name, words in lists.items():
        sys.stdout.write(f"{name}: {len(words)} words, {write(name, words)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
