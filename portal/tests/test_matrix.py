"""Every address, asked by a stranger and by somebody in each role, by GET and by POST.

A new address without an entry here fails. What an entry does not name is refused: 403 for people,
the sign-in page for strangers, 401 below /api/. A method that is not listed gets 405.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.db import transaction
from django.db.models import Model
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from portal.tests.world import World, build

# Who asks. `owner` is the engineer who owns the integration, `engineer` is another one.
PEOPLE = (
    "officer",
    "owner",
    "engineer",
    "auditor",
    "viewer",
    "administrator",
    "nobody",
)
NONE: frozenset[str] = frozenset()
SIGNED_IN = frozenset(PEOPLE)
REGISTER = SIGNED_IN - {"nobody"}
OFFICER = frozenset({"officer"})
OWNER = frozenset({"owner"})
ENGINEERS = frozenset({"owner", "engineer"})
ADMINISTRATOR = frozenset({"administrator"})
CALLS = frozenset({"officer", "owner", "auditor"})
RECORDS = frozenset({"officer", "auditor"})
LEDGER = frozenset({"officer", "auditor", "administrator"})
PEOPLE_VIEW = frozenset({"officer", "auditor", "administrator"})


@dataclass(frozen=True)
class Rule:
    """Who gets past the door by GET and by POST (None: 405), and what others get."""

    get: frozenset[str] | None = None
    post: frozenset[str] | None = None
    otherwise: int = 403


def page(who: frozenset[str]) -> Rule:
    return Rule(get=who)


def form(who: frozenset[str], writers: frozenset[str] | None = None) -> Rule:
    return Rule(get=who, post=who if writers is None else writers)


def button(who: frozenset[str], otherwise: int = 403) -> Rule:
    return Rule(post=who, otherwise=otherwise)


RULES = {
    "portal:home": page(SIGNED_IN),
    "portal:search": form(SIGNED_IN),
    "portal:style": page(SIGNED_IN),
    "portal:user-list": page(PEOPLE_VIEW),
    "portal:role-list": page(PEOPLE_VIEW),
    "portal:user-export": page(PEOPLE_VIEW),
    "portal:user-detail": page(PEOPLE_VIEW),
    "portal:user-create": form(ADMINISTRATOR),
    "portal:user-edit": form(ADMINISTRATOR),
    "portal:user-invite": button(ADMINISTRATOR),
    "portal:user-factors-reset": form(ADMINISTRATOR),
    "portal:token-list": page(SIGNED_IN),
    "portal:token-create": form(SIGNED_IN),
    # The token of the world is the officer's; officers and administrators end anybody's.
    "portal:token-revoke": button(OFFICER | ADMINISTRATOR),
    "portal:accessreview-list": page(PEOPLE_VIEW),
    "portal:accessreview-create": form(OFFICER),
    "portal:accessreview-detail": page(PEOPLE_VIEW),
    "portal:accessreview-entry": Rule(get=PEOPLE_VIEW, post=OFFICER | ADMINISTRATOR),
    "portal:accessreview-keep": form(OFFICER | ADMINISTRATOR),
    "portal:accessreview-verify": button(OFFICER | ADMINISTRATOR),
    "portal:accessreview-close": form(OFFICER | ADMINISTRATOR),
    "portal:accessreview-sign": form(OFFICER | ADMINISTRATOR),
    "portal:accessreview-export": page(PEOPLE_VIEW),
    "portal:directory-list": page(PEOPLE_VIEW),
    "portal:directory-detail": page(PEOPLE_VIEW),
    "portal:directory-create": form(ADMINISTRATOR),
    "portal:directory-end": form(ADMINISTRATOR),
    "portal:directorytoken-create": form(ADMINISTRATOR),
    "portal:directorytoken-end": button(ADMINISTRATOR),
    "portal:directorygroup-edit": form(ADMINISTRATOR),
    "portal:session-list": page(SIGNED_IN),
    "portal:session-left": page(SIGNED_IN),
    "portal:session-stay": button(SIGNED_IN),
    "portal:session-end": button(SIGNED_IN),
    "portal:session-end-others": button(SIGNED_IN),
    "portal:user-sessions": page(OFFICER | ADMINISTRATOR),
    "portal:user-sessions-end": button(OFFICER | ADMINISTRATOR),
    # What somebody sent is kept for them alone: all others are led home.
    "portal:step-up": page(SIGNED_IN),
    "portal:step-up-resume": page(SIGNED_IN),
    "vendors:vendor-list": page(REGISTER),
    "vendors:vendor-export": page(REGISTER),
    "vendors:vendor-detail": page(REGISTER),
    "vendors:vendor-create": form(OFFICER),
    "vendors:vendor-edit": form(OFFICER),
    "vendors:vendor-state": form(OFFICER),
    "vendors:vendor-review": form(OFFICER),
    "vendors:vendorcondition-create": form(OFFICER),
    "vendors:vendorcondition-meet": form(OFFICER),
    "vendors:vendorcondition-waive": form(OFFICER),
    "vendors:offboarding-create": form(OFFICER),
    "vendors:offboarding-detail": page(REGISTER),
    "vendors:offboarding-cancel": form(OFFICER),
    "vendors:offboardingstep-edit": form(OFFICER),
    "policies:vendor-remaining": page(REGISTER),
    "policies:offboarding-finish": button(OFFICER),
    "vendors:fact-list": page(REGISTER),
    "vendors:fact-export": page(REGISTER),
    "vendors:fact-verify": button(OFFICER),
    "vendors:fact-assign": button(OFFICER),
    "vendors:fact-several": form(OFFICER),
    "vendors:review-detail": page(REGISTER),
    "vendors:review-discard": button(OFFICER),
    "vendors:review-finish": form(OFFICER),
    "vendors:review-section": form(OFFICER),
    "vendors:service-create": form(OFFICER),
    "vendors:service-list": page(REGISTER),
    "vendors:service-export": page(REGISTER),
    "vendors:service-detail": page(REGISTER),
    "vendors:service-edit": form(OFFICER),
    "vendors:service-retire": form(OFFICER),
    "vendors:fact-history": page(REGISTER),
    "vendors:fact-create": form(OFFICER),
    "vendors:agreement-create": form(OFFICER),
    "vendors:agreement-detail": page(REGISTER),
    "vendors:agreement-amend": form(OFFICER),
    "vendors:agreement-terminate": form(OFFICER),
    "vendors:agreement-list": page(REGISTER),
    "vendors:agreement-export": page(REGISTER),
    "vendors:agreement-clauses": Rule(get=REGISTER, post=OFFICER),
    "vendors:agreement-owner": form(OFFICER),
    "vendors:agreement-return": form(OFFICER),
    "vendors:agreementrequest-create": form(OFFICER),
    "vendors:agreementrequest-detail": page(REGISTER),
    "vendors:agreementrequest-edit": form(OFFICER),
    "vendors:agreementrequest-move": button(OFFICER),
    "vendors:report-create": form(OFFICER),
    "vendors:report-detail": page(REGISTER),
    "vendors:report-review": form(OFFICER),
    "vendors:report-correct": form(OFFICER),
    "vendors:bridge-create": form(OFFICER),
    "vendors:cuec-list": page(REGISTER),
    "vendors:cuec-export": page(REGISTER),
    "vendors:cuec-assess": form(OFFICER),
    "vendors:reportcondition-close": form(OFFICER),
    "vendors:report-workbench": button(OFFICER),
    "vendors:reportdraft-create": form(OFFICER),
    "vendors:reportdraft-section": form(OFFICER),
    "vendors:reportdraft-discard": button(OFFICER),
    "vendors:document-download": page(RECORDS),
    "vendors:import-list": page(RECORDS),
    "vendors:registerimport-export": page(RECORDS),
    "vendors:import-detail": page(RECORDS),
    "vendors:import-template": page(RECORDS),
    "vendors:import-export": page(RECORDS),
    "vendors:import-create": form(OFFICER),
    "vendors:import-columns": form(OFFICER),
    "vendors:import-check": page(OFFICER),
    "vendors:import-errors": page(OFFICER),
    "vendors:import-confirm": button(OFFICER),
    "vendors:import-discard": button(OFFICER),
    "vendors:document-view": page(RECORDS),
    "vendors:document-page": page(RECORDS),
    "vendors:questionnaire-list": page(REGISTER),
    "vendors:questionnaire-export": page(REGISTER),
    "vendors:questionnaire-detail": page(REGISTER),
    "vendors:questionnaire-create": form(OFFICER),
    "vendors:questionnaire-edit": form(OFFICER),
    "vendors:questionnaire-import": form(OFFICER),
    "vendors:questionsheet-columns": form(OFFICER),
    "vendors:questionnaire-publish": button(OFFICER),
    "vendors:questionnaire-retire": button(OFFICER),
    "vendors:questionnaire-revise": button(OFFICER),
    "vendors:questionnaire-discard": button(OFFICER),
    "vendors:question-create": form(OFFICER),
    "vendors:question-edit": form(OFFICER),
    "vendors:question-remove": button(OFFICER),
    "vendors:inquiry-list": page(REGISTER),
    "vendors:inquiry-export": page(REGISTER),
    "vendors:inquiry-create": form(OFFICER),
    "vendors:inquiry-detail": page(RECORDS),
    "vendors:inquiry-link": form(OFFICER),
    "vendors:inquiry-withdraw": button(OFFICER),
    "vendors:inquiry-accept-rest": button(OFFICER),
    "vendors:inquiry-finish": button(OFFICER),
    "vendors:inquiry-return": form(OFFICER),
    "vendors:inquiry-facts": form(OFFICER),
    "vendors:inquiry-workbook": page(RECORDS),
    "vendors:inquiry-answers": form(OFFICER),
    "vendors:answer-review": button(OFFICER),
    "policies:integration-views": Rule(get=REGISTER, post=REGISTER),
    "audits:call-views": Rule(get=CALLS, post=CALLS),
    "evidence:vendor-register": page(REGISTER),
    "evidence:finding-views": Rule(get=REGISTER, post=REGISTER),
    "vendors:vendor-views": Rule(get=REGISTER, post=REGISTER),
    "vendors:vendor-assign": button(OFFICER),
    "policies:vendor-figures": page(REGISTER),
    "policies:vendor-export": page(REGISTER),
    "vendors:comparison": page(REGISTER),
    "vendors:costfact-list": page(REGISTER),
    "vendors:costfact-export": page(REGISTER),
    "vendors:costfact-create": form(OFFICER),
    "policies:costplan-list": page(REGISTER),
    "policies:costplan-export": page(REGISTER),
    "policies:costplan-detail": page(REGISTER),
    "policies:costplan-create": form(OFFICER | ENGINEERS),
    # The author is the engineer who owns the integration.
    "policies:costplan-edit": form(OFFICER | OWNER),
    "policies:costplan-delete": button(OFFICER | OWNER),
    "policies:integration-list": page(REGISTER),
    "policies:integration-detail": page(REGISTER),
    "policies:integration-create": form(ENGINEERS),
    # A list of one's own drafts, empty for who may make none.
    "policies:draft-list": page(SIGNED_IN),
    "policies:client-guide": page(SIGNED_IN),
    "policies:draft-step": Rule(get=OWNER, post=OWNER, otherwise=404),
    "policies:draft-discard": button(OWNER, otherwise=404),
    "policies:integration-edit": form(OWNER),
    "policies:integration-submit": button(OWNER),
    "policies:integration-decide": form(OFFICER),
    "policies:integration-suspend": form(OFFICER),
    "policies:integration-resume": button(OFFICER),
    "policies:integration-retire": form(OFFICER | OWNER),
    "policies:integration-owner": form(OFFICER),
    "policies:integration-grant": form(OFFICER),
    "policies:integration-withdraw": button(OFFICER),
    "portal:my-access": page(SIGNED_IN),
    "policies:principal-list": page(PEOPLE_VIEW),
    "policies:principal-export": page(PEOPLE_VIEW),
    "policies:principal-detail": page(PEOPLE_VIEW),
    "policies:principal-create": form(OFFICER),
    "policies:principal-edit": form(OFFICER),
    "policies:principal-import": form(OFFICER),
    "policies:principalgroup-list": page(PEOPLE_VIEW),
    "policies:principalgroup-export": page(PEOPLE_VIEW),
    "policies:principalgroup-detail": page(PEOPLE_VIEW),
    "policies:principalgroup-create": form(OFFICER),
    "policies:principalgroup-end": button(OFFICER),
    "policies:member-add": button(OFFICER),
    "policies:member-remove": button(OFFICER),
    "policies:grant-list": page(PEOPLE_VIEW),
    "policies:grant-export": page(PEOPLE_VIEW),
    "policies:grant-matrix": page(PEOPLE_VIEW),
    "policies:matrix-export": page(PEOPLE_VIEW),
    "policies:grant-create": form(REGISTER),
    "policies:grant-give": form(OFFICER),
    # The grant of the world is one that the engineer has asked for; the owner owns what it is of.
    "policies:grant-detail": Rule(get=PEOPLE_VIEW | ENGINEERS, otherwise=404),
    "policies:grant-decide": form(OFFICER),
    "policies:grant-withdraw": Rule(
        get=OFFICER | {"engineer"}, post=OFFICER | {"engineer"}, otherwise=404
    ),
    "policies:emergency-list": page(PEOPLE_VIEW),
    "policies:emergency-create": form(OFFICER | ENGINEERS),
    "policies:emergency-review": form(OFFICER),
    "policies:exclusiveroles-list": page(PEOPLE_VIEW),
    "policies:exclusiveroles-export": page(PEOPLE_VIEW),
    "policies:exclusiveroles-create": form(OFFICER),
    "policies:exclusiveroles-end": button(OFFICER),
    "policies:key-create": form(OWNER),
    "policies:key-rotate": form(OWNER),
    "policies:key-revoke": form(OWNER),
    "policies:dataclass-list": page(REGISTER),
    "policies:dataclass-export": page(REGISTER),
    "policies:dataclass-detail": page(REGISTER),
    "policies:dataclass-create": form(OFFICER),
    "policies:dataclass-edit": form(OFFICER),
    "policies:datapolicy-list": page(REGISTER),
    "policies:datapolicy-detail": page(REGISTER),
    "policies:datapolicy-create": form(OFFICER),
    # A text is tried by whoever may read the rules; nothing is stored.
    "policies:datapolicy-try": form(REGISTER),
    "policies:datapolicy-edit": page(OFFICER),
    "policies:datapolicy-defaults": form(OFFICER),
    "policies:datapolicy-fields": form(OFFICER),
    "policies:datapolicy-discard": button(OFFICER),
    "policies:datapolicy-submit": button(OFFICER),
    "policies:policyrule-create": form(OFFICER),
    "policies:policyrule-edit": form(OFFICER),
    "policies:policyrule-remove": button(OFFICER),
    "policies:policytest-create": form(OFFICER),
    "policies:policytest-edit": form(OFFICER),
    "policies:policytest-remove": button(OFFICER),
    "policies:policyversion-detail": page(REGISTER),
    "policies:policyversion-decide": button(OFFICER),
    "policies:policyversion-withdraw": button(OFFICER),
    # The world's integration is approved: its owner no longer chooses its policy.
    "policies:integration-policy": form(OFFICER),
    "policies:integration-break-glass": form(OFFICER),
    "policies:integration-mend-glass": button(OFFICER),
    "policies:vendor-verdict": page(REGISTER),
    "policies:vendor-integrations": page(REGISTER),
    "policies:vendor-uncovered": page(REGISTER),
    "policies:agreement-uncovered": page(REGISTER),
    "audits:call-list": page(CALLS),
    "audits:call-detail": page(CALLS),
    "audits:integration-calls": page(CALLS),
    "audits:integration-shadow": page(CALLS),
    "audits:vendor-calls": page(CALLS),
    "audits:vendor-uncovered": page(CALLS),
    "audits:call-figures": page(CALLS),
    "audits:call-export": page(RECORDS),
    "audits:securityevent-list": page(PEOPLE_VIEW),
    "audits:securityevent-export": page(PEOPLE_VIEW),
    "audits:ledger-integrity": page(CALLS),
    "audits:entry-list": page(RECORDS),
    # The entry of the world is that of its call, which its owner may read.
    "audits:entry-detail": page(CALLS),
    "audits:entry-proof": page(CALLS),
    "audits:partition-list": page(RECORDS),
    "audits:archive-search": page(RECORDS),
    "audits:legalhold-list": page(RECORDS),
    "audits:legalhold-create": form(OFFICER),
    "audits:legalhold-detail": page(RECORDS),
    "audits:legalhold-release": button(OFFICER),
    "audits:completeness-list": page(RECORDS),
    "audits:completeness-export": page(RECORDS),
    "audits:integration-completeness": page(CALLS),
    "audits:usagesource-create": form(OFFICER),
    "audits:usagesource-detail": page(RECORDS),
    "audits:usagesource-edit": form(OFFICER),
    "audits:usagesource-fetch": button(OFFICER),
    "audits:usagemapping-create": form(OFFICER),
    "audits:usagemapping-delete": button(OFFICER),
    "audits:usageimport-create": form(OFFICER),
    "audits:usageimport-confirm": button(OFFICER),
    "evidence:finding-list": page(REGISTER),
    "evidence:finding-detail": page(REGISTER),
    "evidence:finding-export": page(REGISTER),
    "evidence:subject-findings": page(REGISTER),
    "evidence:agreement-notices": page(REGISTER),
    "evidence:finding-assign": button(OFFICER),
    "evidence:finding-note": button(OFFICER),
    "evidence:checkrun-create": button(OFFICER | ADMINISTRATOR),
    "evidence:pack-list": page(RECORDS),
    "evidence:pack-export": page(RECORDS),
    "evidence:pack-detail": page(RECORDS),
    "evidence:pack-create": form(RECORDS),
    "evidence:pack-cancel": button(RECORDS),
    "evidence:pack-retry": button(RECORDS),
    "evidence:pack-download": page(RECORDS),
    "portal-api:schema": page(SIGNED_IN),
    "portal-api:docs": page(SIGNED_IN),
    "vendors-api:vendor-list": form(REGISTER, OFFICER),
    "vendors-api:vendor-detail": page(REGISTER),
    "vendors-api:service-list": form(REGISTER, OFFICER),
    "vendors-api:service-detail": page(REGISTER),
    "vendors-api:agreement-list": form(REGISTER, OFFICER),
    "vendors-api:agreement-detail": page(REGISTER),
    "vendors-api:agreement-amendment": button(OFFICER),
    "vendors-api:agreement-termination": button(OFFICER),
    "vendors-api:report-list": form(REGISTER, OFFICER),
    "vendors-api:report-detail": page(REGISTER),
    "vendors-api:report-correction": button(OFFICER),
    "vendors-api:fact-list": form(REGISTER, OFFICER),
    "vendors-api:fact-detail": page(REGISTER),
    "policies-api:grant-list": Rule(get=SIGNED_IN, post=REGISTER),
    # Whose it is not does not find it: 404 behind the door.
    "policies-api:grant-detail": page(SIGNED_IN),
    "policies-api:grant-approval": button(OFFICER),
    "policies-api:grant-refusal": button(OFFICER),
    "policies-api:grant-withdrawal": button(SIGNED_IN),
    # Records are written with keys alone; a session reads them.
    "audits-api:call-list": Rule(get=CALLS, post=NONE),
    "audits-api:call-detail": page(CALLS),
    "audits-api:call-completion": button(NONE),
    "audits-api:call-lease": button(NONE),
    "audits-api:event-list": button(NONE),
    "audits-api:record-list": button(NONE),
    "audits-api:trace-list": button(NONE),
    "audits-api:integration-bundle": page(NONE),
    "audits-api:decision-list": button(NONE),
    "audits-api:gap-list": button(NONE),
    "audits-api:litellm-guardrail": button(NONE),
    "audits:authzen-evaluation": button(NONE),
    "audits:authzen-evaluations": button(NONE),
    # A directory's token alone opens these, no session of anybody.
    **{
        f"scim:{name}": Rule(get=NONE, post=NONE)
        for name in (
            *("user-list", "user-detail", "group-list", "group-detail", "config", "type-list"),
            *("type-detail", "schema-list", "schema-detail", "bulk", "me", "search", "root"),
            "missing",
        )
    },
    **{
        f"{place}:{ledger}-{name}": rule
        for place in ("log", "log-api")
        for ledger in ("live", "test")
        for name, rule in {
            "checkpoint": page(LEDGER),
            "cosigned": page(LEDGER),
            "entries": page(RECORDS),
            "tile": page(LEDGER),
            "proof": page(LEDGER),
            "consistency": page(LEDGER),
            "keys": page(LEDGER),
            "cosignatures": button(LEDGER),
        }.items()
    },
}
# Answered before anybody has signed in.
OPEN = {
    "account_inactive",
    "account_login",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_signup",
    "audits:authzen-configuration",
    # A provider's: no such address exists before one is configured.
    "openid_connect_callback",
    "openid_connect_login",
    "saml_acs",
    "saml_finish_acs",
    "saml_login",
    "saml_metadata",
    "portal:healthz",
    "portal:readyz",
    "portal:theme",
    # A vendor's pages: who has the secret of the link is let in, nobody else.
    "vendors:answer-form",
    "vendors:answer-section",
    "vendors:answer-submit",
    "vendors:answer-workbook",
}
# Steps of a sign-in: who has not begun one is sent to its beginning.
STEPS = {"mfa_authenticate", "mfa_login_webauthn"}
# allauth's own pages for the person who is signed in.
OWN_ACCOUNT = {
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "account_set_password",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_deactivate_totp",
    "mfa_edit_webauthn",
    "mfa_generate_recovery_codes",
    "mfa_index",
    "mfa_list_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_remove_webauthn",
    "mfa_view_recovery_codes",
}
CLOSED = {
    "account_confirm_email",
    "account_confirm_login_code",
    "account_email",
    "account_email_verification_sent",
    # People are matched with accounts that an administrator made, and providers refuse in words.
    "socialaccount_connections",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
    "socialaccount_signup",
    "mfa_download_recovery_codes",
}


def named(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from named(each, inner)
        elif each.name:
            yield f"{namespace}{each.name}", each


# Their part stands in the address that includes theirs, where `named` does not look.
OF_A_PASSKEY = {"mfa_edit_webauthn", "mfa_remove_webauthn"}
PATTERNS = dict(named(get_resolver()))
# Below these, programs ask.
FOR_PROGRAMS = ("/api/", "/log/", "/scim/", "/access/v1/")


# Addresses whose slug is the vendor's, whatever they are about.
OF_VENDOR = {
    "service-create",
    "agreement-create",
    "report-create",
    "reportdraft-create",
    "agreementrequest-create",
    "vendorcondition-create",
    "offboarding-create",
    "inquiry-create",
    "vendor-uncovered",
}


def slug_of(short_name: str, kind: str, world: World) -> str | None:
    """The slug of an address about an object of this kind, if it has any."""
    if short_name in OF_VENDOR:
        return world.vendor.slug
    return {
        "vendor": world.vendor.slug,
        "service": world.service.slug,
        "fact": world.service.slug,
        "integration": world.integration.slug,
        "costplan": world.integration.slug,
        "key": world.integration.slug,
        "dataclass": "phi",
        **dict.fromkeys(("datapolicy", "policyrule", "policytest", "policyversion"), "notes"),
        **dict.fromkeys(("principalgroup", "member"), world.group.slug),
        "entry": "live",
        "ledger": "live",
    }.get(kind)


def object_of(short_name: str, kind: str, world: World) -> Model | None:
    """The object of this kind whose number an address names, if it names any."""
    questionnaire = world.inquiry.questionnaire
    if short_name == "question-create":
        return questionnaire
    if short_name == "directorytoken-end":
        return world.directory_group.directory.tokens.get()
    if short_name == "usagemapping-delete":
        return world.usage.mappings.get()
    return {
        "agreement": world.agreement,
        "agreementrequest": world.agreement_request,
        "report": world.report,
        "bridge": world.report,
        "document": world.document,
        "import": world.imported,
        "token": world.token,
        "fact": world.fact,
        "draft": world.draft,
        "review": world.review,
        "accessreview": world.access_review,
        "vendorcondition": world.condition,
        "reportdraft": world.report_draft,
        "offboarding": world.step.offboarding,
        "offboardingstep": world.step,
        "cuec": world.cuec,
        "reportcondition": world.report_condition,
        "key": world.key,
        "finding": world.finding,
        "subject": world.vendor,
        "pack": world.pack,
        "costplan": world.plan,
        "directory": world.directory_group.directory,
        "directorytoken": world.directory_group.directory,
        "directorygroup": world.directory_group,
        "user": world.people["viewer"],
        "inquiry": world.inquiry,
        "questionsheet": world.sheet,
        "questionnaire": questionnaire,
        "question": questionnaire.questions.get(code="T1"),
        "answer": world.answer,
        "legalhold": world.hold,
        "exclusiveroles": world.pair,
        "grant": world.grant,
        "principal": world.grant.principal,
        "emergency": world.emergency,
        "usagesource": world.usage,
        "usageimport": world.usage,
        "usagemapping": world.usage,
    }.get(kind)


def address(name: str, world: World) -> str:
    """The address of a page about the objects of the world."""
    short_name = name.rsplit(":", maxsplit=1)[-1]
    kind = short_name.split("-", maxsplit=1)[0]
    shown = object_of(short_name, kind, world)
    known = {
        "slug": slug_of(short_name, kind, world),
        "pk": shown and shown.pk,
        "kind": "vendor" if kind == "subject" else "csv",
        "dimension": "training_use",
        "what": "vendors",
        "step": 1,
        "section": "report" if kind == "reportdraft" else "baa",
        "number": 1,
        "token": world.link,
        "call_id": world.call.call_id,
        "uidb36": "1",
        "key": "set-password",
        "place": "000.p/1" if name.endswith("-entries") else "0/000.p/1",
        "entry": "0",
        "uid": "00000000-0000-4000-8000-000000000000",
        "name": "User",
        "rest": "nothing",
        "session": uuid.UUID(int=6),
        "kept": uuid.UUID(int=7),
        "index": world.call.index,
        "provider_id": "none",
        "organization_slug": "none",
    }
    parts = PATTERNS[name].pattern.converters or PATTERNS[name].pattern.regex.groupindex
    if name in OF_A_PASSKEY:
        return reverse(name, kwargs={"pk": 1})
    return reverse(name, kwargs={part: known[part] for part in parts})


# One worker builds the world, not each.
pytestmark = pytest.mark.xdist_group("matrix")


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


def ask(client, method: str, url: str) -> int:
    """The status of an answer; whatever it did is undone."""
    point = transaction.savepoint()
    json = {"data": "{}", "content_type": "application/json"}
    body = json if method == "post" and url.startswith(("/api/", "/access/v1/")) else {}
    answer = getattr(client, method)(url, **body)
    if answer.streaming:
        for _ in answer.streaming_content:
            pass
    transaction.savepoint_rollback(point)
    return answer.status_code


def expected(rule: Rule, method: str, who: str, *, api: bool) -> set[int] | None:
    """The statuses that may come; None for whatever comes behind the door."""
    allowed = rule.get if method == "get" else rule.post
    if allowed is None:
        return {405, rule.otherwise}
    if who in allowed:
        return None
    return {401, 403} if api else {rule.otherwise}


@pytest.mark.django_db
@pytest.mark.parametrize("who", PEOPLE)
def test_each_role_gets_what_the_table_says(world, client, who):
    client.raise_request_exception = False
    client.force_login(world.people[who])
    wrong = []
    for name, rule in RULES.items():
        url = address(name, world)
        for method in ("get", "post"):
            cache.clear()
            status = ask(client, method, url)
            wanted = expected(rule, method, who, api=url.startswith(FOR_PROGRAMS))
            behind = status < 500 and status not in (401, 403, 405)
            if behind if wanted is None else status in wanted:
                continue
            wrong.append(f"{method} {name}: {status}, not {wanted or 'past the door'}")
    assert not wrong


@pytest.mark.django_db
@pytest.mark.parametrize("name", RULES)
def test_strangers_are_sent_away(world, client, name):
    url = address(name, world)
    for method in ("get", "post"):
        answer = getattr(client, method)(url)
        if url.startswith(FOR_PROGRAMS) and name != "portal-api:docs":
            assert answer.status_code == 401
        else:
            assert answer.status_code == 302
            assert answer.url.startswith("/accounts/login/")


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(OPEN | STEPS | OWN_ACCOUNT | CLOSED))
def test_pages_of_accounts_are_open_own_or_closed(world, client, name):
    client.raise_request_exception = False
    url = address(name, world)
    stranger = ask(client, "get", url)
    client.force_login(world.people["viewer"])
    person = ask(client, "get", url)
    if name in CLOSED:
        assert (stranger, person) == (302, 404)
    elif name in OWN_ACCOUNT:
        assert stranger == 302
        # 404: a page about a factor of their own that this person does not have
        assert person in (200, 302, 403, 404)
    elif name in STEPS:
        assert (stranger, person) == (302, 302)
    else:
        assert stranger in (200, 404, 405)


def test_every_address_is_in_the_table():
    assert set(PATTERNS) == set(RULES) | OPEN | STEPS | OWN_ACCOUNT | CLOSED


EXPORTS = sorted(
    name
    for name in PATTERNS
    if name.endswith("-export") or "kind" in PATTERNS[name].pattern.converters
)


@pytest.mark.django_db
@pytest.mark.parametrize("name", EXPORTS)
def test_a_file_of_a_kind_that_nobody_makes_is_not_found(world, client, name):
    client.force_login(world.people["officer"])
    url = address(name, world).replace("/csv/", "/exe/").replace("/vendor/", "/exe/")
    assert ask(client, "get", f"{url}?kind=exe") in (400, 404)


def test_addresses_without_a_name_are_those_that_are_closed():
    nameless = [str(each.pattern) for each in get_resolver().url_patterns if not _has_name(each)]
    assert nameless == [
        "accounts/email/",
        "accounts/confirm-email/",
        "accounts/confirm-email/<path:key>",
        "accounts/login/code/confirm/",
        "accounts/3rdparty/",
        "accounts/3rdparty/signup/",
        "accounts/3rdparty/login/<path:rest>",
        "accounts/social/<path:rest>",
        "accounts/2fa/recovery-codes/download/",
        "api/",
        "api/<path:rest>",
    ]


def _has_name(each: URLPattern | URLResolver) -> bool:
    return isinstance(each, URLResolver) or bool(each.name)
