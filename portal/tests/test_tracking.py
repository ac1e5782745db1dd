"""Every change of the register, of policies and of people is in the history."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from auditlog.registry import auditlog
from django.apps import apps
from django.conf import settings
from django.db.models import ManyToManyField

APPS = ("vendors", "policies", "audits", "evidence", "portal")

# Models of these apps that the history leaves out, each with what tells their story instead.
ELSEWHERE = {
    "vendors.DefaultView": "with which view a person opens a list, for them alone",
    "vendors.Epoch": "a counter that triggers raise",
    "vendors.DocumentReading": "what a program read in a paper; a person confirms each line",
    "vendors.ReportDraft": "a review half written; the register has nothing of it yet",
    "vendors.ApiReplay": "the answer to a request that may come again; what it stored is in it",
    "vendors.ImportFile": "the bytes of an import's file until they are dropped",
    "vendors.Question": "free in a draft; a published version never changes and has a digest",
    "vendors.QuestionSheet": "an upload until a draft is made of it",
    "vendors.InquiryView": "who opened a link; a trail itself, append-only",
    "vendors.Submission": "what a vendor submitted; a trail itself, append-only",
    "vendors.AnswerFact": "which answer a fact came from; append-only, the fact is in the history",
    "policies.IntegrationDraft": "a form half filled in; the register has nothing of it yet",
    "policies.IntegrationEvent": "a trail itself, append-only",
    "policies.PolicyDraft": "a version half written; nothing is decided by it",
    "policies.PolicyEvent": "a trail itself, append-only",
    "policies.IssuedBundle": "what clients were given; reads of it are a trail of their own",
    "policies.PromptGrant": "a view; guardian's grants have their history",
    "policies.PrincipalUse": "when somebody called last, from the calls; decides nothing",
    "policies.SightingMark": "how far calls were looked through for actors; decides nothing",
    "policies.AccessReviewEntry": "a line of a frozen population; append-only",
    "policies.AccessReviewDecision": "a trail itself, append-only",
    "policies.AccessReviewProof": "a trail itself, append-only",
    "policies.KeyUse": "when a key was last used; decides nothing",
    "portal.DirectoryPerson": "what a directory says now; DirectoryEvent is its trail",
    "portal.DirectoryGroup": "likewise; which roles it gives is noted in the ledger",
    "portal.DirectoryMember": "likewise; roles that come of it are in the history of the person",
    "portal.DirectoryEvent": "a trail itself, append-only",
    "portal.PersonSession": "whose session, until it ends; security events tell what happened",
    "vendors.VendorTransition": "a trail itself, append-only",
}

# Calls that look like writes past save(), by module, function and name, each with why it may stay.
UNTRACKED_WRITES: dict[tuple[str, str, str], str] = {
    ("portal.services.bearers", "note_use", "update"): "when it was last used; decides nothing",
    ("audits.services.usage_imports", "note_try", "update"): "when it was asked; decides nothing",
}

BULK = {"bulk_create", "bulk_update", "abulk_create", "abulk_update", "_raw_delete"}
UPDATES = {"update", "aupdate"}


def test_the_history_covers_the_register_policies_and_people():
    expected = {
        model
        for app in ("vendors", "policies", "portal")
        for model in apps.get_app_config(app).get_models()
        if model._meta.label not in ELSEWHERE
    }
    assert expected <= set(auditlog.get_models())
    assert all(not auditlog.contains(apps.get_model(label)) for label in ELSEWHERE)


@pytest.mark.parametrize("model", auditlog.get_models(), ids=lambda m: m._meta.label)
def test_many_to_many_fields_are_covered_too(model):
    declared = {f.name for f in model._meta.get_fields() if isinstance(f, ManyToManyField)}
    entries = settings.AUDITLOG_INCLUDE_TRACKING_MODELS
    kept = {e["model"]: set(e.get("m2m_fields", ())) for e in entries if isinstance(e, dict)}
    assert declared == kept.get(model._meta.label, set())


@pytest.mark.parametrize("model", auditlog.get_models(), ids=lambda m: m._meta.label)
def test_secrets_are_left_out_or_hidden(model):
    fields = auditlog.get_model_fields(model)
    for field in model._meta.fields:
        if any(word in field.name for word in ("secret", "password", "token")):
            assert field.name in fields["exclude_fields"] + fields["mask_fields"]


def modules() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(settings.BASE_DIR).parts):
                yield path


class Writes(ast.NodeVisitor):
    """Finds calls that write rows without save(): bulk writes, and update() by keywords alone.

    dict.update and hashlib's update take a positional argument; QuerySet.update never does.
    """

    def __init__(self) -> None:
        self.function = ""
        self.found: list[tuple[str, str, str, int]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer, self.function = self.function, node.name
        self.generic_visit(node)
        self.function = outer

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Attribute):
            return
        name = node.func.attr
        if name in BULK or (name in UPDATES and node.keywords and not node.args):
            self.found.append((self.function, name, manager_of(node.func.value), node.lineno))


def manager_of(node: ast.expr) -> str:
    """The model in `Model.objects.filter(...)`; empty if the call begins with something else."""
    while True:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="objects"):
                return name
            case ast.Attribute(value=inner) | ast.Call(func=inner):
                node = inner
            case _:
                return ""


def writes(path: Path) -> list[tuple[str, str, str, int]]:
    visitor = Writes()
    visitor.visit(ast.parse(path.read_text()))
    return visitor.found


def test_nothing_is_written_past_the_history():
    tracked = {model.__name__ for model in auditlog.get_models()}
    known = {model.__name__ for model in apps.get_models()}
    seen, unexplained = set(), []
    for path in modules():
        name = ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)
        for function, call, model, line in writes(path):
            if model in known - tracked:
                continue
            seen.add((name, function, call))
            if (name, function, call) not in UNTRACKED_WRITES:
                unexplained.append(f"{name}:{line} {model or '?'} {call}")
    assert not unexplained
    assert seen == set(UNTRACKED_WRITES)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("Vendor.objects.filter(pk=1).update(name='x')", [("", "update", "Vendor", 1)]),
        ("rows.bulk_update(vendors, ['name'])", [("", "bulk_update", "", 1)]),
        ("vendor.services.all().update(plan='x')", [("", "update", "", 1)]),
        ("def f():\n    Fact.objects.bulk_create([])", [("f", "bulk_create", "Fact", 2)]),
        ("digest.update(b'x'); d.update({'a': 1}); vendor.save()", []),
    ],
)
def test_the_scan_sees_writes_past_save(tmp_path, code, found):
    path = tmp_path / "module.py"
    path.write_text(code)
    assert writes(path) == found
