"""Numbers of other people's objects, put into an address or a form, open nothing."""

import datetime as dt

import pytest
from django.urls import reverse

from evidence.models import EvidencePack
from policies.models import IntegrationDraft, IntegrationKey
from policies.tests import make
from vendors.models import Agreement, AssuranceReport
from vendors.tests import make as register


@pytest.fixture
def mine(db, client):
    """An active integration whose owner is signed in."""
    integration = make.active_integration()
    client.force_login(integration.owner)
    return integration


@pytest.fixture
def officer(db, client):
    person = make.person("officer")
    client.force_login(person)
    return person


@pytest.mark.parametrize("action", ["key-rotate", "key-revoke"])
def test_the_key_of_another_integration_behind_ones_own_address(mine, client, action):
    theirs, _ = make.key(make.active_integration())
    url = reverse(f"policies:{action}", args=[mine.slug, theirs.pk])
    assert client.post(url, {"grace_hours": 0, "confirm": "on"}).status_code == 404
    assert IntegrationKey.objects.get() == theirs
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_an_agreement_that_names_the_service_of_another_vendor(officer, client):
    vendor = register.vendor()
    theirs = register.service()
    answer = client.post(
        reverse("vendors:agreement-create", args=[vendor.slug]),
        {
            "vendor": theirs.vendor.pk,
            "kind": "baa",
            "reference": "BAA-1",
            "our_role": "covered_entity",
            "counterparty": "Somebody",
            "starts_on": "2026-01-01",
            "notice_days": "0",
            "covers": [theirs.pk],
            "parts-TOTAL_FORMS": "0",
            "parts-INITIAL_FORMS": "0",
        },
    )
    assert answer.status_code == 200
    assert not Agreement.objects.exists()


def test_a_report_that_speaks_of_the_service_of_another_vendor(officer, client):
    vendor = register.vendor()
    register.service(vendor)
    theirs = register.service()
    client.post(
        reverse("vendors:report-create", args=[vendor.slug]),
        {
            "vendor": theirs.vendor.pk,
            "kind": "soc2_type2",
            "period_start": "2025-01-01",
            "period_end": "2025-12-31",
            "auditor": "Somebody",
            "opinion": "unqualified",
            "exception_count": "0",
            f"scope_{theirs.pk}": "yes",
        },
    )
    assert not AssuranceReport.objects.filter(scopes__service=theirs).exists()
    assert not AssuranceReport.objects.filter(vendor=theirs.vendor).exists()


def test_a_pack_of_one_vendor_with_the_integration_of_another(officer, client):
    vendor, theirs = register.vendor(), make.active_integration()
    day = make.TODAY - dt.timedelta(days=1)
    answer = client.post(
        reverse("evidence:pack-create"),
        {
            "title": "Quarter",
            "period_start": day,
            "period_end": day,
            "vendors": [vendor.pk],
            "integrations": [theirs.pk],
            "datasets": ["vendors"],
        },
    )
    assert answer.status_code in (200, 400)
    assert not EvidencePack.objects.exists()


def test_a_draft_of_somebody_else_does_not_exist(mine, client):
    draft = IntegrationDraft.objects.create(author=make.person("engineer"), answers={})
    for name, args in [("draft-step", [draft.pk, 1]), ("draft-discard", [draft.pk])]:
        assert client.post(reverse(f"policies:{name}", args=args)).status_code == 404
    draft.refresh_from_db()


def test_the_calls_of_another_engineer_are_not_there(mine, client):
    theirs = make.active_integration()
    url = reverse("audits:integration-calls", args=[theirs.slug])
    assert client.get(url).status_code == 403
    answer = client.get("/api/v1/calls", {"integration": theirs.slug})
    assert answer.json() == {"calls": []}


def test_roles_cannot_be_raised_by_a_form_that_does_not_ask(mine, client):
    """An engineer posts an administrator's form about themselves."""
    url = reverse("portal:user-edit", args=[mine.owner.pk])
    form = {"full_name": "Me", "roles": ["Administrator"], "is_active": "on"}
    assert client.post(url, form).status_code == 403
    assert [g.name for g in mine.owner.groups.all()] == ["Engineer"]
