"""A data policy is chosen in the engineer's form, and by officers alone once it is decided."""

from __future__ import annotations

import pytest

from policies.models import Integration, IntegrationDraft, PolicyUse
from policies.services import versions
from policies.services.drafts import answers_of, finish, values_of
from policies.tests import make
from policies.tests.make import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy():
    author, second = make.person("officer"), make.person("officer")
    made = versions.create_policy(name="Notes", slug="notes", by=author, at=NOON)
    document = versions.starter_document()
    draft = versions.save_draft(made, document, change="First version.", by=author, at=NOON)
    versions.approve(versions.submit(draft, by=author, at=NOON), by=second, at=NOON)
    return made


def test_the_form_sets_changes_and_takes_the_policy_of_a_draft(policy, client):
    integration = make.integration()
    client.force_login(integration.owner)
    client.post(f"/integrations/{integration.slug}/edit/", {"name": integration.name})
    for chosen in ("notes", None):
        answers = {**answers_of(integration), "data_policy": chosen}
        draft = IntegrationDraft.objects.create(
            integration=integration, author=integration.owner, answers=answers, steps_done=4
        )
        page = client.get(f"/integrations/drafts/{draft.pk}/4/").content.decode()
        assert "Data rules" in page and 'value="notes"' in page
        finish(draft, values_of(answers), hand_in=False, by=integration.owner, at=NOON)
        assert [use.policy.slug for use in PolicyUse.objects.all()] == [chosen] * bool(chosen)


def test_once_approved_the_form_no_longer_asks(policy, client):
    integration = make.active_integration()
    answers = answers_of(integration)
    assert answers["policy_is_set"]
    draft = IntegrationDraft.objects.create(
        integration=integration, author=integration.owner, answers=answers, steps_done=4
    )
    client.force_login(integration.owner)
    assert "data_policy" not in client.get(f"/integrations/drafts/{draft.pk}/4/").content.decode()
    assert client.get(f"/integrations/{integration.slug}/rules/").status_code == 403
    page = client.get(f"/integrations/{integration.slug}/?tab=rules").content.decode()
    assert f"/integrations/{integration.slug}/rules/" not in page


def test_the_owner_of_a_draft_chooses_on_its_page(policy, client):
    integration = make.integration()
    client.force_login(integration.owner)
    assert integration.state == Integration.State.DRAFT
    client.post(
        f"/integrations/{integration.slug}/rules/", {"policy": "notes", "enforcement": "enforce"}
    )
    assert PolicyUse.objects.get().integration == integration


def test_who_decides_finds_the_version_at_home_and_its_author_does_not(policy, client):
    author, second = make.person("officer"), make.person("officer")
    document = versions.starter_document()
    document["defaults"]["min_score"] = 60
    draft = versions.save_draft(policy, document, change="Surer.", by=author, at=NOON)
    versions.submit(draft, by=author, at=NOON)
    client.force_login(second)
    assert "Notes, version 2" in client.get("/").content.decode()
    client.force_login(author)
    assert "Notes, version 2" not in client.get("/").content.decode()
