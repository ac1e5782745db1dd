"""What the engine costs and whether anything survives: CPU time a KB by form of the body.

FHIR bundles and clinical documents of `../shared/data/phi`, made-up HL7 v2 messages and chats of
several lengths, with the starter policy. Each figure is the least of its rounds, with nothing
remembered of the text. `survivors` counts values of patients that are still found in what goes out,
base64 decoded; it must be 0. `decision_ms` is one decision of a policy of 200 rules. `--quick`
takes one file of each form and two rounds. `--json` ends with one line: an object of all figures.
Exit code 1: a limit was broken.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from countersign.masking.engine import Engine, Limits, detector_for  # noqa: E402
from countersign.masking.outcomes import Outcome  # noqa: E402
from countersign.masking.tokens import TOKEN, Session  # noqa: E402
from countersign.rules.facts import Facts  # noqa: E402
from countersign.rules.policy import Policy  # noqa: E402

SHARED = (CHECKOUT.parent / "shared", CHECKOUT.parent.parent / "shared")
STARTER = CHECKOUT / "countersign" / "rules" / "starter.json"
LIMITS = {"fhir_ms_per_kb": 1.0, "ccda_ms_per_kb": 2.0, "survivors": 0, "decision_ms": 0.2}
PATIENT = Limits(timeout_ms=60_000)

SENTENCE = (
    "The blood pressure was 132 over 84 and the pulse was regular. She takes lisinopril 10 mg once "
    "a day and has no complaints. "
)
DENSE = "Maria Alvarez (MRN B7303613, born 12/19/1950) called from 401-555-0133. "
MESSAGE = "\r".join(
    [
        r"MSH|^~\&|LAB|GENERAL HOSPITAL|EHR|CLINIC|20261120101500||ORU^R01|MSG00001|P|2.5.1",
        "PID|1||B7303613^^^GH^MR||QUARKSTONE^ZEBULON^Q||19810309|M|||9 ELM ROW^^TIVERTON^RI^02878",
        *(f"OBX|{n}|NM|2345-7^GLUCOSE^LN||{100 + n}|mg/dL|70-105|H|||F" for n in range(40)),
        "NTE|1||Zebulon Quarkstone called from 401-555-0133",
        "",
    ]
)


def policy(rules: int = 0) -> Policy:
    """The starter without what is opaque; with `rules` more that match nothing here."""
    document = json.loads(STARTER.read_text())
    document["defaults"]["opaque"] = "drop"
    document["rules"] += [
        {
            "id": f"more-{n}",
            "priority": n,
            "effect": "transform",
            "when": {
                "all": [
                    {"fact": "kind", "in": ["NAME", "DATE", "MRN"]},
                    {"fact": "vendor", "equals": f"vendor-{n}"},
                    {"fact": "path", "equals": f"/messages/*/content-{n}"},
                ]
            },
            "then": {"action": "mask"},
        }
        for n in range(rules)
    ]
    return Policy.parse(document)


def applied(engine: Engine, body: bytes, media: str, shape: str | None) -> Outcome:
    return engine.apply(body, media_type=media, shape=shape, facts=Facts(), session=Session())


def least(rounds: int, body: bytes, media: str, shape: str | None) -> tuple[float, Outcome]:
    """Milliseconds of CPU, and the last outcome. A new engine each time remembers nothing."""
    of = policy()
    times = []
    for _ in range(rounds):
        engine = Engine(of, detector_for(of), limits=PATIENT)
        engine.warm()
        started = time.process_time()
        outcome = applied(engine, body, media, shape)
        times.append(1000 * (time.process_time() - started))
    return min(times), outcome


def files(*parts: str) -> list[Path]:
    for folder in SHARED:
        found = sorted(folder.joinpath("data", "phi", parts[0]).glob(parts[1]))
        if found:
            return found
    return []


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value
        if len(value) % 4 == 0 and re.fullmatch(r"[A-Za-z0-9+/]{16,}={0,2}", value):
            yield base64.b64decode(value).decode("utf-8", "replace")


def patient(bundle: Any) -> set[str]:
    """What a bundle says of its patient."""
    resources = [entry["resource"] for entry in bundle["entry"]]
    (found,) = (each for each in resources if each["resourceType"] == "Patient")
    values = {found["id"], found["birthDate"]}
    for name in found["name"]:
        values |= {name["family"], *name["given"]}
    values |= {each["value"] for each in found["identifier"] + found["telecom"]}
    for address in found["address"]:
        values |= {*address["line"], address["city"]}
    return {value.casefold() for value in values}


def left_in_bundle(body: bytes, outcome: Outcome) -> int:
    text = TOKEN.sub("", "\n".join(strings(json.loads(outcome.body or b"{}")))).casefold()
    return sum(value in text for value in patient(json.loads(body)))


def left_in_document(body: bytes, outcome: Outcome) -> int:
    """Of what stands in names, streets and cities of the record's target."""
    target = body.decode().partition("<recordTarget")[2].partition("</recordTarget>")[0]
    named = r"<(?:given|family|streetAddressLine|city|postalCode)[^>]*>([^<]+)<"
    values = {value.strip() for value in re.findall(named, target)}
    text = TOKEN.sub("", (outcome.body or b"").decode())
    return sum(bool(re.search(rf"(?i)\b{re.escape(v)}\b", text)) for v in values if len(v) > 2)


def forms(
    *, quick: bool
) -> Iterator[tuple[str, list[bytes], str, Callable[[bytes, Outcome], int]]]:
    most = 1 if quick else 9
    bundles = [path.read_bytes() for path in files("fhir-r4", "*.json")[:most]]
    yield "fhir", bundles, "application/fhir+json", left_in_bundle
    documents = [path.read_bytes() for path in files("ccda", "*.xml")[:most]]
    yield "ccda", documents, "application/xml", left_in_document
    yield (
        "hl7",
        [MESSAGE.encode()],
        "application/hl7-v2",
        lambda body, outcome: sum(
            each in (outcome.body or b"") for each in (b"QUARKSTONE", b"B7303613", b"0133")
        ),
    )


def chats(rounds: int) -> Iterator[tuple[str, float]]:
    """ms a KB of chats whose text holds little, and much."""
    for name, text, kilobytes in (
        ("chat_1kb", SENTENCE * 7 + DENSE, 1),
        ("chat_20kb", (SENTENCE * 7 + DENSE) * 20, 20),
        ("chat_dense_10kb", (SENTENCE + DENSE) * 50, 10),
    ):
        content = text[: kilobytes * 1024]
        body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
        took, _ = least(rounds, body, "application/json", "openai.chat")
        yield f"{name}_ms_per_kb", took / (len(body) / 1024)


def decision(rounds: int) -> float:
    """Milliseconds of one decision of 200 rules that nothing remembers."""
    of = policy(200)
    facts = Facts(vendor="example", model="m")
    of.action(facts, "NAME", "/messages/0/content", 0.9, 3)
    times = []
    for number in range(rounds * 50):
        started = time.process_time_ns()
        of.action(facts, "NAME", f"/messages/{number}/content", 0.9, 3)
        times.append(time.process_time_ns() - started)
    return sorted(times)[len(times) // 2] / 1e6


def measured(*, quick: bool) -> dict[str, float]:
    rounds = 2 if quick else 5
    figures: dict[str, float] = {"survivors": 0}
    for name, bodies, media, left in forms(quick=quick):
        if not bodies:
            print(f"{name}: ../shared/data/phi is not here")
            continue
        spent = size = 0.0
        for body in bodies:
            took, outcome = least(rounds, body, media, None)
            spent, size = spent + took, size + len(body) / 1024
            figures["survivors"] += left(body, outcome) if outcome.ok else 1000
        figures[f"{name}_ms_per_kb"] = spent / size
    figures |= dict(chats(rounds))
    figures["decision_ms"] = decision(rounds)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = {name: round(value, 3) for name, value in measured(quick=chosen.quick).items()}
    kept = {name: figures[name] <= most for name, most in LIMITS.items() if name in figures}
    for name, value in sorted(figures.items()):
        limit = f" (at most {LIMITS[name]:g})" if name in LIMITS else ""
        print(f"{name}: {value:g}{limit}")
    if chosen.json:
        print(json.dumps({**figures, "kept": kept}))
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
