"""The guide of the operator names what is there."""

import re

from install import CHECKOUT
from supervisor import read_options

GUIDE = (CHECKOUT / "docs" / "operating.md").read_text()


def test_every_setting_is_in_the_guide_and_no_other():
    code = (CHECKOUT / "portal" / "settings.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|required|environ\.get)\(\s*"([A-Z_]+)"', code))
    table = GUIDE.partition("## Settings")[2].partition("\n## ")[0]
    assert read == set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.M))


def test_every_option_is_in_the_guide(capsys):
    try:
        read_options(["--help"])
    except SystemExit:
        options = re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.M)
    assert options
    assert all(f"`{option}" in GUIDE for option in options)
