"""CSV, posted forms, uploads, JSON lines, events, XML and plain text."""

import json

from countersign.masking.tests.applying import apply, engine, policy
from countersign.masking.tokens import TOKEN

SSN = "123-45-6789"


def out(body, media, **means):
    outcome = apply(body, media=media, **means)
    assert outcome.refusal is None
    return outcome.body.decode()


def test_a_table_is_read_by_its_headings():
    table = (
        'id,Last Name,DOB,"Note, long"\r\n1,Quarkstone,1981-03-09,"said ""Quarkstone"" twice"\r\n'
    )
    shown = out(table, "text/csv")
    assert TOKEN.sub("*", shown) == 'id,Last Name,DOB,"Note, long"\r\n1,*,*,"said ""*"" twice"\r\n'


def test_a_table_without_a_value_goes_as_it_came():
    table = "a;b\n'x';  \"y\"\n"
    assert out(table, "text/csv") == table


def test_a_form_is_written_as_forms_are():
    shown = out(
        f"first_name=Zebulon&n=1&text=a+b%20{SSN}&last_name=Quark%C3%A9",
        "application/x-www-form-urlencoded",
    )
    assert "45-6789" not in shown
    assert "Zebulon" not in shown
    assert shown.startswith("first_name=%5B%5BNAME_")
    assert "&n=1&text=a+b+" in shown


def upload(*parts):
    pieces = []
    for headers, content in parts:
        pieces.append(b"--XX\r\n" + headers.encode() + b"\r\n\r\n" + content + b"\r\n")
    return b"".join(pieces) + b"--XX--\r\n"


MULTIPART = 'multipart/form-data; boundary="XX"'


def test_the_parts_of_an_upload_are_read_by_what_they_are():
    line = json.dumps(
        {"custom_id": "1", "body": {"messages": [{"role": "user", "content": f"SSN {SSN}"}]}}
    )
    body = upload(
        ('Content-Disposition: form-data; name="purpose"', b"batch"),
        (
            f'Content-Disposition: form-data; name="file"; filename="SSN {SSN}.jsonl"',
            f"{line}\n{line}\n".encode(),
        ),
    )
    outcome = apply(body, media=MULTIPART, shape="openai.files")
    assert outcome.refusal is None
    assert b"45-6789" not in outcome.body
    assert outcome.counts == {"SSN": 3}
    assert outcome.body.count(b"--XX") == 3
    assert b'name="purpose"\r\n\r\nbatch\r\n' in outcome.body
    for piece in outcome.body.split(b"\r\n\r\n")[2].split(b"\n")[:2]:
        assert json.loads(piece)["custom_id"] == "1"


def test_an_upload_without_a_value_goes_byte_for_byte():
    body = upload(('Content-Disposition: form-data; name="a"', b"plain words"))
    assert out(body, MULTIPART) == body.decode()


def test_a_picture_that_is_uploaded_is_opaque():
    body = upload(
        ('Content-Disposition: form-data; name="image"; filename="x.png"', b"\x89PNG\r\n\x1a\n\0\0")
    )
    outcome = apply(body, media=MULTIPART, by=engine(policy("drop")))
    assert outcome.refusal.reason == "opaque-content"


def test_json_lines_stay_lines():
    body = f'{{"a":"SSN {SSN}"}}\n\n{{"a":2}}\n'
    lines = out(body, "application/x-ndjson").split("\n")
    assert [bool(line) for line in lines] == [True, False, True, False]
    assert json.loads(lines[0]).keys() == {"a"}
    assert "45-6789" not in lines[0]


def test_events_of_a_stream_keep_their_form():
    body = (
        f'event: x\ndata: {{"choices":[{{"delta":{{"content":"SSN {SSN}"}}}}]}}\n\ndata: [DONE]\n\n'
    )
    shown = out(body, "text/event-stream", shape="openai.chat")
    assert "45-6789" not in shown
    assert shown.startswith('event: x\ndata: {"choices":[{"delta":{"content":"SSN [[SSN_')
    assert shown.endswith("}\n\ndata: [DONE]\n\n")


def test_xml_of_any_kind_stays_as_it_was_around_what_is_masked():
    body = (
        '<?xml version="1.0"?>\n<a xmlns="urn:x"><!-- SSN 123-45-6789 -->\n'
        '<patient ssn="123-45-6789" ok="1"><lastName>O&apos;Quark</lastName>'
        "<![CDATA[O'Quark <b> 5 > 3]]></patient>\n</a>\n"
    )
    shown = out(body, "application/xml")
    assert TOKEN.sub("*", shown) == (
        '<?xml version="1.0"?>\n<a xmlns="urn:x"><!-- SSN * -->\n'
        '<patient ssn="*" ok="1"><lastName>*</lastName>'
        "<![CDATA[* <b> 5 > 3]]></patient>\n</a>\n"
    )


def test_a_body_without_a_media_type_is_told_by_its_beginning():
    assert json.loads(out(f' {{"ssn": "{SSN}"}}', ""))["ssn"].startswith("[[SSN_")
    assert out(f"<a><ssn>{SSN}</ssn></a>", "").startswith("<a><ssn>[[SSN_")
    assert out(f"SSN {SSN} it is", "").startswith("SSN [[SSN_")
