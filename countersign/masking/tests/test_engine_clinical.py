"""FHIR, C-CDA and HL7 v2: no value of the patient survives, in whatever it is encoded."""

import base64
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from countersign.masking.tests.applying import PATIENT, apply, engine, policy, sent
from countersign.masking.tokens import TOKEN, Session
from countersign.tests.shared_data import shared

BY = engine(policy("drop"), limits=PATIENT)
HL7 = "{urn:hl7-org:v3}"
FHIR_FILES = ["Carolee951", "Luisa710", "Lynwood354", "Todd315"]
CCDA_FILES = [
    "CCD_CCD_2__CCD",
    "Care_Plan__Care_Plan",
    "Operative_Note__Operative_Note",
    "Progress_Note__Progress_Note",
]


def patient_of(bundle):
    """What identifies the patient of a bundle, as the bundle itself says it."""
    (patient,) = (
        e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"
    )
    values = {patient["id"], patient["birthDate"]}
    for name in patient["name"]:
        values |= {name["family"], *name["given"]}
    values |= {each["value"] for each in patient["identifier"] + patient["telecom"]}
    for address in patient["address"]:
        values |= {*address["line"], address["city"], address.get("postalCode", "")}
    return {value for value in values if value}


def read(body):
    return ElementTree.fromstring(body)  # noqa: S314  # a file of HL7's, and what we made of it


def texts(value):
    """Every string in a value, decoded where it is base64."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value
        if len(value) % 4 == 0 and re.fullmatch(r"[A-Za-z0-9+/]{16,}={0,2}", value):
            yield base64.b64decode(value).decode("utf-8", "replace")


@pytest.mark.parametrize("name", FHIR_FILES)
def test_no_value_of_the_patient_survives_in_a_fhir_bundle(name):
    (path,) = shared("phi", "fhir-r4").glob(f"{name}_*.json")
    body = path.read_bytes()
    outcome = apply(body, by=BY, media="application/fhir+json")
    assert outcome.refusal is None
    was, now = json.loads(body), json.loads(outcome.body)
    left = "\n".join(texts(now)).casefold()
    assert [value for value in patient_of(was) if value.casefold() in left] == []
    assert [len(each["resource"]) for each in now["entry"]] == [
        len(each["resource"]) for each in was["entry"]
    ]
    kept = [each["resource"].get("code") for each in was["entry"]]
    assert [each["resource"].get("code") for each in now["entry"]] == kept


@pytest.mark.parametrize("wrapped", ["string", "prose", "base64", "tool", "list"])
def test_a_resource_inside_a_message_is_read_as_one(wrapped):
    patient = {
        "resourceType": "Patient",
        "id": "p-77812",
        "name": [{"family": "Quarkstone", "given": ["Zebulon"]}],
        "birthDate": "1981-03-09",
        "identifier": [{"system": "urn:oid:1.2.3", "value": "QX-4471-B"}],
        "address": [
            {"line": ["9 Elm Row"], "city": "Tiverton", "state": "RI", "postalCode": "02878"}
        ],
    }
    text = json.dumps(patient)
    content = {
        "string": text,
        "prose": f"Summarise this chart:\n{text}\nKeep it short. Z. Quarkstone waits.",
        "base64": base64.b64encode(text.encode()).decode(),
        "tool": json.dumps({"result": patient}),
        "list": json.dumps([patient, "9 Elm Row, Tiverton"]),
    }[wrapped]
    out = sent({"messages": [{"role": "tool", "content": content}]}, by=BY, shape="openai.chat")
    shown = out["messages"][0]["content"]
    if wrapped == "base64":
        shown = base64.b64decode(shown).decode()
    low = TOKEN.sub("", shown).lower()
    for value in (
        "quarkstone",
        "zebulon",
        "1981",
        "qx-4471-b",
        "elm row",
        "tiverton",
        "02878",
        "77812",
    ):
        assert value not in low
    assert '"RI"' in shown
    assert "Patient" in shown


@pytest.mark.parametrize("name", CCDA_FILES)
def test_no_value_of_the_patient_survives_in_a_clinical_document(name):
    body = shared("phi", "ccda", f"Documents_{name}.xml").read_bytes()
    values = set()
    for element in read(body).find(f"{HL7}recordTarget/{HL7}patientRole").iter():
        tag = element.tag.replace(HL7, "")
        if tag in ("given", "family", "streetAddressLine", "city", "postalCode"):
            values.add((element.text or "").strip())
        elif tag in ("telecom", "birthTime"):
            values.add(element.get("value", ""))
        elif tag == "id":
            values.add(element.get("extension", ""))
    outcome = apply(body, by=BY, media="application/xml")
    assert outcome.refusal is None
    left = TOKEN.sub("", outcome.body.decode())
    assert [v for v in values if v and re.search(rf"(?i)\b{re.escape(v)}\b", left)] == []
    was, now = read(body), read(outcome.body)
    assert [element.tag for element in now.iter()] == [element.tag for element in was.iter()]


PERSON = (
    "PID|1||B7303613^^^GH^MR||QUARKSTONE^ZEBULON^Q||19810309|M||"
    "|9 ELM ROW^^TIVERTON^RI^02878||(401)555-0133"
)
MESSAGE = "\r".join(
    [
        r"MSH|^~\&|LAB|GENERAL HOSPITAL|EHR|CLINIC|20261120101500||ORU^R01|MSG00001|P|2.5.1",
        PERSON,
        "NK1|1|QUARKSTONE^ADA|SPO|||(401)555-0178",
        "PV1|1|O|||||1234567890^HOUSE^GREGORY|||||||||||V88213",
        "OBR|1|ORD4471|FIL9921|2345-7^GLUCOSE^LN|||20261120093000",
        r"OBX|1|NM|2345-7^GLUCOSE^LN||182|mg/dL|70-105|H|||F",
        r"NTE|1||Zebulon Quarkstone \T\ wife called from 401-555-0133.\.br\MRN B7303613",
        "",
    ]
)


@pytest.mark.parametrize("wrapped", [False, True])
def test_no_value_of_the_patient_survives_in_an_hl7_message(wrapped):
    if wrapped:
        body = {"messages": [{"role": "user", "content": f"Explain:\n{MESSAGE}"}]}
        out = sent(body, by=BY, shape="openai.chat")["messages"][0]["content"]
        assert out.startswith("Explain:\nMSH|^~\\&|LAB|")
    else:
        outcome = apply(MESSAGE, by=BY, media="application/hl7-v2")
        assert outcome.refusal is None
        out = outcome.body.decode()
        assert [line[:4] for line in out.split("\r")] == [line[:4] for line in MESSAGE.split("\r")]
    left = TOKEN.sub("", out)
    for value in (
        "QUARKSTONE",
        "ZEBULON",
        "ADA",
        "19810309",
        "ELM",
        "TIVERTON",
        "02878",
        "0133",
        "0178",
        "B7303613",
        "HOUSE",
        "V88213",
        "4471",
        "9921",
        "20261120",
    ):
        assert value not in left.upper()
    assert "|NM|2345-7^GLUCOSE^LN||182|mg/dL|70-105|H|||F" in left
    assert r"\T\ " in left


def test_a_token_is_the_same_wherever_the_value_stands():
    session = Session()
    out = apply(MESSAGE, by=BY, media="application/hl7-v2", session=session).body.decode()
    assert len(set(re.findall(r"\[\[MRN_\d+\]\]", out))) == 1
    assert "QUARKSTONE" in session.reveal(out).text
