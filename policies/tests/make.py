"""Plain functions that make a good case; a test breaks one thing of it."""

from __future__ import annotations

import datetime as dt
from itertools import count

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from guardian.shortcuts import assign_perm

from countersign.canonical import digest
from countersign.rules import Policy
from countersign.rules.claims import claim
from policies.models import (
    Approval,
    DataClass,
    DataPolicy,
    Grant,
    Integration,
    IntegrationKey,
    PolicyVersion,
    Principal,
    PrincipalGroup,
)
from policies.roles import OWNER
from policies.services import policy_uses, versions
from policies.services.deciding import material_terms
from policies.services.granting import Wanted, give_grant
from policies.services.keys import make_secret
from policies.services.people import sync_roles
from policies.services.principals import principal_of
from policies.services.secret_texts import hash_secret
from vendors.models import Service
from vendors.tests import make
from vendors.tests.make import TODAY, YEAR

ROLES = {
    "officer": "Compliance officer",
    "engineer": "Engineer",
    "auditor": "Auditor",
    "viewer": "Viewer",
    "administrator": "Administrator",
}
NOON = dt.datetime.combine(TODAY, dt.time(12), dt.UTC)
_number = count(1)


def person(role: str = "", email: str = ""):
    """An active person with one of ROLES, or with none."""
    user = get_user_model().objects.create_user(
        email or f"{role or 'person'}{next(_number)}@example.com"
    )
    if role:
        user.groups.add(_group(ROLES[role]))
    return user


def _group(name: str) -> Group:
    """A role's group. The tests' database holds all of them; one that took them away gets them."""
    found = Group.objects.filter(name=name).first()
    if found is None:
        sync_roles()
        found = Group.objects.get(name=name)
    return found


def data_class(slug: str = "phi", **fields) -> DataClass:
    """A class whose every reason blocks; PHI unless told otherwise."""
    fields = {"name": slug.upper(), "is_phi": slug == "phi", **fields}
    return DataClass.objects.get_or_create(slug=slug, defaults=fields)[0]


def good_service() -> Service:
    """A service for which every check passes: approved vendor, BAA, report, fresh facts."""
    made = make.service()
    make.baa(made.vendor)
    make.report(made.vendor, by=person())
    return made


def integration(**fields) -> Integration:
    """A draft of a PHI use of a good service, owned by an engineer."""
    number = next(_number)
    classes = fields.pop("data_classes", None)
    fields = {
        "slug": f"integration-{number}",
        "name": f"Integration {number}",
        "purpose": "treatment",
        "description": "Summarises intake notes.",
        "model_patterns": ["gpt-*"],
        "region": "us-east-1",
        **fields,
    }
    fields.setdefault("service", None)
    fields["service"] = fields["service"] or good_service()
    fields["owner"] = fields.get("owner") or person("engineer")
    made = Integration.objects.create(**fields)
    made.data_classes.set([data_class()] if classes is None else classes)
    for permission in OWNER:
        assign_perm(permission, made.owner, made)
    return made


def approve(made: Integration, *, by=None, on: dt.date = TODAY) -> Approval:
    """Approve the integration as it stands, for a year, and set it to work."""
    terms = material_terms(made)
    approval = Approval.objects.create(
        integration=made,
        decision=Approval.Decision.APPROVE,
        terms=terms,
        terms_digest=digest(terms),
        expires_on=on + YEAR,
        decided_by=by or person("officer"),
        decided_at=dt.datetime.combine(on, dt.time(9), dt.UTC),
    )
    made.state = Integration.State.ACTIVE
    made.save()
    return approval


def active_integration(**fields) -> Integration:
    made = integration(**fields)
    approve(made)
    return made


def grant(of: Integration, to, *names: str, at: dt.datetime = NOON, **fields) -> list[Grant]:
    """Grants of a person, a principal or a group on the integration, for 30 days from `at`."""
    by = fields.pop("by", None) or person("officer")
    if isinstance(to, PrincipalGroup):
        holder = {"group": to}
    else:
        holder = {"principal": to if isinstance(to, Principal) else principal_of(to, at=at)}
    fields = {"purpose": "Intake notes", "ends_at": at + dt.timedelta(days=30), **fields}
    return [
        give_grant(of, Wanted(permission=name, **holder, **fields), by=by, at=at)
        for name in names or ("send_prompt",)
    ]


def key(
    of: Integration, *, secret: str = "", at: dt.datetime = NOON, **fields
) -> tuple[IntegrationKey, str]:
    """A live key that writes and reads, and its secret."""
    number = next(_number)
    public_id = fields.pop("public_id", f"id{number:010d}")
    secret = secret or make_secret(public_id, livemode=fields.get("livemode", True))
    fields = {
        "name": "test",
        "public_id": public_id,
        "scopes": [s.value for s in IntegrationKey.Scope],
        "created_at": at - dt.timedelta(days=1),
        "expires_at": at + dt.timedelta(days=300),
        **fields,
    }
    sha256 = hash_secret(secret)
    return IntegrationKey.objects.create(integration=of, secret_sha256=sha256, **fields), secret


def policy_version(
    policy: DataPolicy | None = None, *, document=None, at: dt.datetime = NOON, by=None
) -> PolicyVersion:
    """A version that waits for a decision; of a new policy and saying what the starter says."""
    document = versions.starter_document() if document is None else document
    by = by or person("officer")
    if policy is None:
        number = next(_number)
        policy = DataPolicy.objects.create(
            slug=f"policy-{number}", name=f"Policy {number}", created_by=by, created_at=at
        )
    parsed = Policy.parse(document)
    return PolicyVersion.objects.create(
        policy=policy,
        number=policy.versions.count() + 1,
        document=document,
        digest=parsed.digest,
        claim=claim(parsed).kind,
        note="A first version.",
        made_by=by,
        made_at=at,
    )


def data_policy(*, document=None, at: dt.datetime = NOON) -> DataPolicy:
    """A data policy with a version in force from `at` on."""
    version = policy_version(document=document, at=at)
    return versions.approve(version, by=person("officer"), at=at).policy


def ruled(of: Integration, *, document=None, at: dt.datetime = NOON) -> DataPolicy:
    """The policy that the integration goes by from `at` on: a new one."""
    policy = data_policy(document=document, at=at)
    policy_uses.assign(of, policy, by=person("officer"), at=at)
    return policy
