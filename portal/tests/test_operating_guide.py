"""The guide of the operator names what is there."""

import re

from install import CHECKOUT
from supervisor import read_options

GUIDE = (CHECKOUT / "docs" / "operating.md").read_text()


def test_every_setting_is_in_the_guide_and_no_other():
    portal = CHECKOUT / "portal"
    sources = [portal / "settings.py", portal / "archive.py", *(portal / "identity").glob("*.py")]
    code = "".join(path.read_text() for path in sources)
    asks = r'(?:env\.\w+|required|environ\.get|positive)\(\s*(?:env, )?"([A-Z0-9_]+)"'
    read = set(re.findall(asks, code))
    table = GUIDE.partition("## Settings")[2].partition("\n## ")[0]
    assert read == set(re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.M))


def test_every_option_is_in_the_guide(capsys):
    try:
        read_options(["--help"])
    except SystemExit:
        options = re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.M)
    assert options
    assert all(f"`{option}" in GUIDE for option in options)
