"""Names of people of twenty locales in prompts that the tagger was not trained on.

`names_by_locale` makes texts: sentences of this module, filled with names that Faker draws for a
locale (seeded), as they are commonly written: whole, family name with a title, "Family, Given",
initials, given name alone. One text in three holds no name but what looks like one: eponyms,
drugs, companies, months, headings. None of the sentences stands in the grammar of
`countersign/training`; a test of that package holds it.
"""

from __future__ import annotations

import random
import unicodedata
from typing import TYPE_CHECKING, Any

from detection_scores import score
from faker import Faker

from countersign.detection.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCALES = (
    *("ar_AA", "cs_CZ", "de_DE", "en_GB", "en_IN", "en_US", "es_MX", "fi_FI", "fr_FR", "hu_HU"),
    *("id_ID", "it_IT", "ja_JP", "ko_KR", "pl_PL", "pt_BR", "ru_RU", "tr_TR", "vi_VN", "zh_CN"),
)
# Whose names Faker also has in Latin letters; those of the others stand in their own script.
ROMANIZED = ("ja_JP",)
# Who writes the family name first, with nothing between.
JOINED = ("zh_CN", "ko_KR")
FULL = (
    "Summarise the discharge letter of {name} for the general practitioner.",
    "{name} phoned twice about the swelling in the left ankle.",
    "Rewrite this so that a child understands it: {name} needs a cast for four weeks.",
    "Which vaccines are due for {name} before the trip in March?",
    "Our neighbour {name} found him on the kitchen floor.",
    "I spoke with {name}, who holds the power of attorney.",
    "The consent form was signed by {name} and countersigned at the desk.",
    "Draft a polite reminder to {name} about the unpaid invoice.",
    "pls check whether {name} already had the flu shot",
    "The specimen belongs to {name}; the label on the tube is wrong.",
    "After the stroke {name} could no longer name common objects.",
    "Translate into plain English: {name} declined the second biopsy.",
    "Is warfarin safe for {name}, given the fall last week?",
    "Next of kin: {name} (sister)",
    "Reviewed with {name} in clinic today; INR is stable.",
    "Has anyone told {name} that the scan was moved to Tuesday?",
    "The insurer wants a letter why {name} cannot climb stairs.",
    "Two of the samples came from {name}, the third is a control.",
)
GIVEN = (
    "Hello, my name is {name} and I have a question about my pills.",
    "My son {name} has had a fever since yesterday.",
    "Write a birthday card for my colleague {name}.",
)
FAMILY = (
    "Dr. {name} wants the potassium repeated in the morning.",
    "Please book a room for Mrs. {name} near the nurses' station.",
    "Mr. {name} denies chest pain and takes metformin.",
    "Professor {name} will present the case on Thursday.",
)
SORTED = (
    "Appointment list\n09:00 {name} - wound check\n09:20 free",
    "Patient: {name}\nComplaint: cough for three weeks",
)
CLEAN = (
    "What is the usual dose of amoxicillin for a child of twelve kilograms?",
    "Explain the difference between Crohn disease and ulcerative colitis.",
    "List the criteria of Duke for endocarditis and of Wells for embolism.",
    "Which interactions does St. John's wort have with contraceptives?",
    "Compare Pfizer, Moderna and Novavax by storage temperature.",
    "Draft a policy for the use of Microsoft Teams in the Cardiology Department.",
    "How do I read a Bland-Altman plot? Keep it short.",
    "A Foley catheter was placed; Kerley B lines on the film, no Babinski sign.",
    "Summarise the guideline of the European Society of Cardiology on atrial fibrillation.",
    "Write a Python function that sorts appointments by start time.",
    "The May meeting moves to June. Will the August numbers be ready?",
    "Assessment And Plan: Continue Lisinopril, Hold Metformin, Recheck Creatinine.",
    "Is Hashimoto thyroiditis linked to coeliac disease?",
    "Order: CBC, BMP, TSH. Diet: regular. Activity: as tolerated.",
    "Does Medicare Advantage cover hearing aids in rural areas?",
    "Explain how Kubernetes pods differ from Docker containers.",
    "Compare Keynesian and Austrian economics in two paragraphs.",
    "Draft a press release for our new product Aurora Pro.",
    "Explain Bayes' theorem with a medical test as example.",
    "Give me a recipe for Caesar salad and Peking duck.",
    "Explain the Monty Hall problem.",
    "Describe Murphy's sign and McBurney's point.",
    "Explain Graves disease versus Plummer disease.",
    "Explain how Stripe webhooks are verified.",
    "Outline a lecture on Ebola, Zika and Lassa fever.",
    "List Jenkins pipeline stages for a Maven project.",
    "Is Tamiflu useful after 48 hours?",
    "Explain Parkinson's disease dementia versus Lewy body dementia.",
    "Explain Ohm's law and Kirchhoff's rules.",
    "What is the Parkland formula for burns?",
    "Describe a Colles fracture and a Smith fracture.",
    "Interpretation of Rinne and Weber tests.",
    "What does Sarbanes-Oxley require of CFOs?",
    "Explain Dijkstra's algorithm and Kruskal's algorithm.",
    "Describe Charcot joint and Charcot-Marie-Tooth disease.",
    "Give me three taglines for Red Bull style marketing.",
    "What are Bouchard and Heberden nodes?",
    "Please format the table: Name, Age, City, Department.",
    "Which Tesla model has the longest range?",
    "Explain Gram staining and Giemsa staining.",
)
EACH = 120
SEED = 20260


def _person(fake: Faker, locale: str) -> tuple[str, str]:
    if locale in ROMANIZED:
        return fake.first_romanized_name(), fake.last_romanized_name()
    return fake.first_name(), fake.last_name()


def _filled(template: str, name: str, number: str) -> dict[str, Any]:
    start = template.index("{name}")
    text = template.replace("{name}", name)
    return {
        "id": number,
        "text": text,
        "spans": [{"start": start, "end": start + len(name), "kind": "NAME"}],
    }


def names_by_locale(locale: str, *, each: int = EACH) -> list[dict[str, Any]]:
    """Texts of a locale, in the form of the sets; the same for the same version of Faker."""
    fake, chance = Faker(locale), random.Random(f"{SEED}{locale}")  # noqa: S311 - texts to measure on
    fake.seed_instance(SEED)
    rows = []
    for number in range(each):
        given, family = (unicodedata.normalize("NFC", part) for part in _person(fake, locale))
        whole = f"{family}{given}" if locale in JOINED else f"{given} {family}"
        written = chance.choices(
            [(FULL, whole), (GIVEN, given), (FAMILY, family), (SORTED, f"{family}, {given}")],
            weights=[12, 2, 3, 3],
        )[0]
        rows.append(_filled(chance.choice(written[0]), written[1], f"{locale}-{number}"))
    for number, text in enumerate(chance.sample(CLEAN, min(each // 2, len(CLEAN)))):
        rows.append({"id": f"{locale}-clean{number}", "text": text, "spans": []})
    return rows


def by_locale(detector: Detector, locales: Sequence[str] = LOCALES) -> dict[str, Any]:
    """Recall and precision of each locale, and the least of them."""
    found = {}
    for locale in locales:
        figures = score(names_by_locale(locale), detector).figures()
        found[locale] = {key: figures[key] for key in ("recall", "precision")}
    return {
        "locale_recall": min(one["recall"] for one in found.values()),
        "locale_precision": min(one["precision"] for one in found.values()),
        "locales": found,
    }


def held_out(locales: Sequence[str] = LOCALES) -> Detector:
    """A detector whose tagger never saw a name or a text of these; one locale must stay."""
    from countersign.detection.tagger import Tagger
    from countersign.training.corpus import Corpus
    from countersign.training.learning import Settings, train

    settings = Settings()
    without = [locale for locale in locales if locale != "en_US"]
    return Detector(tagger=Tagger(train(Corpus(settings.seed, without), settings)))
