"""The list of vendors as a PDF."""

import datetime as dt
import io

import pikepdf
import pytest
from django.test import Client

from policies.tests import make
from vendors.tests import make as register

pytestmark = pytest.mark.django_db
NAVY = (0.059, 0.106, 0.176)


@pytest.fixture
def client():
    client = Client()
    client.force_login(make.person("viewer"))
    return client


def test_the_pdf_is_rendered_and_named_for_the_day(client):
    register.vendor("Larkspur")
    answer = client.get("/figures/vendors.pdf?cols=name.phi")
    assert answer["Content-Type"] == "application/pdf"
    assert 'filename="vendors-' in answer["Content-Disposition"]
    with pikepdf.open(io.BytesIO(b"".join(answer))) as pdf:
        assert len(pdf.pages) == 1
        assert "Vendors" in str(pdf.docinfo["/Title"])
        # The dark ground is that of a pack's cover: here its text could not be read.
        assert NAVY not in {
            tuple(round(float(each), 3) for each in operands)
            for operands, operator in pikepdf.parse_content_stream(pdf.pages[0])
            if str(operator) in ("rg", "scn")
        }


def test_it_holds_what_the_list_shows_under_its_filters(client, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "evidence.views.registers.render_pdf", lambda html, *rest: seen.append(html)
    )
    register.vendor("Larkspur", criticality="critical")
    register.vendor("Quillwork <b>", criticality="low")
    client.get("/figures/vendors.pdf?cols=name.criticality&criticality=low").close()
    assert "Larkspur" not in seen[0]
    assert "Quillwork &lt;b&gt;" in seen[0]
    assert '<th scope="col">Criticality</th>' in seen[0]
    assert '<th scope="col">Owner</th>' not in seen[0]


def test_days_and_numbers_of_one_cell_say_what_they_are(client, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "evidence.views.registers.render_pdf", lambda html, *rest: seen.append(html)
    )
    day = dt.date(2027, 3, 9)
    register.vendor("Larkspur", last_reviewed_on=dt.date(2026, 3, 9), next_review_on=day)
    client.get("/figures/vendors.pdf?cols=name.review.owner").close()
    assert "<td>Last review: 9 Mar 2026, Next review: 9 Mar 2027</td>" in seen[0]


def test_strangers_get_none():
    assert Client().get("/figures/vendors.pdf").status_code == 302
