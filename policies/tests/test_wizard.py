"""The engineer's form in steps, as a browser without JavaScript sees it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from policies.models import Integration, IntegrationDraft
from policies.services import lifecycle
from policies.services.deciding import evaluate
from policies.tests import make
from policies.tests.make import NOON
from vendors.models import Document
from vendors.tests import make as register
from vendors.tests.make import TODAY

CREATE = reverse("policies:integration-create")
WHAT = {
    "name": "Intake summariser",
    "purpose": "treatment",
    "description": "Summarises intake notes.",
    "environment": "production",
}
DATA = {"data_classes": ["phi"], "deidentification": "none"}
CONTROLS = {"audit_mode": "strict"}


def step(draft, number):
    return reverse("policies:draft-step", args=[draft.pk, number])


@pytest.fixture
def service(db):
    make.data_class()
    return make.good_service()


@pytest.fixture
def engineer(client, service):
    person = make.person("engineer")
    client.force_login(person)
    return person


def answered(client, service, **changed):
    """A draft with every step answered, and its service's step as `changed`."""
    client.post(CREATE, WHAT)
    draft = IntegrationDraft.objects.get(integration=None)
    client.post(step(draft, 2), DATA)
    place = {"service": service.slug, "model_patterns": "gpt-5", "region": "us-east-1", **changed}
    client.post(step(draft, 3), place)
    client.post(step(draft, 4), CONTROLS)
    draft.refresh_from_db()
    return draft


def test_the_draft_is_kept_from_the_first_step_and_taken_up_another_day(client, engineer):
    answer = client.post(CREATE, WHAT)
    draft = IntegrationDraft.objects.get()
    assert answer.url == step(draft, 2)
    assert not Integration.objects.exists()
    assert "Intake summariser" in client.get(reverse("policies:draft-list")).text
    assert "Summarises intake notes." in client.get(step(draft, 1)).text
    assert client.get(step(draft, 5)).url == step(draft, 2)


def test_five_steps_and_it_is_submitted(client, engineer, service):
    draft = answered(client, service)
    review = client.get(step(draft, 5)).text
    assert "Would be ALLOWED once approved" in review
    assert "Not approved yet" in review
    assert service.vendor.agreements.get().reference in review
    answer = client.post(step(draft, 5), {"action": "submit"})
    integration = Integration.objects.get()
    assert answer.url == reverse("policies:integration-detail", args=[integration.slug])
    assert (integration.state, integration.owner) == ("submitted", engineer)
    assert integration.slug == "intake-summariser"
    assert not IntegrationDraft.objects.exists()
    lifecycle.approve(integration, by=make.person("officer"), at=NOON)
    assert evaluate(integration, TODAY).reasons == ("integration-not-active",)


def test_it_says_why_it_would_be_denied_before_it_is_handed_in(client, engineer):
    bare = register.service(facts=False)
    draft = answered(client, bare)
    for number in (4, 5):
        text = client.get(step(draft, number)).text
        assert "Would be DENIED even when approved, because" in text
        for title in ("No BAA", "No SOC 2 report", "Training not excluded"):
            assert title in text
    client.post(step(draft, 5), {"action": "save"})
    assert Integration.objects.get().state == "draft"


def test_the_verdict_is_shown_on_demand_without_going_on(client, engineer, service):
    client.post(CREATE, WHAT)
    draft = IntegrationDraft.objects.get()
    client.post(step(draft, 2), DATA)
    place = {"service": service.slug, "model_patterns": "gpt-5", "region": "us-east-1"}
    answer = client.post(step(draft, 3), {**place, "check": "1"})
    assert answer.status_code == 200
    assert "Would be ALLOWED once approved" in answer.text


def test_account_endpoint_features_and_settings_reach_the_gate(client, engineer, service):
    agreement = service.vendor.agreements.get()
    narrow = {"features": ["files"], "settings_required": ["zero-retention"], "account": "org-1"}
    service.endpoint_hosts = ["api.openai.com", "eu.api.openai.com"]
    service.save()
    agreement.superseded_on = TODAY
    agreement.save()
    newer = register.baa(service.vendor, services=[], starts_on=TODAY)
    register.scope(newer, service, endpoint="eu.api.openai.com", **narrow)
    draft = answered(client, service)
    assert "baa-scope" in client.get(step(draft, 5)).text
    extra = {
        "account": "org-1",
        "endpoint": "eu.api.openai.com",
        "features": "files",
        "settings_made": "zero-retention, no-logging",
    }
    place = {"service": service.slug, "model_patterns": "gpt-5", "region": "us-east-1", **extra}
    client.post(step(draft, 3), place)
    text = client.get(step(draft, 5)).text
    assert "Would be ALLOWED once approved" in text
    assert "no-logging, zero-retention" in text
    client.post(step(draft, 5), {"action": "submit"})
    made = Integration.objects.get()
    assert (made.account, made.endpoint) == ("org-1", "eu.api.openai.com")
    assert (made.features, made.settings_made) == (["files"], ["zero-retention", "no-logging"])
    edit = client.get(reverse("policies:integration-edit", args=[made.slug]))
    assert edit.status_code == 200


BAD = {
    1: [
        ({"name": ""}, "required"),
        ({"purpose": "Mr Smith"}, "lower case"),
        ({"environment": "Smith"}, "valid choice"),
    ],
    2: [
        ({"data_classes": []}, "at least one"),
        ({"data_classes": ["smith"]}, "from the list"),
        ({"deidentification": "expert"}, "Attach the document"),
        ({"deidentification": "safe_harbor"}, "Attach the document"),
    ],
    3: [
        ({"service": "smith"}, "from the list"),
        ({"model_patterns": "claude-3"}, "Not all are listed"),
        ({"model_patterns": "gpt 'smith'"}, "model name"),
        ({"model_patterns": "\n".join(f"gpt-{n}" for n in range(11))}, "at most ten"),
        ({"region": "mars-1"}, "not offered there"),
        ({"endpoint": "elsewhere.example.com"}, "not called there"),
        ({"endpoint": "*.openai.com"}, "one host"),
        ({"features": "Web Search"}, "lower case"),
        ({"settings_made": " ".join(f"s{n}" for n in range(21))}, "at most twenty"),
    ],
    4: [({"audit_mode": "observe"}, "With PHI"), ({"audit_mode": ""}, "required")],
}


@pytest.mark.parametrize(
    ("number", "changed", "says"),
    [(number, *case) for number, cases in BAD.items() for case in cases],
)
def test_a_bad_answer_is_told_and_not_kept(client, engineer, service, number, changed, says):
    draft = answered(client, service)
    good = {
        1: WHAT,
        2: DATA,
        3: {"service": service.slug, "model_patterns": "gpt-5", "region": "us-east-1"},
        4: CONTROLS,
    }[number]
    before = draft.answers
    answer = client.post(step(draft, number), {**good, **changed})
    assert answer.status_code == 200
    assert says in answer.text
    draft.refresh_from_db()
    assert draft.answers == before


def test_an_answer_that_stops_fitting_is_named_at_the_review(client, engineer, service):
    draft = answered(client, service)
    service.regions.all().delete()
    text = client.get(step(draft, 5)).text
    assert "Step 3: Service" in text
    assert client.post(step(draft, 5), {"action": "submit"}).status_code == 200
    assert not Integration.objects.exists()


def test_a_draft_of_somebody_else_is_not_found(client, engineer, service):
    draft = answered(client, service)
    client.force_login(make.person("engineer"))
    for number in range(1, 6):
        assert client.get(step(draft, number)).status_code == 404
        assert client.post(step(draft, number), WHAT).status_code == 404
    discard = reverse("policies:draft-discard", args=[draft.pk])
    assert client.post(discard).status_code == 404
    assert IntegrationDraft.objects.filter(pk=draft.pk).exists()


def test_a_document_number_slipped_into_the_form_attaches_nothing(client, engineer, service):
    foreign = Document.objects.create(
        name="d.pdf", sha256="0" * 64, size_bytes=1, uploaded_by=make.person("engineer")
    )
    draft = answered(client, service)
    slipped = {**DATA, "deidentification": "safe_harbor", "deidentification_document": foreign.pk}
    assert "Attach the document" in client.post(step(draft, 2), slipped).text
    draft.refresh_from_db()
    assert draft.answers["deidentification_document"] is None


def test_a_file_that_is_no_pdf_is_refused_with_a_sentence(client, engineer, service):
    draft = answered(client, service)
    file = SimpleUploadedFile("d.pdf", b"Mr Smith", content_type="application/pdf")
    answer = client.post(
        step(draft, 2), {**DATA, "deidentification": "safe_harbor", "document": file}
    )
    assert answer.status_code == 200
    assert "Smith" not in answer.text
    assert not Document.objects.exists()


def test_a_change_takes_hold_at_its_end_and_voids_the_approval(client, service):
    integration = make.active_integration(service=service)
    client.force_login(integration.owner)
    edit = reverse("policies:integration-edit", args=[integration.slug])
    assert integration.name in client.get(edit).text
    assert not IntegrationDraft.objects.exists()
    client.post(edit, {**WHAT, "name": "Renamed", "purpose": "payment"})
    draft = IntegrationDraft.objects.get()
    assert client.get(edit).url == step(draft, 1)
    integration.refresh_from_db()
    assert (integration.name, integration.state) != ("Renamed", "draft")
    review = client.get(step(draft, 5)).text
    assert "Saving this voids the approval" in review
    client.post(step(draft, 5), {"action": "submit"})
    integration.refresh_from_db()
    assert (integration.name, integration.purpose) == ("Renamed", "payment")
    assert integration.state == "submitted"
    kinds = set(integration.events.values_list("kind", flat=True))
    assert {"changed", "approval_voided", "submitted"} <= kinds


def test_a_name_alone_changes_without_voiding(client, service):
    integration = make.active_integration(service=service, model_patterns=["gpt-5"])
    client.force_login(integration.owner)
    edit = reverse("policies:integration-edit", args=[integration.slug])
    client.post(edit, {**WHAT, "name": "Renamed"})
    draft = IntegrationDraft.objects.get()
    review = client.get(step(draft, 5)).text
    assert "voids the approval" not in review
    assert 'value="submit"' not in review
    client.post(step(draft, 5), {"action": "save"})
    integration.refresh_from_db()
    assert (integration.name, integration.state) == ("Renamed", "active")
