"""A data policy from the first form to the integration that goes by it, without JavaScript."""

from __future__ import annotations

import pytest
from django.test import Client

from policies.models import BreakGlass, DataPolicy, PolicyUse, PolicyVersion
from policies.tests import make

pytestmark = pytest.mark.django_db

EMPTY = {
    "when-TOTAL_FORMS": "0",
    "when-INITIAL_FORMS": "0",
    "when-MIN_NUM_FORMS": "0",
    "when-MAX_NUM_FORMS": "20",
}
RULE = {
    **EMPTY,
    "id": "no-cards",
    "happens": "block",
    "kinds": ["CARD"],
    "reason": "Card numbers belong in no prompt.",
    "priority": "700",
}


@pytest.fixture
def officer():
    return make.person("officer")


@pytest.fixture
def page(client, officer):
    client.force_login(officer)
    return client


def made(page, slug="notes") -> DataPolicy:
    page.post("/policies/data/new/", {"name": f"Policy {slug}", "slug": slug, "description": "."})
    return DataPolicy.objects.get(slug=slug)


def approved(page, client_of, slug="notes") -> PolicyVersion:
    made(page, slug)
    page.post(f"/policies/data/{slug}/edit/submit/", {"note": "First version."})
    client_of(make.person("officer")).post(
        f"/policies/data/{slug}/versions/1/decide/", {"decision": "approve", "starts_at": ""}
    )
    return PolicyVersion.objects.get(policy__slug=slug, number=1)


@pytest.fixture
def client_of():
    def sign_in(person):
        client = Client()
        client.force_login(person)
        return client

    return sign_in


def test_a_policy_goes_from_the_form_to_force_by_two_people(page, officer, client_of):
    made(page)
    draft = page.get("/policies/data/notes/edit/").content.decode()
    assert "Ready to submit" in draft and "no-secrets" in draft and "4 of 4 pass" in draft
    answer = page.post("/policies/data/notes/edit/rules/new/", RULE)
    assert answer.status_code == 302
    draft = page.get("/policies/data/notes/edit/").content.decode()
    assert "Not ready" in draft
    assert "The rule no-cards blocks and needs a test" in draft
    for name, text, decision, names in [
        ("card-is-stopped", "Card 4111 1111 1111 1111 please.", "block", "hits"),
        ("no-card-no-stop", "Chest pain since noon.", "send", "misses"),
    ]:
        body = {"id": name, "text": text, "media_type": "text/plain", "decision": decision}
        answer = page.post("/policies/data/notes/edit/tests/new/", {**body, names: ["no-cards"]})
        assert answer.status_code == 302, answer.context["form"].errors
    draft = page.get("/policies/data/notes/edit/").content.decode()
    assert "Ready to submit" in draft and "6 of 6 pass" in draft
    answer = page.post("/policies/data/notes/edit/submit/", {"note": "Cards are stopped."})
    assert answer.url == "/policies/data/notes/versions/1/"
    shown = page.get(answer.url).content.decode()
    assert "Somebody else decides on this" in shown and "Your decision" not in shown
    page.post("/policies/data/notes/versions/1/decide/", {"decision": "approve"})
    assert PolicyVersion.objects.get().state == "submitted"
    second = client_of(make.person("officer"))
    assert "Your decision" in second.get(answer.url).content.decode()
    second.post("/policies/data/notes/versions/1/decide/", {"decision": "approve"})
    version = PolicyVersion.objects.get()
    assert version.state == "approved" and len(version.signature) == 128
    shown = page.get("/policies/data/notes/").content.decode()
    assert "Rules in force" in shown and "no-cards" in shown and "What may be claimed" in shown
    for tab in ("versions", "integrations", "history"):
        assert page.get(f"/policies/data/notes/?tab={tab}").status_code == 200


def test_an_integration_goes_by_a_policy_and_its_page_says_so(page, client_of):
    approved(page, client_of)
    integration = make.active_integration()
    url = f"/integrations/{integration.slug}"
    assert "No data policy" in page.get(f"{url}/?tab=rules").content.decode()
    page.post(f"{url}/rules/", {"policy": "notes", "enforcement": "monitor"})
    use = PolicyUse.objects.get()
    assert (use.policy.slug, use.enforcement) == ("notes", "monitor")
    shown = page.get(f"{url}/?tab=rules").content.decode()
    assert "Policy notes" in shown and "Version 1" in shown and "guard(portal" in shown
    assert integration.name in page.get("/policies/data/notes/?tab=integrations").content.decode()
    draft = page.get("/policies/data/notes/edit/").content.decode()
    assert "0 integrations would change" in draft
    page.post("/policies/data/notes/edit/rules/new/", RULE)
    draft = page.get("/policies/data/notes/edit/").content.decode()
    assert "1 integration would change" in draft and "Payment card number: blocked" in draft
    page.post(f"{url}/rules/", {"policy": "", "enforcement": "enforce"})
    assert not PolicyUse.objects.exists()


def test_a_form_shows_what_is_wrong_and_changes_nothing(page):
    made(page)
    before = DataPolicy.objects.get().drafts.get().document
    for change, said in [
        ({"id": "No Cards"}, "An id is 1 to 60"),
        ({"id": "no-secrets"}, "Another one has this id"),
        ({"reason": ""}, "A text of 1 to 200"),
        ({"happens": "allow"}, "A day, as 2027-01-31"),
        ({"happens": "explode"}, "Choose from the list"),
        ({"kinds": ["SOUL"]}, "Choose kinds from the list"),
        (
            {
                "when-TOTAL_FORMS": "1",
                "when-0-fact": "count",
                "when-0-operator": "is",
                "when-0-values": "x",
            },
            "A number is asked by",
        ),
        (
            {
                "when-TOTAL_FORMS": "1",
                "when-0-fact": "path",
                "when-0-operator": "is",
                "when-0-values": "x",
            },
            "A path begins with /",
        ),
    ]:
        answer = page.post("/policies/data/notes/edit/rules/new/", {**RULE, **change})
        assert answer.status_code == 200
        assert said in answer.content.decode(), change
    assert DataPolicy.objects.get().drafts.get().document == before


def test_rules_are_changed_and_removed_and_tests_follow(page):
    policy = made(page)
    form = page.get("/policies/data/notes/edit/rules/0/").content.decode()
    assert 'value="no-secrets"' in form
    changed = {**RULE, "id": "secrets", "kinds": ["API_KEY", "PRIVATE_KEY", "TOKEN"]}
    page.post("/policies/data/notes/edit/rules/0/", changed)
    document = policy.drafts.get().document
    assert document["rules"][0]["id"] == "secrets"
    assert document["tests"][2]["expect"]["hits"] == ["secrets"]
    page.post("/policies/data/notes/edit/rules/0/remove/")
    document = policy.drafts.get().document
    assert [rule["id"] for rule in document["rules"]] == ["identifiers"]
    page.post("/policies/data/notes/edit/rules/0/remove/")
    assert len(policy.drafts.get().document["rules"]) == 1
    page.post("/policies/data/notes/edit/tests/0/remove/")
    assert len(policy.drafts.get().document["tests"]) == 3
    assert page.post("/policies/data/notes/edit/rules/9/remove/").status_code == 404


def test_questions_are_asked_in_rows_joined_by_and_and_or(page):
    policy = made(page)
    rows = [
        ("", "vendor", "is", "openai, azure"),
        ("on", "region", "not", "us-east-1"),
        ("", "baa.in_force", "is", "no"),
        ("", "count", ">=", "5"),
    ]
    body = {**RULE, "when-TOTAL_FORMS": str(len(rows))}
    for at, (joined, fact, operator, values) in enumerate(rows):
        body |= {
            f"when-{at}-fact": fact,
            f"when-{at}-operator": operator,
            f"when-{at}-values": values,
        }
        if joined:
            body[f"when-{at}-joined"] = joined
    page.post("/policies/data/notes/edit/rules/new/", body)
    when = policy.drafts.get().document["rules"][2]["when"]
    assert when == {
        "all": [
            {"fact": "kind", "in": ["CARD"]},
            {
                "any": [
                    {"fact": "vendor", "in": ["openai", "azure"]},
                    {"fact": "region", "not": "us-east-1"},
                ]
            },
            {"fact": "baa.in_force", "equals": False},
            {"fact": "count", ">=": 5},
        ]
    }
    form = page.get("/policies/data/notes/edit/rules/2/").content.decode()
    assert 'value="openai, azure"' in form and 'value="us-east-1"' in form
    more = page.post("/policies/data/notes/edit/rules/2/", {**body, "more": "1"})
    assert more.content.decode().count('<fieldset class="condition">') == 6


@pytest.mark.parametrize(
    "posted",
    [
        {"when-TOTAL_FORMS": "9" * 5000, "more": "1"},
        {
            "when-TOTAL_FORMS": "1",
            "when-0-fact": "count",
            "when-0-operator": ">=",
            "when-0-values": "9" * 16,
        },
    ],
)
def test_a_number_of_any_length_is_refused(page, posted):
    policy = made(page)
    before = policy.drafts.get().document
    answer = page.post("/policies/data/notes/edit/rules/new/", {**RULE, **posted})
    assert answer.status_code == 200
    assert policy.drafts.get().document == before


def test_defaults_patterns_and_fields_have_forms(page):
    policy = made(page)
    page.post(
        "/policies/data/notes/edit/defaults/",
        {
            "unmatched": "mask",
            "opaque": "drop",
            "min_score": "60",
            "timeout_ms": "300",
            "keep": "/messages/**",
        },
    )
    document = policy.drafts.get().document
    assert document["defaults"]["unmatched"] == "mask" and document["keep"] == ["/messages/**"]
    body = {
        "patterns-TOTAL_FORMS": "1",
        "patterns-INITIAL_FORMS": "0",
        "patterns-0-id": "badge",
        "patterns-0-kind": "own.badge",
        "patterns-0-pattern": r"\bB-[0-9]{6}\b",
        "patterns-0-score": "90",
        "fields-TOTAL_FORMS": "1",
        "fields-INITIAL_FORMS": "0",
        "fields-0-path": "/metadata/badge",
        "fields-0-kind": "own.badge",
    }
    assert page.post("/policies/data/notes/edit/fields/", body).status_code == 302
    document = policy.drafts.get().document
    assert document["patterns"][0]["kind"] == "own.badge" and len(document["fields"]) == 1
    assert 'value="own.badge"' in page.get("/policies/data/notes/edit/rules/new/").content.decode()
    body["patterns-0-kind"] = "badge"
    wrong = page.post("/policies/data/notes/edit/fields/", body)
    assert "A kind of one&#x27;s own is called own." in wrong.content.decode()


def test_glass_is_broken_by_an_officer_with_a_reason_and_mended(page):
    integration = make.active_integration()
    url = f"/integrations/{integration.slug}"
    page.post(f"{url}/glass/", {"hours": "9", "reason": "Maintenance of the portal tonight."})
    assert not BreakGlass.objects.exists()
    page.post(f"{url}/glass/", {"hours": "2", "reason": "Maintenance of the portal tonight."})
    assert "Glass is broken until" in page.get(f"{url}/?tab=rules").content.decode()
    page.post(f"{url}/glass/mend/")
    assert BreakGlass.objects.get().closed_at is not None


@pytest.mark.parametrize("role", ["engineer", "viewer", "auditor"])
def test_who_may_not_write_reads(page, client_of, role):
    approved(page, client_of)
    reader = client_of(make.person(role))
    assert reader.get("/policies/data/notes/").status_code == 200
    assert reader.get("/policies/data/notes/try/").status_code == 200
    assert "Write a new version" not in reader.get("/policies/data/notes/").content.decode()
    for url in ("edit/", "edit/rules/new/", "edit/submit/", "versions/1/decide/"):
        assert reader.post(f"/policies/data/notes/{url}").status_code in (403, 405)


def test_lists_and_pages_ask_the_database_seldom(page, client_of, django_assert_max_num_queries):
    approved(page, client_of)
    for n in range(3):
        made(page, f"more-{n}")
    with django_assert_max_num_queries(12):
        assert page.get("/policies/data/").status_code == 200
    with django_assert_max_num_queries(20):
        page.get("/policies/data/notes/")
