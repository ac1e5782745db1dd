"""What each line of a file would do: as tables, without a browser."""

import datetime as dt

import pytest

from vendors.imports.cells import BadCell
from vendors.imports.kinds import KINDS
from vendors.imports.planning import plan, propose
from vendors.services.importing.known import known
from vendors.sheets import read_table
from vendors.tests import make
from vendors.tests.make import TODAY

pytestmark = pytest.mark.django_db


def planned(kind: str, text: str):
    """The plan for a CSV text against the register as it stands."""
    table = read_table(text.encode())
    chosen = KINDS[kind]
    mapping = propose(chosen, table.headings)
    return plan(chosen, table.rows, mapping, known(chosen, TODAY))


def outcomes(kind: str, text: str) -> list[str]:
    return [line.outcome.value for line in planned(kind, text).lines]


def faults(kind: str, text: str) -> list[tuple[int, str, str]]:
    """Line, column and message of everything that is refused."""
    lines = planned(kind, text).lines
    return [(line.number, f.heading, f.message) for line in lines for f in line.faults]


def test_a_vendor_is_new_changed_or_the_same():
    make.vendor("Alder", slug="alder", website="https://alder.example", criticality="low")
    make.vendor("Birch", slug="birch", criticality="high")
    text = (
        "Vendor,Website,Criticality\n"
        "ALDER,https://alder.example,Low\n"
        "Birch,birch.example,critical\n"
        "Cedar,,Medium\n"
    )
    lines = planned("vendors", text).lines
    assert [line.outcome.value for line in lines] == ["changed", "changed", "new"]
    assert [(c.heading, c.old, c.new) for c in lines[0].changes] == [("Vendor", "Alder", "ALDER")]
    assert [(c.heading, c.old, c.new) for c in lines[1].changes] == [
        ("Website", "", "https://birch.example"),
        ("Criticality", "High", "Critical"),
    ]
    assert outcomes("vendors", "Vendor,Criticality\nAlder,low\n") == ["same"]


def test_an_empty_cell_leaves_what_is_stored():
    make.vendor("Alder", slug="alder", website="https://alder.example")
    assert outcomes("vendors", "Vendor,Website\nAlder,\n") == ["same"]


def test_a_short_name_finds_a_vendor_under_its_new_name_and_never_changes():
    make.vendor("Alder", slug="alder")
    make.vendor("Birch", slug="birch")
    assert outcomes("vendors", "Short name,Vendor\nalder,Alder AI\n") == ["changed"]
    assert faults("vendors", "Short name,Vendor\nalder,Birch\n") == [
        (2, "Vendor", "Another vendor has this name.")
    ]
    assert faults("vendors", "Short name,Vendor\nother,Birch\n") == [
        (2, "Vendor", "Another vendor has this name.")
    ]
    assert faults("vendors", "Short name,Vendor\nnew,Cedar\n") == [
        (2, "Short name", "This short name is taken.")
    ]


def test_lines_that_name_the_same_are_told_by_number():
    text = "Vendor\nAlder\nBirch\n alder \n"
    assert faults("vendors", text) == [(4, "", "Line 2 names the same.")]
    text = "Vendor,Short name\nAlder,x\nBirch,x\n"
    assert faults("vendors", text) == [(3, "Short name", "This short name is taken.")]


SECRET = "Mr Smith HIV"


@pytest.mark.parametrize(
    ("kind", "heading", "cell"),
    [
        ("vendors", "Criticality", SECRET),
        ("vendors", "Owner", SECRET),
        ("vendors", "Owner", "smith@hiv.example"),
        ("vendors", "Website", SECRET),
        ("vendors", "Website", "javascript:alert(1)"),
        ("vendors", "Website", "https://[bad"),
        ("vendors", "Days between reviews", "4000"),
        ("vendors", "Days between reviews", "٣"),
        ("vendors", "Days between reviews", "1e3"),
        ("vendors", "Short name", SECRET),
        ("vendors", "Legal entity", SECRET * 30),
        ("vendors", "Description", "Smith\x07"),
        ("services", "Vendor", SECRET),
        ("services", "Provider", SECRET),
        ("services", "Deployment", SECRET),
        ("services", "Endpoint hosts", SECRET),
        ("services", "Models", "gpt-4 = " + SECRET),
        ("services", "Models", "gpt-4; gpt-4"),
        ("services", "Regions", "us-east-1 = processing, contract, " + SECRET),
        ("agreements", "Kind", SECRET),
        ("agreements", "Reference", SECRET),
        ("agreements", "Effective", "11/12/2026"),
        ("agreements", "Effective", "2026-02-30"),
        ("agreements", "Expires", "2025-12-31"),
        ("agreements", "Breach notice days", "61"),
        ("agreements", "Covers", SECRET),
        ("agreements", "Version", "2"),
        ("reports", "Kind", SECRET),
        ("reports", "Categories", "Security; " + SECRET),
        ("reports", "In scope", SECRET),
        ("reports", "Period to", "2025-01-01"),
        ("facts", "Question", SECRET),
        ("facts", "Value", SECRET),
        ("facts", "Days", "5"),
        ("facts", "Service", SECRET),
        ("facts", "Grade", SECRET),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_by_line_and_column_and_not_repeated(
    kind, heading, cell
):
    good = {
        "vendors": {"Vendor": "Cedar"},
        "services": {"Vendor": "Alder", "Service": "API", "Provider": "alder"},
        "agreements": {
            "Vendor": "Alder",
            "Kind": "BAA",
            "Reference": "B-1",
            "Counterparty": "Alder, Inc.",
            "Effective": "2026-01-01",
        },
        "reports": {
            "Vendor": "Alder",
            "Kind": "SOC 2 Type II",
            "Auditor": "Somebody",
            "Period from": "2025-07-01",
            "Period to": "2026-06-30",
        },
        "facts": {
            "Vendor": "Alder",
            "Service": "Chat",
            "Question": "Training on our data",
            "Value": "No",
            "Grade": "Contract",
            "Source": "the contract",
        },
    }[kind]
    make.service(make.vendor("Alder", slug="alder"), name="Chat", facts=False)
    text = lambda row: ",".join(row) + "\n" + ",".join(f'"{c}"' for c in row.values()) + "\n"  # noqa: E731
    assert outcomes(kind, text(good)) == ["new"]
    ((line, column, message),) = faults(kind, text({**good, heading: cell}))
    assert (line, column) == (2, heading)
    assert "Smith" not in message
    assert cell not in message


@pytest.mark.parametrize("kind", ["services", "agreements", "reports", "facts"])
def test_what_a_line_cannot_do_without_is_asked_for(kind):
    make.vendor("Alder", slug="alder")
    for text in ("Vendor\nAlder\n", "Vendor,Owner\n,x@example.com\n"):
        assert outcomes(kind, text) == ["error"]


def test_a_service_is_found_by_its_vendor_and_name_with_models_and_regions():
    service = make.service(make.vendor("Alder", slug="alder"), name="Chat")
    assert service.regions.get().guarantee == "contract"
    same = 'Vendor,Service,Models,Regions\nAlder,chat,gpt-*,"us-east-1 = processing, contract"\n'
    line = planned("services", same.replace("chat", "Chat")).lines[0]
    assert line.outcome == "same"
    other = same.replace("chat", "Chat").replace("gpt-*", "gpt-*; o9 = preview")
    (change,) = planned("services", other).lines[0].changes
    assert (change.old, change.new) == ("gpt-* = ga", "gpt-* = ga; o9 = preview")


def test_a_stored_agreement_is_amended_on_its_page_and_not_by_a_file():
    vendor = make.vendor("Alder", slug="alder")
    make.service(vendor, name="Chat")
    make.baa(vendor, reference="BAA-7", notice_days=30, counterparty="Alder, Inc.")
    head = "Vendor,Kind,Reference,Notice days,Covers\n"
    assert outcomes("agreements", head + "Alder,BAA,BAA-7,30,chat\n") == ["same"]
    ((line, column, message),) = faults("agreements", head + "Alder,BAA,BAA-7,60,Chat\n")
    assert (line, column) == (2, "Notice days")
    assert "amend it" in message


def test_an_owner_of_an_agreement_may_change():
    vendor = make.vendor("Alder", slug="alder")
    make.baa(vendor, reference="BAA-7")
    owner = make.person()
    text = f"Vendor,Kind,Reference,Owner\nAlder,BAA,BAA-7,{owner.email.upper()}\n"
    assert outcomes("agreements", text) == ["changed"]


def test_agreements_that_overlap_are_refused_in_the_register_and_in_the_file():
    vendor = make.vendor("Alder", slug="alder")
    make.baa(vendor, starts_on=dt.date(2026, 1, 1), ends_on=dt.date(2026, 12, 31))
    head = "Vendor,Kind,Reference,Counterparty,Effective,Expires\n"
    stored = head + "Alder,BAA,B-1,Alder Inc,2026-12-31,2027-12-31\n"
    assert faults("agreements", stored) == [
        (2, "Effective", "This overlaps an agreement of the same kind and account.")
    ]
    in_file = (
        head
        + "Alder,BAA,B-1,Alder Inc,2027-01-01,2027-12-31\n"
        + "Alder,DPA,D-1,Alder Inc,2027-01-01,\n"
        + "Alder,BAA,B-2,Alder Inc,2027-06-01,2028-12-31\n"
    )
    assert outcomes("agreements", in_file) == ["new", "new", "error"]


def test_a_service_of_another_vendor_cannot_be_covered():
    make.service(make.vendor("Alder", slug="alder"), name="Chat")
    make.service(make.vendor("Birch", slug="birch"), name="Voice")
    text = (
        "Vendor,Kind,Reference,Counterparty,Effective,Covers\n"
        "Alder,BAA,B-1,Alder Inc,2026-01-01,Voice\n"
    )
    assert [f[1] for f in faults("agreements", text)] == ["Covers"]


def test_a_report_is_known_by_vendor_kind_and_days():
    vendor = make.vendor("Alder", slug="alder")
    make.service(vendor, name="Chat")
    report = make.report(vendor, by=make.person())
    head = "Vendor,Kind,Period from,Period to,Auditor,In scope\n"
    days = f"{report.period_start},{report.period_end}"
    assert outcomes("reports", head + f"Alder,soc2_type2,{days},Example Audit LLP,Chat\n") == [
        "same"
    ]
    ((_, _, message),) = faults("reports", head + f"Alder,SOC 2 Type II,{days},Others,Chat\n")
    assert "Correct the report" in message
    both = "Vendor,Kind,As of,Auditor,In scope,Not in scope\n"
    both += "Alder,SOC 2 Type I,2026-01-01,X,Chat,Chat\n"
    assert [f[1] for f in faults("reports", both)] == ["Not in scope"]


def test_a_fact_is_compared_with_the_one_that_stands():
    service = make.service(make.vendor("Alder", slug="alder"), name="Chat")
    assert service.facts.filter(dimension="retention_days").exists()
    head = "Vendor,Service,Question,Value,Days,Grade,Source\n"
    row = "Alder,Chat,Default retention (days),Days,{},Contract,https://vendor.example/terms\n"
    assert outcomes("facts", head + row.format(0)) == ["same"]
    (line,) = planned("facts", head + row.format(30)).lines
    assert [(c.old, c.new) for c in line.changes] == [("0", "30")]


def test_the_digest_is_of_what_would_be_done():
    make.vendor("Alder", slug="alder", criticality="low")
    text = "Vendor,Criticality\nAlder,high\n"
    first = planned("vendors", text).digest
    assert planned("vendors", text).digest == first
    make.vendor("Birch", slug="birch")
    assert planned("vendors", text).digest == first
    vendor = make.Vendor.objects.get(slug="alder")
    vendor.criticality = "critical"
    vendor.save()
    assert planned("vendors", text).digest != first


def test_headings_are_matched_whatever_their_case_and_each_once():
    kind = KINDS["vendors"]
    assert propose(kind, ["owner_e-mail", "NAME", "Vendor", "x"])["name"] == 2
    assert propose(kind, ["Company *"]) == {"name": 0}


@pytest.mark.parametrize("column", [c for k in KINDS.values() for c in k.columns if c.example])
def test_every_example_can_be_read(column):
    try:
        column.read(column.example)
    except BadCell as bad:
        raise AssertionError(column.heading) from bad
