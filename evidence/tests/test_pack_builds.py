"""A pack is whole, exact and checkable with ordinary tools."""

from __future__ import annotations

import csv
import json
import subprocess
import tomllib
import zipfile

import jsonschema
import pytest
from django.conf import settings

import countersign
from audits.models import Call, Completion
from evidence.models import EvidencePack
from evidence.pack.datasets import DATASETS
from evidence.tests import make, make_packs
from policies.tests.make import active_integration

pytestmark = pytest.mark.usefixtures("committed", "pack_root", "no_report")


def unpack(pack, folder):
    """The pack's own folder, unpacked below `folder`."""
    with zipfile.ZipFile(pack.file.path) as archive:
        archive.extractall(folder)
    (inner,) = folder.iterdir()
    return inner


@pytest.fixture
def bag(tmp_path_factory):
    use = active_integration()
    for number in range(3):
        make.call(use, actor_id=f"user:{number}")
    make.call(use, decision="deny", reasons=["baa-expired"], purpose="=1+1", answered=False)
    make.run()
    pack = make_packs.built()
    assert pack.state == EvidencePack.State.READY, pack.failure
    return unpack(pack, tmp_path_factory.mktemp("bag"))


def test_the_manifest_checks_with_sha256sum(bag):
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        done = subprocess.run(
            ["/usr/bin/env", "sha256sum", "-c", "--strict", manifest],
            cwd=bag,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    listed = (bag / "manifest-sha256.txt").read_text().splitlines()
    assert len(listed) == sum(1 for path in (bag / "data").rglob("*") if path.is_file())


def test_populations_hold_what_the_database_holds(bag):
    for dataset in DATASETS:
        lines = (bag / f"data/populations/{dataset.name}.jsonl").read_text().splitlines()
        with (bag / f"data/populations/{dataset.name}.csv").open(newline="") as file:
            table = list(csv.DictReader(file))
        sheet = json.loads((bag / f"data/ipe/{dataset.name}.json").read_text())
        assert len(lines) == len(table) == sheet["rows_in_database"] == sheet["rows_in_file"]
    calls = (bag / "data/populations/calls.jsonl").read_text().splitlines()
    assert {json.loads(line)["call_id"] for line in calls} == {
        str(call_id) for call_id in Call.objects.values_list("call_id", flat=True)
    }
    completions = (bag / "data/populations/completions.jsonl").read_text().splitlines()
    assert len(completions) == Completion.objects.count() == 3


def test_every_line_keeps_its_schema_and_every_note_names_a_column(bag):
    for dataset in DATASETS:
        schema = json.loads((bag / f"data/populations/{dataset.name}.schema.json").read_text())
        validator = jsonschema.Draft202012Validator(schema)
        for line in (bag / f"data/populations/{dataset.name}.jsonl").read_text().splitlines():
            validator.validate(json.loads(line))
        assert set(dataset.notes) <= set(schema["properties"])


def test_a_cell_that_a_spreadsheet_would_run_is_escaped_and_json_is_exact(bag):
    with (bag / "data/populations/calls.csv").open(newline="") as file:
        assert [row["purpose"] for row in csv.DictReader(file)][-1] == "'=1+1"
    lines = (bag / "data/populations/calls.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["purpose"] == "=1+1"


def test_a_pack_names_the_version_that_is_published():
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    assert countersign.__version__ == project["version"]
