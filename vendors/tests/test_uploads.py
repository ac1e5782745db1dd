import hashlib
import io

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from vendors.uploads import UploadRefused, inspect_pdf

MEGABYTE = 1024**2


def pdf(change=None, **options) -> bytes:
    """A PDF of one page, changed by `change(document)`."""
    document = pikepdf.new()
    document.add_blank_page()
    if change:
        change(document)
    buffer = io.BytesIO()
    document.save(buffer, **options)
    return buffer.getvalue()


def script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def on_open(document):
    document.Root.OpenAction = script()


def nested_in_a_link(document):
    """Behind a harmless action, in an annotation, in an array: three levels down."""
    link = Dictionary(
        Type=Name.Annot,
        Subtype=Name.Link,
        Rect=[0, 0, 9, 9],
        A=Dictionary(S=Name.URI, URI=String("https://vendor.example"), Next=Array([script()])),
    )
    document.pages[0].Annots = document.make_indirect(Array([document.make_indirect(link)]))


def in_the_name_tree(document):
    names = Array([String("x"), document.make_indirect(script())])
    document.Root.Names = Dictionary(JavaScript=Dictionary(Names=names))


def launch(document):
    document.pages[0].AA = Dictionary(O=Dictionary(S=Name.Launch, F=String("cmd.exe")))


def attachment(document):
    document.attachments["payload.exe"] = b"MZ"


def form_of_xfa(document):
    document.Root.AcroForm = Dictionary(Fields=Array([]), XFA=Array([]))


def submits(document):
    document.pages[0].AA = Dictionary(O=Dictionary(S=Name.SubmitForm, F=String("https://x")))


@pytest.mark.parametrize(
    "change",
    [on_open, nested_in_a_link, in_the_name_tree, launch, attachment, form_of_xfa, submits],
)
def test_a_pdf_that_acts_is_refused(change):
    with pytest.raises(UploadRefused, match="carries a program") as refused:
        inspect_pdf(pdf(change), max_bytes=MEGABYTE)
    assert "alert" not in str(refused.value)


def test_a_script_in_a_compressed_object_stream_is_found():
    content = pdf(in_the_name_tree, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"JavaScript" not in content
    with pytest.raises(UploadRefused, match="carries a program"):
        inspect_pdf(content, max_bytes=MEGABYTE)


def test_a_pdf_that_only_shows_pages_is_let_in():
    def opens_at_its_page(document):
        document.add_blank_page()
        document.Root.OpenAction = Array([document.pages[0].obj, Name.Fit])

    content = pdf(opens_at_its_page)
    inspected = inspect_pdf(content, max_bytes=MEGABYTE)
    assert inspected.page_count == 2
    assert inspected.sha256 == hashlib.sha256(content).hexdigest()
    assert inspected.size_bytes == len(content)


@pytest.mark.parametrize("user", ["", "secret"])
def test_an_encrypted_pdf_is_refused_with_or_without_a_password(user):
    content = pdf(encryption=pikepdf.Encryption(owner="owner", user=user))
    with pytest.raises(UploadRefused, match="encrypted"):
        inspect_pdf(content, max_bytes=MEGABYTE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 Jane Doe, HIV positive", "not a PDF"),
        (b"<html>%PDF-1.7", "not a PDF"),
        (b"", "not a PDF"),
        (b"%PDF-1.7\nJane Doe, HIV positive", "cannot be read"),
        (pdf()[:120], "cannot be read"),
    ],
)
def test_what_is_no_pdf_is_refused_without_quoting_it(content, message):
    with pytest.raises(UploadRefused, match=message) as refused:
        inspect_pdf(content, max_bytes=MEGABYTE)
    assert "Jane" not in repr(refused.value)


def test_a_file_over_the_limit_is_refused_before_it_is_read():
    with pytest.raises(UploadRefused, match="larger"):
        inspect_pdf(b"%PDF-" + b"0" * 100, max_bytes=100)


def test_a_pdf_without_pages_is_refused():
    with pytest.raises(UploadRefused, match="no page"):
        inspect_pdf(pdf(lambda document: document.pages.__delitem__(0)), max_bytes=MEGABYTE)


def test_objects_that_refer_to_each_other_end():
    def circle(document):
        first = document.make_indirect(Dictionary())
        first.Next = document.make_indirect(Dictionary(Next=first))
        document.Root.Loop = first

    assert inspect_pdf(pdf(circle), max_bytes=MEGABYTE).page_count == 1
