import pytest
from django.core.files.base import ContentFile

from vendors.models import Document
from vendors.services.documents import store_document, storing
from vendors.tests.make import person
from vendors.tests.test_uploads import on_open, pdf
from vendors.uploads import UploadRefused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(folder) -> list:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_paper_is_kept_as_it_came_and_named_by_its_content(folder):
    content, officer = pdf(), person()
    document = store_document(
        ContentFile(content, name="C:\\papers\\BAA\u202e 2026.PDF"), by=officer
    )
    assert document.file.read() == content
    document.file.close()
    assert document.name == "BAA 2026.pdf"
    assert document.sha256 in files(folder)[0].name
    assert (document.size_bytes, document.page_count) == (len(content), 1)
    assert document.uploaded_by == officer


def test_a_refused_paper_leaves_no_row_and_no_file(folder):
    with pytest.raises(UploadRefused):
        store_document(ContentFile(pdf(on_open), name="x.pdf"), by=None)
    assert not Document.objects.exists()
    assert files(folder) == []


def test_a_paper_too_large_is_refused(settings):
    settings.UPLOAD_MAX_BYTES = 100
    with pytest.raises(UploadRefused, match="larger"):
        store_document(ContentFile(pdf(), name="x.pdf"), by=None)


def test_what_fails_after_the_upload_takes_the_paper_with_it(folder):
    with (
        pytest.raises(ZeroDivisionError),
        storing(ContentFile(pdf(), name="x.pdf"), by=None) as document,
    ):
        assert document.pk / 0
    assert not Document.objects.exists()
    assert files(folder) == []


def test_without_an_upload_there_is_no_paper():
    with storing(None, by=None) as document:
        assert document is None
