"""The tagger: what the shipped model finds, and how it refuses a model that is not its own."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import subprocess
import sys
from importlib import resources
from itertools import pairwise

import pytest

from countersign.detection import tagger as module
from countersign.detection.forms import SPLIT
from countersign.detection.tagger import MODEL_SHA256, Tagger, TaggerDamaged, TaggerMissing


@pytest.fixture(scope="module")
def tagger():
    return Tagger.load()


def found(tagger, text, kind="NAME"):
    return [text[hit.start : hit.end] for hit in tagger.tag(text) if hit.kind == kind]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Patient Maria Gonzalez was admitted for pneumonia.", ["Maria Gonzalez"]),
        ("patient maria gonzalez was admitted for pneumonia.", ["maria gonzalez"]),
        ("PATIENT MARIA GONZALEZ WAS ADMITTED FOR PNEUMONIA.", ["MARIA GONZALEZ"]),
        ("a 60-year-old woman, Karen L., seen for asthma", ["Karen L."]),
        ("Dear Dr. Okonkwo, thank you for your letter.", ["Dr. Okonkwo"]),
        ("Discussed with Zhang Wei and Kim Ji-hoon.", ["Zhang Wei", "Kim Ji-hoon"]),
        ("My name is Wojciech Kowalczyk and I need help.", ["Wojciech Kowalczyk"]),
        ("consult for O'BRIEN, SEAN about his knee", ["O'BRIEN, SEAN"]),
        ("Please call Priya Venkatesan at noon.", ["Priya Venkatesan"]),
        (
            "Present: Kyle Becker, Jessica, Megan and Ashley.",
            ["Kyle Becker", "Jessica", "Megan", "Ashley"],
        ),
        ("Seen by Jan van der Berg on Monday.", ["Jan van der Berg"]),
        ("Next of kin: Anne-Marie Dupont-Lefèvre (wife)", ["Anne-Marie Dupont-Lefèvre"]),
        ("Пациент Иванов Сергей, дата рождения 1970-02-03.", ["Иванов Сергей"]),
        ("患者王小明,男,45岁,因胸痛就诊。", ["王小明"]),
        ("환자 김철수님이 가슴 통증을 호소합니다.", ["김철수"]),
        ("患者:佐藤 健(45歳)", ["佐藤 健"]),
        ("Ο ασθενής Γεώργιος Παπαδόπουλος εισήχθη.", ["Γεώργιος Παπαδόπουλος"]),
        ("שמי דוד כהן ואני גר כאן.", ["דוד כהן"]),
        ("اسمي محمد الخطيب وأعيش هنا.", ["محمد الخطيب"]),
        ("मेरा नाम अमित शर्मा है और मैं यहाँ रहता हूँ।", ["अमित शर्मा"]),
    ],
)
def test_it_finds_names_in_many_languages_and_manners(tagger, text, names):
    # A family name and what follows its comma may be one hit or two.
    assert [word for name in found(tagger, text) for word in SPLIT(name)[1::2]] == [
        word for name in names for word in SPLIT(name)[1::2]
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ... !",
        "What is the first-line therapy for Graves disease and Hashimoto thyroiditis?",
        "Compare Humira and Enbrel in Crohn's disease, per the 2023 ACG guidelines.",
        "a 70 yo M with Parkinson disease and Lewy bodies on carbidopa-levodopa 25-100 tid",
        "Positive Babinski sign, Murphy's sign negative, Wells score 3, Apgar 8/9.",
        "Write a policy for hospitals in Texas and California about telehealth.",
        "def total(values): return sum(values) / len(values)",
        "Please summarize this report on renewable energy in three bullets.",
        "what are the side effects of metformin in elderly patients with ckd?",
        "Quel traitement proposez-vous pour un patient atteint de diabète ?",
        "Какое лечение рекомендуется при гипертонии?",
        "高血压的最佳治疗方法是什么?",
    ],
)
def test_it_leaves_texts_without_people_alone(tagger, text):
    assert tagger.tag(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "stretches"),
    [
        ("seen at Lakeside Clinic on 3/4/2021", "GEO_PLACE", ["Lakeside Clinic"]),
        ("was treated at st. luke's hospital last week", "GEO_PLACE", ["st. luke's hospital"]),
        ("who lives in Portland, OR with her son", "GEO_PLACE", ["Portland, OR"]),
        ("seen at Mayo Clinic in Rochester, MN", "GEO_PLACE", ["Mayo Clinic in Rochester, MN"]),
        ("picked up at 482 Maple Avenue by medics", "GEO_STREET", ["482 Maple Avenue"]),
    ],
)
def test_it_finds_places_and_streets(tagger, text, kind, stretches):
    assert found(tagger, text, kind) == stretches


def test_hits_are_in_order_apart_and_scored(tagger):
    text = "Dr. Amy Chen saw Luis Ortega at Hillcrest Hospital.\n" * 40
    hits = tagger.tag(text)
    assert len(hits) == 120
    assert all(0.5 <= hit.score <= 0.99 for hit in hits)
    assert {hit.rule for hit in hits} == {"tagger.name", "tagger.place"}
    assert all(first.end <= second.start for first, second in pairwise(hits))


def test_the_same_text_has_the_same_hits_whatever_was_read_before(tagger, monkeypatch):
    text = "Ask Nurse Thompson about Mr. Iqbal's mother in Leeds."
    first = tagger.tag(text)
    monkeypatch.setattr(module, "FORMS_KEPT", 1)
    monkeypatch.setattr(module, "PAIRS_KEPT", 1)
    tagger.tag("Something else by Someone Else at Somewhere Clinic.")
    assert tagger.tag(text) == first == Tagger.load().tag(text)


def test_what_is_kept_of_texts_is_bounded(tagger):
    for part in range(3):
        tagger.tag(" ".join(f"word{part}x{number} " for number in range(9_000)))
    kept = max(len(forms) for forms in tagger._forms.values())  # noqa: SLF001
    assert kept < module.FORMS_KEPT + 9_100


@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "A. " * 60_000, "Smith " * 40_000, "'" * 200_000, "x'" * 100_000],
    ids=["one word", "initials", "names", "quotes", "apostrophes"],
)
def test_hostile_texts_end(tagger, text):
    assert all(hit.end <= len(text) for hit in tagger.tag(text))


def test_nothing_of_a_text_is_in_what_a_tagger_prints(tagger):
    tagger.tag("Patient Quentin Zabriskie was here.")
    assert "Zabriskie" not in repr(tagger)


def test_the_shipped_model_is_the_one_that_is_pinned():
    content = resources.files("countersign.detection").joinpath("model", module.MODEL).read_bytes()
    assert hashlib.sha256(content).hexdigest() == MODEL_SHA256
    assert len(content) < 1_000_000
    trained_with = json.loads(lzma.decompress(content))["lists"]
    assert trained_with == module.list_digests(), "train again: the word lists have changed"


def test_another_model_is_refused(monkeypatch):
    monkeypatch.setattr(module, "MODEL_SHA256", "0" * 64)
    with pytest.raises(TaggerDamaged, match="SHA-256"):
        Tagger.load()


def test_a_model_that_is_not_there_is_missed_in_a_sentence(monkeypatch):
    monkeypatch.setattr(module, "MODEL", "not-installed.xz")
    with pytest.raises(TaggerMissing, match=r"not installed.*Install the whole package"):
        Tagger.load()


def test_a_model_of_another_format_is_refused():
    with pytest.raises(TaggerDamaged, match="format"):
        Tagger(lzma.compress(b'{"format": 99}'))


def test_tagging_needs_python_alone():
    """Neither CRFsuite nor Faker: they train, and are no part of what runs."""
    program = (
        "import sys; from countersign.detection.tagger import Tagger;"
        "assert Tagger.load().tag('Patient Maria Gonzalez');"
        "sys.exit(bool({'pycrfsuite', 'faker', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=os.environ.copy(), check=False)
    assert done.returncode == 0
