"""Tiles: the tree in files of up to 256 hashes, from which anybody computes any proof.

A tile of level 0 holds hashes of leaves, one of level L hashes over 256**L leaves each. A full tile
never changes; the last one of a level is partial, and as wide as the tree's size says.
Source: https://c2sp.org/tlog-tiles
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from countersign import merkle

HEIGHT = 8
WIDTH = 1 << HEIGHT
FULL_BYTES = WIDTH * merkle.HASH_SIZE
MAX_LEVEL = 63
_DIGITS = frozenset("0123456789")

ReadTile: TypeAlias = "Callable[[Tile], bytes]"


class TileError(Exception):
    """A tile is not there, or does not hold what its name says."""


class Tile(NamedTuple):
    """The name of a tile: `number` counts from the left of its level, `width` hashes are in it."""

    level: int
    number: int
    width: int = WIDTH

    def path(self) -> str:
        """Where it is served and kept, below a log's address: tile/0/x001/234.p/7."""
        return f"tile/{self.level}/{number_path(self.number, self.width)}"

    @property
    def start(self) -> int:
        """The index of the first leaf below it."""
        return self.number << HEIGHT * (self.level + 1)


def number_path(number: int, width: int = WIDTH) -> str:
    """The number in groups of three digits, each but the last with an x; .p/width if partial."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    partial = "" if width == WIDTH else f".p/{width}"
    return "/".join(reversed(groups)) + partial


def parsed_number(path: str) -> tuple[int, int]:
    """Number and width of `number_path`. Raises: TileError for any other writing of them."""
    whole, partial, width_text = path.partition(".p/")
    groups = whole.replace("/x", "/").removeprefix("x").split("/")
    width = WIDTH
    if partial:
        width = int(width_text) if _is_digits(width_text) and len(width_text) <= 3 else 0
    if len(groups) > 6 or not all(_is_digits(group) for group in groups):
        raise TileError("this is no number of a tile")
    number = int("".join(groups))
    if not 1 <= width <= WIDTH or number_path(number, width) != path:
        raise TileError("this is no number of a tile")
    return number, width


def parsed_path(path: str) -> Tile:
    """The tile of `Tile.path`. Raises: TileError for any other writing of it."""
    level_text, _, rest = path.removeprefix("tile/").partition("/")
    level = int(level_text) if _is_digits(level_text) and len(level_text) <= 2 else MAX_LEVEL + 1
    if level > MAX_LEVEL or not path.startswith(f"tile/{level}/"):
        raise TileError("this is no path of a tile")
    return Tile(level, *parsed_number(rest))


def width_at(level: int, number: int, size: int) -> int:
    """How many hashes the tile has in a tree of `size` leaves: 0 to 256."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - number * WIDTH))


def tiles_at(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` leaves, level by level, partial ones included."""
    level = 0
    while hashes := size >> HEIGHT * level:
        full, rest = divmod(hashes, WIDTH)
        yield from (Tile(level, number) for number in range(full))
        if rest:
            yield Tile(level, full, rest)
        level += 1


def tile_of(level: int, number: int, size: int) -> Tile:
    """The tile in which the node `(level, number)` of the tree of `size` leaves is found.

    The highest there is: so a proof about later leaves never needs the lower tiles of earlier ones.
    """
    tile_level, above = divmod(level, HEIGHT)
    tile_number = number >> HEIGHT - above
    return Tile(tile_level, tile_number, width_at(tile_level, tile_number, size))


def tiles_for(nodes: Iterable[merkle.Node], size: int) -> set[Tile]:
    """The tiles that hold these nodes of the tree of `size` leaves: what a proof must fetch."""
    return {tile_of(level, number, size) for level, number in nodes}


def hashes_of(content: bytes, width: int = WIDTH) -> list[bytes]:
    """The first `width` hashes of a tile: a full tile serves where a partial one is asked for.

    Raises: TileError if it has fewer, or is no row of hashes.
    """
    if (
        len(content) % merkle.HASH_SIZE
        or not width * merkle.HASH_SIZE <= len(content) <= FULL_BYTES
    ):
        raise TileError("the tile does not have the length that its width asks for")
    size = merkle.HASH_SIZE
    return [content[at : at + size] for at in range(0, width * size, size)]


class Reader:
    """Reads nodes of the tree of `size` leaves from tiles: what proofs are made from.

    `read_tile` gives a tile's bytes or raises TileError. The last tiles read are kept with the
    nodes above their hashes, so that proofs about neighbours read and hash nothing twice.
    """

    def __init__(self, size: int, read_tile: ReadTile, *, kept_tiles: int = 64) -> None:
        self.size = size
        self._read_tile = read_tile
        self._kept: OrderedDict[Tile, list[list[bytes]]] = OrderedDict()
        self._kept_tiles = kept_tiles

    def __call__(self, level: int, number: int) -> bytes:
        """The hash of a perfect subtree. Raises: TileError if it is not in the tree."""
        if (number + 1) << level > self.size:
            raise TileError("the subtree is not in the tree")
        tile = tile_of(level, number, self.size)
        above = level % HEIGHT
        return self._levels(tile)[above][number & (WIDTH >> above) - 1]

    def _levels(self, tile: Tile) -> list[list[bytes]]:
        levels = self._kept.get(tile)
        if levels is None:
            levels = levels_of(hashes_of(self._read_tile(tile), tile.width))
            self._kept[tile] = levels
            if len(self._kept) > self._kept_tiles:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(tile)
        return levels


def levels_of(hashes: list[bytes]) -> list[list[bytes]]:
    """The hashes of a tile and the perfect subtrees above them, 8 levels, the tile's root not."""
    levels = [hashes]
    while len(levels) < HEIGHT:
        levels.append(merkle.parents(levels[-1]))
    return levels


def _is_digits(text: str) -> bool:
    """Only 0 to 9: `isdecimal` takes the digits of every script."""
    return bool(text) and _DIGITS.issuperset(text)
