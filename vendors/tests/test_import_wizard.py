"""The import as a person goes through it: file, columns, what would change, confirmed, stored."""

import csv
import datetime as dt
import io

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from vendors.imports.kinds import KINDS
from vendors.models import Agreement, AssuranceReport, Fact, RegisterImport, Service, Vendor
from vendors.services.importing import imports
from vendors.tasks import apply_import, drop_import_files
from vendors.tests import make
from vendors.tests.make import TODAY
from vendors.tests.test_sheets import workbook

GOOD = 'Vendor,Legal entity,Criticality\nAlder,"Alder, Inc.",High\nBirch,,low\n'


MAY = (
    "vendors.view_registerimport",
    "vendors.import_register",
    "vendors.view_vendor",
    *{permission for kind in KINDS.values() for permission in kind.permissions},
)


@pytest.fixture
def officer(db, client):
    made = make.person(*MAY)
    client.force_login(made)
    return made


@pytest.fixture
def celery(monkeypatch):
    """Takes what is enqueued and does it when asked: a worker of its own."""
    waiting = []
    monkeypatch.setattr(apply_import, "delay_on_commit", waiting.append)
    return waiting


def upload(client, content, kind="vendors", name="list.csv"):
    content = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("vendors:import-create"), {"kind": kind, "file": file})


def go(client, content, kind="vendors", **columns) -> RegisterImport:
    """Upload, keep or change the proposed columns, and look at what would change."""
    answer = upload(client, content, kind)
    assert answer.status_code == 302, answer.context["form"].errors
    imported = RegisterImport.objects.latest("pk")
    mapping = {name: str(place) for name, place in imported.mapping.items()} | columns
    answer = client.post(
        reverse("vendors:import-columns", args=[imported.pk]), mapping | {"sheet": imported.sheet}
    )
    assert answer.status_code == 302, answer.context["form"].errors
    return RegisterImport.objects.get(pk=imported.pk)


def check(client, imported, **query):
    return client.get(reverse("vendors:import-check", args=[imported.pk]), query)


def confirm(client, imported, digest=None):
    digest = digest or check(client, imported).context["plan"].digest
    return client.post(
        reverse("vendors:import-confirm", args=[imported.pk]), {"plan": digest}, follow=True
    )


def work(waiting) -> RegisterImport:
    pk = waiting.pop()
    apply_import(pk)
    return RegisterImport.objects.get(pk=pk)


def test_a_good_file_goes_from_upload_to_the_register(officer, client, celery):
    imported = go(client, GOOD)
    page = check(client, imported)
    assert page.context["counts"] == {"new": 2, "changed": 0, "same": 0, "error": 0}
    assert not Vendor.objects.exists()
    confirm(client, imported)
    assert RegisterImport.objects.get().state == "applying"
    assert not Vendor.objects.exists()
    done = work(celery)
    assert (done.state, done.counts["new"], done.created_by) == ("applied", 2, officer)
    alder = Vendor.objects.get(slug="alder")
    assert (alder.legal_name, alder.criticality, alder.state) == ("Alder, Inc.", "high", "prospect")
    page = client.get(reverse("vendors:import-detail", args=[imported.pk])).text
    assert reverse("vendors:vendor-detail", args=["alder"]) in page


def test_a_column_of_any_number_is_refused(officer, client):
    upload(client, GOOD)
    imported = RegisterImport.objects.get()
    mapping = dict.fromkeys(imported.mapping, "9" * 5000)
    columns = reverse("vendors:import-columns", args=[imported.pk])
    answer = client.post(columns, mapping | {"sheet": imported.sheet})
    assert answer.status_code == 200
    assert answer.context["form"].errors


def test_the_history_names_who_imported(officer, client, celery):
    confirm(client, go(client, GOOD))
    work(celery)
    entry = LogEntry.objects.get_for_object(Vendor.objects.get(slug="birch")).get()
    assert entry.actor == officer


def test_the_same_file_again_says_same_and_cannot_be_confirmed(officer, client, celery):
    confirm(client, go(client, GOOD))
    work(celery)
    again = go(client, GOOD)
    page = check(client, again)
    assert page.context["counts"] == {"new": 0, "changed": 0, "same": 2, "error": 0}
    answer = confirm(client, again)
    assert imports.NOTHING in answer.text
    assert celery == []


def test_a_line_with_an_error_stops_the_whole_file(officer, client, celery):
    imported = go(client, GOOD + "Cedar,,enormous\n")
    page = check(client, imported)
    assert page.context["counts"]["error"] == 1
    assert "Write one of: Low, Medium, High, Critical." in page.text
    assert "enormous" not in page.text
    answer = confirm(client, imported)
    assert imports.HAS_ERRORS in answer.text
    assert not Vendor.objects.exists()
    assert celery == []


def test_the_lines_can_be_narrowed_to_the_errors_and_downloaded(officer, client):
    imported = go(client, GOOD + "=cmd|' /C calc'!A0,x,enormous\n")
    page = check(client, imported, show="error")
    assert [line.number for line, *_ in page.context["lines"]] == [4]
    answer = client.get(reverse("vendors:import-errors", args=[imported.pk]))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "Line,Column,What is wrong,Vendor,Legal entity,Criticality"
    assert lines[1].startswith("4,Criticality,")
    assert "'=cmd" in lines[1]


def test_the_columns_can_be_changed(officer, client):
    content = "A,B\nAlder,high\n"
    imported = go(client, content, name="0", criticality="1")
    (line,) = check(client, imported).context["plan"].lines
    assert (line.outcome, line.values) == ("new", {"name": "Alder", "criticality": "high"})


@pytest.mark.parametrize(
    ("columns", "field"),
    [({"name": "0", "slug": "0"}, "slug"), ({"name": "7"}, "name"), ({}, None)],
)
def test_columns_that_cannot_be_are_refused(officer, client, columns, field):
    upload(client, "A,B\nAlder,high\n")
    imported = RegisterImport.objects.get()
    answer = client.post(reverse("vendors:import-columns", args=[imported.pk]), columns)
    assert answer.status_code == 200
    assert set(answer.context["form"].errors) == {field or "__all__"}


def test_a_sheet_of_a_workbook_can_be_chosen(officer, client):
    content = workbook([["Note"], ["x"]], [["Vendor"], ["Alder"]])
    upload(client, content, name="book.xlsx")
    imported = RegisterImport.objects.get()
    url = reverse("vendors:import-columns", args=[imported.pk])
    assert client.get(url).context["table"].sheet == "Vendors"
    page = client.get(url, {"sheet": "More"})
    assert page.context["form"]["name"].value() == "0"
    client.post(url, {"sheet": "More", "name": "0"})
    assert check(client, imported).context["counts"]["new"] == 1
    assert client.get(url, {"sheet": "Nowhere"}).status_code == 302


@pytest.mark.parametrize(
    "content",
    [b"", b"Vendor\n", b"PK\x03\x04x", b"\x00\x01\x02", b'Vendor\n"x', b"Vendor,vendor\na,b\n"],
)
def test_a_file_that_cannot_be_read_is_refused_and_nothing_is_kept(officer, client, content):
    answer = upload(client, content)
    assert answer.status_code == 200
    assert answer.context["form"].errors["file"]
    assert not RegisterImport.objects.exists()


def test_a_register_that_changed_since_the_look_refuses(officer, client, celery):
    make.vendor("Alder", slug="alder", criticality="low")
    imported = go(client, GOOD)
    seen = check(client, imported).context["plan"].digest
    alder = Vendor.objects.get(slug="alder")
    alder.criticality = "critical"
    alder.save()
    answer = confirm(client, imported, seen)
    assert imports.CHANGED_SINCE in answer.text
    assert celery == []


def test_a_change_between_confirmation_and_the_worker_sends_it_back(officer, client, celery):
    imported = go(client, GOOD)
    confirm(client, imported)
    make.vendor("Birch", slug="birch-ai")
    done = work(celery)
    assert (done.state, done.refusal) == ("draft", imports.CHANGED_SINCE)
    assert not Vendor.objects.filter(slug="alder").exists()
    page = check(client, imported)
    assert imports.CHANGED_SINCE in page.text
    confirm(client, imported)
    assert work(celery).state == "applied"


def test_a_row_that_the_services_refuse_takes_all_others_back(officer, client, celery, monkeypatch):
    imported = go(client, GOOD)
    confirm(client, imported)
    real = imports.store
    asked = []

    def second_one_refused(kind, line, storing):
        asked.append(line)
        if len(asked) == 2:
            raise imports.ValidationError({"name": "A vendor of this name exists."})
        return real(kind, line, storing)

    monkeypatch.setattr(imports, "store", second_one_refused)
    done = work(celery)
    assert done.refusal == "Line 3: A vendor of this name exists. Nothing was stored."
    assert not Vendor.objects.exists()


def test_a_worker_that_gets_the_task_twice_applies_once(officer, client, celery):
    confirm(client, go(client, GOOD))
    (pk,) = celery
    work(celery)
    apply_import(pk)
    assert Vendor.objects.count() == 2


def test_everything_comes_in_through_the_services(officer, client, celery):
    files = {
        "vendors": "Vendor\nAlder\n",
        "services": (
            "Vendor,Service,Provider,Deployment,Endpoint hosts,Models,Regions\n"
            "Alder,Chat,alder,Private endpoint,b.alder.example;a.alder.example,"
            '"gpt-*; o9 = preview","us-east-1 = processing, contract; eu-west-1 = failover"\n'
        ),
        "agreements": (
            "Vendor,Kind,Reference,Counterparty,Effective,Expires,Covers,Owner\n"
            "Alder,BAA,BAA-1,Alder Inc,2026-01-01,2026-12-31,"
            f"chat | gpt-* | us-east-1,{officer.email}\n"
        ),
        "reports": (
            "Vendor,Kind,Period from,Period to,Auditor,Categories,In scope\n"
            "Alder,SOC 2 Type II,2025-07-01,2026-06-30,Audit LLP,Privacy; Security,Chat\n"
        ),
        "facts": (
            "Vendor,Service,Question,Value,Days,Grade,Source\n"
            "Alder,Chat,Default retention (days),Days,30,Public page,https://alder.example/terms\n"
        ),
    }
    for kind, content in files.items():
        confirm(client, go(client, content, kind))
        done = work(celery)
        assert (done.state, done.refusal) == ("applied", "")
        again = go(client, content, kind)
        assert check(client, again).context["counts"]["same"] == 1
        assert client.get(reverse("vendors:import-detail", args=[done.pk])).status_code == 200
    service = Service.objects.get()
    assert service.endpoint_hosts == ["a.alder.example", "b.alder.example"]
    assert [(m.pattern, m.lifecycle) for m in service.offered_models.all()] == [
        ("gpt-*", "ga"),
        ("o9", "preview"),
    ]
    assert [(r.region, r.purpose, r.guarantee) for r in service.regions.all()] == [
        ("eu-west-1", "failover", "configurable"),
        ("us-east-1", "processing", "contract"),
    ]
    agreement = Agreement.objects.get()
    assert (agreement.recorded_by, agreement.owner) == (officer, officer)
    scope = agreement.scopes.get()
    assert (scope.service, scope.model_pattern, scope.region) == (service, "gpt-*", "us-east-1")
    report = AssuranceReport.objects.get()
    assert (report.review, report.categories) == ("pending", ["privacy", "security"])
    fact = Fact.objects.get()
    assert (fact.number, fact.verified_by) == (30, officer)


def test_a_change_of_one_column_leaves_the_others(officer, client, celery):
    service = make.service(make.vendor("Alder", slug="alder"), name="Chat", plan="Team")
    content = "Vendor,Service,Plan\nAlder,Chat,Enterprise\n"
    confirm(client, go(client, content, "services"))
    assert work(celery).state == "applied"
    service.refresh_from_db()
    assert service.plan == "Enterprise"
    assert service.offered_models.get().pattern == "gpt-*"
    assert service.regions.get().guarantee == "contract"


def test_the_list_of_vendors_can_be_taken_out_and_in_again(officer, client):
    make.vendor("=Alder", slug="alder", legal_name="+Alder", criticality="critical", owner=officer)
    make.service(make.vendor("Birch", slug="birch"))
    for kind in ("csv", "xlsx"):
        answer = client.get(reverse("vendors:vendor-export", args=[kind]))
        imported = go(client, b"".join(answer.streaming_content))
        counts = check(client, imported).context["counts"]
        assert counts == {"new": 0, "changed": 0, "same": 2, "error": 0}


@pytest.fixture
def reader(officer):
    """The officer, who may also see every kind of row."""
    for name in ("service", "agreement", "assurancereport", "fact"):
        permission = make.Permission.objects.get(codename=f"view_{name}")
        officer.user_permissions.add(permission)
    return officer


@pytest.mark.parametrize("what", list(KINDS))
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_taken_out_can_be_taken_in_again(reader, client, what, kind):
    vendor = make.vendor("-Alder", slug="alder", description="two\nlines", owner=reader)
    service = make.service(vendor, name="Chat; voice" if what == "vendors" else "Chat")
    old = make.baa(vendor, owner=reader, superseded_on=TODAY, notice_days=30)
    make.baa(vendor, reference=old.reference, version=2, amends=old, starts_on=TODAY)
    make.report(vendor, by=reader)
    make.fact(service, dimension="byok", value="yes", model_pattern="gpt-*", page="7")
    answer = client.get(reverse("vendors:import-export", args=[what, kind]))
    imported = go(client, b"".join(answer.streaming_content), what)
    plan = check(client, imported).context["plan"]
    assert [line.faults for line in plan.lines if line.faults] == []
    assert {line.outcome.value for line in plan.lines} == {"same"}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_list_of_services_can_be_taken_out_and_in_again(reader, client, kind):
    vendor = make.vendor("Alder", slug="alder")
    make.service(vendor, name="Chat", endpoint_hosts=["b.example", "a.example"], plan="Team")
    make.service(vendor, name="Voice", retired_on=TODAY)
    answer = client.get(reverse("vendors:service-export", args=[kind]), {"offered": "yes"})
    imported = go(client, b"".join(answer.streaming_content), "services")
    assert check(client, imported).context["counts"]["same"] == 1


def test_the_list_of_services_is_narrowed_and_takes_few_queries(
    reader, client, django_assert_max_num_queries
):
    vendor = make.vendor("Alder", slug="alder")
    for number in range(5):
        make.service(vendor, name=f"Chat {number}")
    make.service(name="Voice")
    url = reverse("vendors:service-list")
    with django_assert_max_num_queries(12):
        page = client.get(url, {"q": "alder", "sort": "-name"})
    names = [service.name for service in page.context["page_obj"]]
    assert names == [f"Chat {number}" for number in (4, 3, 2, 1, 0)]
    assert not client.get(url, {"offered": "no"}).context["page_obj"].object_list


@pytest.mark.parametrize("what", list(KINDS))
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_template_can_be_read_with_its_columns_found(officer, client, what, kind):
    answer = client.get(reverse("vendors:import-template", args=[what, kind]))
    upload(client, b"".join(answer.streaming_content), what)
    imported = RegisterImport.objects.get()
    assert set(imported.mapping) == {column.name for column in KINDS[what].columns}


def test_what_others_uploaded_is_theirs(officer, client):
    imported = go(client, GOOD)
    client.force_login(make.person(*MAY))
    for name in ("columns", "check", "errors"):
        assert client.get(reverse(f"vendors:import-{name}", args=[imported.pk])).status_code == 404
    for name in ("confirm", "discard"):
        assert client.post(reverse(f"vendors:import-{name}", args=[imported.pk])).status_code == 404
    assert client.get(reverse("vendors:import-detail", args=[imported.pk])).status_code == 200


def test_only_what_one_may_store_by_hand_can_be_imported(db, client):
    client.force_login(
        make.person("vendors.import_register", "vendors.add_vendor", "vendors.change_vendor")
    )
    page = client.get(reverse("vendors:import-create"))
    assert [c[0] for c in page.context["form"].fields["kind"].choices] == ["vendors"]
    assert upload(client, "Vendor,Service\nA,B\n", "services").status_code == 200
    assert not RegisterImport.objects.exists()


def test_a_discarded_import_loses_its_file_at_once(officer, client):
    imported = go(client, GOOD)
    client.post(reverse("vendors:import-discard", args=[imported.pk]))
    stored = RegisterImport.objects.get()
    assert stored.state == "discarded"
    assert not hasattr(stored, "file")
    for name in ("columns", "check"):
        answer = client.get(reverse(f"vendors:import-{name}", args=[imported.pk]))
        assert answer.status_code == 302


def test_files_are_dropped_when_they_are_old(officer, client, celery, settings):
    confirm(client, go(client, GOOD))
    work(celery)
    go(client, GOOD)
    settings.IMPORT_FILE_DAYS = 30
    drop_import_files()
    assert all(hasattr(i, "file") for i in RegisterImport.objects.all())
    later = timezone.now() + dt.timedelta(days=31)
    assert imports.drop_files(at=later, days=30) == 2
    states = RegisterImport.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["applied", "discarded"]


def test_the_pages_take_few_queries(officer, client, celery, django_assert_max_num_queries):
    imported = go(client, GOOD)
    with django_assert_max_num_queries(12):
        check(client, imported)
    confirm(client, imported)
    work(celery)
    with django_assert_max_num_queries(9):
        client.get(reverse("vendors:import-detail", args=[imported.pk]))
    with django_assert_max_num_queries(8):
        client.get(reverse("vendors:import-list"))


def test_the_list_of_imports_can_be_taken_out(officer, client, celery):
    confirm(client, go(client, GOOD))
    work(celery)
    upload(client, GOOD, name="=cmd().csv")
    answer = client.get(reverse("vendors:registerimport-export", args=["csv"]))
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(row["File"], row["State"]) for row in rows] == [
        ("'=cmd().csv", "Not confirmed"),
        ("list.csv", "Applied"),
    ]
    assert (rows[1]["New"], rows[1]["By"]) == ("2", str(officer))
    xlsx = client.get(reverse("vendors:registerimport-export", args=["xlsx"]))
    assert xlsx.getvalue().startswith(b"PK")
    other = reverse("vendors:registerimport-export", args=["pdf"])
    assert client.get(other).status_code == 404
