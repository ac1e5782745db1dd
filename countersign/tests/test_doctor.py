"""`doctor` and `drain`: what they say, and with which exit code."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from countersign.__main__ import main
from countersign.client import checkup
from countersign.client.recording import Recorder
from countersign.tests.portal_double import INTEGRATION, PortalDouble
from countersign.tests.test_recording import SUCCEEDED, body


@pytest.fixture
def portal(monkeypatch, tmp_path):
    with PortalDouble() as portal:
        told = {
            "URL": portal.url,
            "KEY": portal.key,
            "INTEGRATION": INTEGRATION,
            "BUNDLE_KEY": portal.bundle_key,
            "SPOOL_DIR": str(tmp_path / "spool"),
        }
        for name, value in told.items():
            monkeypatch.setenv(f"COUNTERSIGN_{name}", value)
        yield portal


@pytest.fixture
def doctor(capsys):
    def run(*arguments):
        code = main(["doctor", "--json", *arguments])
        told = json.loads(capsys.readouterr().out)
        assert (code == 0) is told["ok"]
        return code, {check["name"]: check for check in told["checks"]}

    return run


def test_all_is_well(portal, doctor):
    code, checks = doctor()
    assert code == 0
    states = {name: check["state"] for name, check in checks.items()}
    assert states == dict.fromkeys(checks, "ok")
    assert list(checks) == [
        "library",
        "portal",
        "clock",
        "key",
        "bundle",
        "spool",
        "sdks",
        "extras",
    ]
    assert checks["bundle"]["facts"]["mode"] == "strict"
    assert "openai" in checks["sdks"]["facts"]
    assert portal.calls == {}


def test_people_get_a_line_for_each_check_and_never_the_key(portal, capsys):
    assert main(["doctor", "--mode", "strict"]) == 0
    said = capsys.readouterr().out
    assert "ok   portal   The portal answers and can store a record." in said.splitlines()
    assert "policy starter version 1, mode strict, enforce." in said
    assert portal.key not in said


@pytest.mark.parametrize(
    ("harm", "failing"),
    [
        (lambda portal: setattr(portal, "away", True), "portal"),
        (lambda portal: portal.fail("503", path="/readyz"), "portal"),
        (lambda portal: portal.fail("401"), "key"),
        (lambda portal: portal.fail("401", path="/bundle"), "bundle"),
        (lambda portal: portal.fail("half", path="/bundle"), "bundle"),
        (lambda portal: portal.content.update(integration="another"), "bundle"),
        (lambda portal: setattr(portal, "clock_s", 600), "clock"),
    ],
)
def test_each_trouble_is_named(portal, doctor, harm, failing):
    harm(portal)
    code, checks = doctor()
    assert code == 1
    assert [name for name, check in checks.items() if check["state"] == "fail"] == [failing]
    assert checks[failing]["sentence"].endswith(".")


def test_what_it_says_to_install_brings_what_is_missing():
    told = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    brought = told["project"]["optional-dependencies"]
    for package, why in checkup.EXTRAS.items():
        (extra,) = re.findall(r"countersign\[(\w+)\]", why)
        assert any(each.startswith(package) for each in brought[extra])


def test_a_folder_that_cannot_be_used_is_named(portal, doctor, tmp_path):
    (tmp_path / "spool").write_text("")
    code, checks = doctor()
    assert (code, checks["spool"]["state"]) == (1, "fail")


@pytest.mark.parametrize("name", ["URL", "KEY", "INTEGRATION", "BUNDLE_KEY"])
def test_a_missing_setting_is_named_and_exits_with_2(portal, monkeypatch, capsys, name):
    monkeypatch.delenv(f"COUNTERSIGN_{name}")
    assert main(["doctor"]) == 2
    assert f"COUNTERSIGN_{name}" in capsys.readouterr().err


def test_drain_delivers_what_was_left(portal, tmp_path, capsys):
    portal.content["mode"] = "spool"
    recorder = Recorder(portal.settings(tmp_path))
    recorder.terms()
    portal.away = True
    found = recorder.call(body())
    recorder.complete(found.call_id, SUCCEEDED)
    recorder.close(0.1)
    assert main(["drain", "--seconds", "1"]) == 1
    assert "2 left" in capsys.readouterr().out
    portal.away = False
    assert main(["drain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["delivered"] == 2
    assert portal.outcomes(found.call_id) == ["succeeded"]
