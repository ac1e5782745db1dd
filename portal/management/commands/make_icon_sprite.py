"""Puts icons of the Tabler set into the sprite that the pages use."""

import re
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

SPRITE = settings.BASE_DIR / "static" / "vendor" / "tabler" / "icons.svg"
# What every outline drawing repeats: the sprite's user sets stroke and size by CSS.
EMPTY_PATH = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>')
INSIDE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
SYMBOL = re.compile(r'<symbol id="([a-z0-9-]+)"')


def symbol(name: str, drawing: str) -> str:
    """The drawing of one Tabler outline file as a `<symbol>`. Raises: CommandError."""
    found = INSIDE.search(drawing)
    if found is None:
        raise CommandError(f"{name}.svg is not a drawing of the Tabler set.")
    paths = " ".join(EMPTY_PATH.sub("", found[1]).split())
    return f'<symbol id="{name}" viewBox="0 0 24 24">{paths}</symbol>'


class Command(BaseCommand):
    help = (
        "Draw the sprite anew from an unpacked @tabler/icons package, with the icons it has and "
        "those named: make_icon_sprite package/icons/outline star heart"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the package's folder icons/outline")
        parser.add_argument("names", nargs="*", help="icons to add")

    def handle(self, *, folder: Path, names: list[str], **options: object) -> None:
        names = sorted({*names, *(SYMBOL.findall(SPRITE.read_text()) if SPRITE.exists() else [])})
        missing = [name for name in names if not (folder / f"{name}.svg").is_file()]
        if missing:
            raise CommandError(f"Not in {folder}: {', '.join(missing)}")
        symbols = [symbol(name, (folder / f"{name}.svg").read_text()) for name in names]
        body = "\n".join(symbols)
        SPRITE.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n')
        self.stdout.write(f"{len(names)} icons")
