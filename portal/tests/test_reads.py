"""Every address: whether looking at it is recorded, and if not, why not.

Lists, details, exports, downloads and searches of calls, papers and people are recorded (45 CFR
164.312(b)). An address that is neither in READS nor in NOT_READS fails, like one without a rule in
test_matrix.
"""

from __future__ import annotations

import io

import pikepdf
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import reverse

from audits.models import ReadEvent
from portal.tests.make_directory import Scim
from portal.tests.test_matrix import (
    CLOSED,
    OPEN,
    OWN_ACCOUNT,
    PATTERNS,
    RULES,
    STEPS,
    address,
)
from portal.tests.world import build
from vendors.models import Document

# What is recorded when somebody in the role opens the address: action and subject.
READS = {
    "portal:user-list": ("list", "portal.user"),
    "portal:user-detail": ("detail", "portal.user"),
    "portal:user-export": ("export", "portal.user"),
    "portal:user-sessions": ("list", "portal.personsession"),
    "vendors:document-download": ("download", "vendors.document"),
    "vendors:document-view": ("download", "vendors.document"),
    "audits:call-list": ("list", "audits.call"),
    "audits:call-detail": ("detail", "audits.call"),
    "audits:call-figures": ("list", "audits.call"),
    "audits:call-export": ("export", "audits.call"),
    "audits:integration-calls": ("list", "audits.call"),
    "audits:integration-shadow": ("list", "audits.call"),
    "audits:vendor-calls": ("list", "audits.call"),
    "audits:vendor-uncovered": ("list", "audits.call"),
    "audits:completeness-list": ("list", "audits.usagecount"),
    "audits:completeness-export": ("export", "audits.usagecount"),
    "audits:integration-completeness": ("list", "audits.usagecount"),
    "audits:entry-list": ("list", "audits.entry"),
    "audits:entry-detail": ("detail", "audits.entry"),
    "audits:entry-proof": ("download", "audits.entry"),
    "policies:principal-list": ("list", "policies.principal"),
    "policies:principal-detail": ("detail", "policies.principal"),
    "policies:principal-export": ("export", "policies.principal"),
    "policies:principalgroup-list": ("list", "policies.principalgroup"),
    "policies:principalgroup-detail": ("detail", "policies.principalgroup"),
    "policies:principalgroup-export": ("export", "policies.principalgroup"),
    "policies:grant-list": ("list", "policies.grant"),
    "policies:grant-detail": ("detail", "policies.grant"),
    "policies:grant-export": ("export", "policies.grant"),
    "policies:grant-matrix": ("list", "policies.grant"),
    "policies:matrix-export": ("export", "policies.grant"),
    "policies:emergency-list": ("list", "policies.grant"),
    "policies-api:grant-list": ("list", "policies.grant"),
    "policies-api:grant-detail": ("detail", "policies.grant"),
    "portal:accessreview-list": ("list", "policies.accessreview"),
    "portal:accessreview-detail": ("list", "policies.accessreviewentry"),
    "portal:accessreview-entry": ("detail", "policies.accessreviewentry"),
    "portal:accessreview-export": ("export", "policies.accessreview"),
    "audits:securityevent-list": ("list", "audits.securityevent"),
    "audits:securityevent-export": ("export", "audits.securityevent"),
    "audits-api:call-list": ("list", "audits.call"),
    "audits-api:call-detail": ("detail", "audits.call"),
    "log:live-entries": ("download", "audits.entry"),
    "log-api:live-entries": ("download", "audits.entry"),
    "vendors-api:vendor-list": ("list", "vendors.vendor"),
    "vendors-api:vendor-detail": ("detail", "vendors.vendor"),
    "vendors-api:service-list": ("list", "vendors.service"),
    "vendors-api:service-detail": ("detail", "vendors.service"),
    "vendors-api:agreement-list": ("list", "vendors.agreement"),
    "vendors-api:agreement-detail": ("detail", "vendors.agreement"),
    "vendors-api:report-list": ("list", "vendors.assurancereport"),
    "vendors-api:report-detail": ("detail", "vendors.assurancereport"),
    "vendors-api:fact-list": ("list", "vendors.fact"),
    "vendors-api:fact-detail": ("detail", "vendors.fact"),
}
# Recorded too, where a plain GET of the world's object does not show it; the test that does.
SHOWN_ELSEWHERE = {
    "portal:search": "portal/tests/test_search.py: a POST is a search",
    "portal:token-list": "here: everybody's tokens, not one's own",
    "vendors:document-page": "here: the paper of the world has no page",
    "audits:archive-search": "audits/tests/test_archive_pages.py: once something is asked",
    "audits-api:integration-bundle": "audits/tests/test_bundle_api.py: by a key alone",
    "scim:user-list": "here: by a directory's token alone",
    "scim:user-detail": "here: by a directory's token alone",
    "scim:group-list": "here: by a directory's token alone",
    "scim:group-detail": "here: by a directory's token alone",
    "evidence:pack-download": "evidence/tests/test_pack_pages.py: once a pack is built",
    "log:test-entries": "as log:live-entries; the test log of the world is empty",
    "log-api:test-entries": "as log-api:live-entries; the test log of the world is empty",
}
NOT_READS = {
    "a page of the person's own": {
        "portal:home",
        "portal:my-access",
        "portal:session-left",
        "portal:session-list",
        "portal:step-up",
        "portal:step-up-resume",
        "portal:token-create",
        "policies:draft-list",
        "policies:draft-step",
    },
    "words, rules or addresses, no call, paper or person": {
        "portal:style",
        "portal:role-list",
        "portal-api:schema",
        "portal-api:docs",
        "policies:client-guide",
        "policies:exclusiveroles-list",
        "policies:exclusiveroles-export",
        "policies:exclusiveroles-create",
    },
    "a form about a person or a grant, whose page is recorded": {
        "policies:emergency-create",
        "policies:emergency-review",
        "policies:principal-create",
        "policies:principal-edit",
        "policies:principal-import",
        "policies:principalgroup-create",
        "policies:grant-create",
        "policies:grant-decide",
        "policies:grant-give",
        "policies:grant-withdraw",
        "portal:user-factors-reset",
        "portal:accessreview-create",
        "portal:accessreview-close",
        "portal:accessreview-keep",
        "portal:accessreview-sign",
        "portal:user-create",
        "portal:user-edit",
    },
    "where records lie, and holds on them, no record": {
        "audits:partition-list",
        "audits:legalhold-list",
        "audits:legalhold-create",
        "audits:legalhold-detail",
        "audits:ledger-integrity",
        "audits:call-views",
    },
    "how counts of a provider come in, no call": {
        "audits:usagesource-create",
        "audits:usagesource-detail",
        "audits:usagesource-edit",
        "audits:usagemapping-create",
        "audits:usageimport-create",
    },
    "what a directory may ask, or is told that it may not": {
        f"scim:{name}"
        for name in (
            *("bulk", "config", "me", "missing", "root", "search"),
            *("schema-detail", "schema-list", "type-detail", "type-list"),
        )
    },
    "how directories are connected, nobody of theirs": {
        "portal:directory-list",
        "portal:directory-detail",
        "portal:directory-create",
        "portal:directory-end",
        "portal:directorytoken-create",
        "portal:directorygroup-edit",
    },
    "hashes and signatures, no entry": {
        f"{place}:{ledger}-{name}"
        for place in ("log", "log-api")
        for ledger in ("live", "test")
        for name in ("checkpoint", "cosigned", "tile", "proof", "consistency", "keys")
    },
    "what the daily checks found, and packs by their names": {
        "evidence:finding-list",
        "evidence:finding-detail",
        "evidence:finding-export",
        "evidence:finding-views",
        "evidence:subject-findings",
        "evidence:agreement-notices",
        "evidence:vendor-register",
        "evidence:pack-list",
        "evidence:pack-export",
        "evidence:pack-detail",
        "evidence:pack-create",
    },
    "the register of vendors: what they promise, not their papers": {
        "vendors:agreement-amend",
        "vendors:agreement-clauses",
        "vendors:agreement-create",
        "vendors:agreement-detail",
        "vendors:agreement-export",
        "vendors:agreement-list",
        "vendors:agreement-owner",
        "vendors:agreement-return",
        "vendors:agreement-terminate",
        "vendors:agreementrequest-create",
        "vendors:agreementrequest-detail",
        "vendors:agreementrequest-edit",
        "vendors:bridge-create",
        "vendors:comparison",
        "vendors:costfact-create",
        "vendors:costfact-export",
        "vendors:costfact-list",
        "vendors:cuec-assess",
        "vendors:cuec-export",
        "vendors:cuec-list",
        "vendors:fact-create",
        "vendors:fact-export",
        "vendors:fact-history",
        "vendors:fact-list",
        "vendors:fact-several",
        "vendors:import-check",
        "vendors:import-columns",
        "vendors:import-create",
        "vendors:import-detail",
        "vendors:import-errors",
        "vendors:import-export",
        "vendors:import-list",
        "vendors:import-template",
        "vendors:inquiry-answers",
        "vendors:inquiry-create",
        "vendors:inquiry-detail",
        "vendors:inquiry-export",
        "vendors:inquiry-facts",
        "vendors:inquiry-link",
        "vendors:inquiry-list",
        "vendors:inquiry-return",
        "vendors:inquiry-workbook",
        "vendors:offboarding-cancel",
        "vendors:offboarding-create",
        "vendors:offboarding-detail",
        "vendors:offboardingstep-edit",
        "vendors:question-create",
        "vendors:question-edit",
        "vendors:questionnaire-create",
        "vendors:questionnaire-detail",
        "vendors:questionnaire-edit",
        "vendors:questionnaire-export",
        "vendors:questionnaire-import",
        "vendors:questionnaire-list",
        "vendors:questionsheet-columns",
        "vendors:registerimport-export",
        "vendors:report-correct",
        "vendors:report-create",
        "vendors:report-detail",
        "vendors:report-review",
        "vendors:reportcondition-close",
        "vendors:reportdraft-create",
        "vendors:reportdraft-section",
        "vendors:review-detail",
        "vendors:review-finish",
        "vendors:review-section",
        "vendors:service-create",
        "vendors:service-detail",
        "vendors:service-edit",
        "vendors:service-export",
        "vendors:service-list",
        "vendors:service-retire",
        "vendors:vendor-create",
        "vendors:vendor-detail",
        "vendors:vendor-edit",
        "vendors:vendor-export",
        "vendors:vendor-list",
        "vendors:vendor-review",
        "vendors:vendor-state",
        "vendors:vendor-views",
        "vendors:vendorcondition-create",
        "vendors:vendorcondition-meet",
        "vendors:vendorcondition-waive",
    },
    "integrations, costs, data classes and rules: what is allowed, not what happened": {
        "policies:agreement-uncovered",
        "policies:costplan-create",
        "policies:costplan-detail",
        "policies:costplan-edit",
        "policies:costplan-export",
        "policies:costplan-list",
        "policies:dataclass-create",
        "policies:dataclass-detail",
        "policies:dataclass-edit",
        "policies:dataclass-export",
        "policies:dataclass-list",
        "policies:datapolicy-create",
        "policies:datapolicy-defaults",
        "policies:datapolicy-detail",
        "policies:datapolicy-edit",
        "policies:datapolicy-fields",
        "policies:datapolicy-list",
        "policies:datapolicy-try",
        "policies:integration-break-glass",
        "policies:integration-create",
        "policies:integration-decide",
        "policies:integration-detail",
        "policies:integration-edit",
        "policies:integration-grant",
        "policies:integration-list",
        "policies:integration-owner",
        "policies:integration-policy",
        "policies:integration-retire",
        "policies:integration-suspend",
        "policies:integration-views",
        "policies:key-create",
        "policies:key-revoke",
        "policies:key-rotate",
        "policies:policyrule-create",
        "policies:policyrule-edit",
        "policies:policytest-create",
        "policies:policytest-edit",
        "policies:policyversion-detail",
        "policies:vendor-export",
        "policies:vendor-figures",
        "policies:vendor-integrations",
        "policies:vendor-remaining",
        "policies:vendor-uncovered",
        "policies:vendor-verdict",
    },
}


def test_every_address_is_recorded_or_says_why_not():
    without = {reason: names for reason, names in NOT_READS.items() if not names}
    told = [*READS, *SHOWN_ELSEWHERE, *(name for names in NOT_READS.values() for name in names)]
    # What takes POST alone changes something, and stands in the history.
    changing = {name for name, rule in RULES.items() if rule.get is None}
    assert not without
    assert sorted(told) == sorted(set(told))
    assert set(told) == set(PATTERNS) - changing - OPEN - OWN_ACCOUNT - CLOSED - STEPS


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


# One worker builds the world, not each.
pytestmark = pytest.mark.xdist_group("reads")


@pytest.mark.django_db
def test_a_look_is_recorded_before_it_is_answered(world, client):
    wrong = {}
    for name, (action, subject) in READS.items():
        who = "officer" if "officer" in RULES[name].get else sorted(RULES[name].get)[0]
        client.force_login(world.people[who])
        cache.clear()
        before = ReadEvent.objects.count()
        answer = client.get(address(name, world))
        if answer.streaming:
            assert b"".join(answer.streaming_content)
        told = ReadEvent.objects.order_by("pk")[before:]
        found = [(each.action, each.subject) for each in told]
        if answer.status_code != 200 or found != [(action, subject)]:
            wrong[name] = (answer.status_code, found)
        elif told[0].user != world.people[who]:
            wrong[name] = told[0].user
    assert wrong == {}


@pytest.mark.django_db
def test_looking_at_everybodys_tokens_is_recorded_and_at_ones_own_is_not(world, client):
    client.force_login(world.people["officer"])
    url = address("portal:token-list", world)
    before = ReadEvent.objects.count()
    client.get(url)
    assert ReadEvent.objects.count() == before
    client.get(url, {"of": "all"})
    assert ReadEvent.objects.latest("pk").subject == "portal.personaltoken"
    assert ReadEvent.objects.latest("pk").row_count == 1


@pytest.mark.django_db
def test_leafing_through_a_paper_is_recorded_once(world, client):
    cache.clear()
    client.force_login(world.people["auditor"])
    pdf, paper = pikepdf.new(), io.BytesIO()
    pdf.add_blank_page()
    pdf.add_blank_page()
    pdf.save(paper)
    document = Document(name="two.pdf", sha256="2" * 64, size_bytes=paper.tell())
    document.content_type = "application/pdf"
    document.file.save("two.pdf", ContentFile(paper.getvalue()), save=False)
    document.save()
    for number in (1, 2):
        url = reverse("vendors:document-page", args=[document.pk, number])
        assert client.get(url).status_code == 200
    [told] = ReadEvent.objects.filter(subject="vendors.document", subject_id=str(document.pk))
    assert (told.action, told.user) == ("detail", world.people["auditor"])


@pytest.mark.django_db
def test_what_a_directory_reads_is_recorded_with_its_token(world):
    scim = Scim()
    entry = scim.add()
    before = ReadEvent.objects.count()
    scim.get("Users")
    scim.get(f"Users/{entry.uid}")
    scim.get("Groups")
    told = list(ReadEvent.objects.order_by("pk")[before:])
    assert [(each.action, each.subject, each.row_count) for each in told] == [
        ("list", "portal.directoryperson", 1),
        ("detail", "portal.directoryperson", 1),
        ("list", "portal.directorygroup", 0),
    ]
    assert {each.filters["directory"] for each in told} == {str(scim.directory.pk)}
    assert all(each.user is None and each.filters["token"] for each in told)


@pytest.mark.django_db
def test_what_is_refused_is_no_read(world, client):
    client.force_login(world.people["nobody"])
    before = ReadEvent.objects.count()
    # Where everybody gets what is theirs, nobody is refused.
    for name in (name for name in READS if "nobody" not in RULES[name].get):
        status = client.get(address(name, world)).status_code
        assert status in {RULES[name].otherwise, 403, 404}, name
    assert ReadEvent.objects.count() == before
