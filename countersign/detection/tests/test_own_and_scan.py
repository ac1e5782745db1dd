"""Officers' patterns run on re2 alone; `countersign scan` reads lines and quotes none."""

from __future__ import annotations

import io
import json
import sys

import pytest

from countersign.__main__ import main
from countersign.commands.scan import BadLine, read
from countersign.detection.detector import Detector, OwnPattern
from countersign.detection.own import BadPattern, NeedsRe2, check

CASE = OwnPattern("case", "own.case-number", r"K-\d{4}/\d{2}")


def test_an_own_pattern_finds_its_kind():
    pytest.importorskip("re2")
    text = "\u200bsiehe Ä K-1234/24 bitte"
    (hit,) = Detector(own=[CASE]).detect(text)
    assert (text[hit.start : hit.end], hit.kind, hit.rule) == (
        "K-1234/24",
        "own.case-number",
        "case",
    )


@pytest.mark.parametrize(
    "pattern",
    [r"(a)\1", r"(?=a)", "(", "", "a*", "x" * 1001, r"(?:a{1000}){1000}"],
)
def test_what_re2_does_not_take_is_refused_and_not_quoted(pattern):
    pytest.importorskip("re2")
    with pytest.raises(BadPattern) as refused:
        check(OwnPattern("x", "own.x", pattern))
    assert not pattern or len(pattern) < 3 or pattern not in str(refused.value)


@pytest.mark.parametrize(("kind", "score"), [("own.", 0.9), ("NOPE", 0.9), ("own.x", 0)])
def test_kind_and_score_of_an_own_pattern_are_checked(kind, score):
    pytest.importorskip("re2")
    with pytest.raises(BadPattern):
        check(OwnPattern("x", kind, "abc", score))


def test_without_re2_an_own_pattern_is_refused_by_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(NeedsRe2, match=r"countersign\[rules\]"):
        Detector(own=[CASE])


def test_a_bomb_takes_linear_time():
    """Would not end in this century on a backtracking engine."""
    pytest.importorskip("re2")
    bomb = OwnPattern("bomb", "own.bomb", r"(?:(?:a+)+)+b")
    assert Detector(own=[bomb]).detect("a" * 20_000) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"Mr Smith", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"[1]", "object"),
        (b'{"text": "Mr Smith"}', "`id`"),
        (b'{"id": true, "text": "Mr Smith"}', "`id`"),
        (b'{"id": 1, "text": 5}', "`text`"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_refused_and_not_quoted(line, why):
    with pytest.raises(BadLine, match=why) as refused:
        read(line)
    assert "Smith" not in str(refused.value)


def test_scan_answers_line_by_line(tmp_path, capsys):
    file = tmp_path / "texts.jsonl"
    good = {"id": "a", "text": "card 4111 1111 1111 1111"}
    file.write_text(
        json.dumps(good) + "\nMr Smith\n\n" + json.dumps({"id": 2, "text": "BP 120/80"})
    )
    assert main(["scan", str(file)]) == 1
    told = capsys.readouterr()
    first, second = (json.loads(line) for line in told.out.splitlines())
    assert first == {
        "id": "a",
        "spans": [{"start": 5, "end": 24, "kind": "ACCOUNT", "score": 0.92}],
    }
    assert second == {"id": 2, "spans": []}
    assert told.err == "countersign scan: line 2: it is not JSON\n"


def test_scan_reads_standard_input(monkeypatch, capsys):
    lines = io.BytesIO(b'{"id": 1, "text": "MRN 123456"}\n')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(lines))
    assert main(["scan", "--no-tagger"]) == 0
    (span,) = json.loads(capsys.readouterr().out)["spans"]
    assert (span["start"], span["end"], span["kind"]) == (4, 10, "MRN")


def test_scan_says_what_it_cannot_read(tmp_path, capsys):
    assert main(["scan", str(tmp_path / "none.jsonl")]) == 2
    assert "cannot be read" in capsys.readouterr().err
