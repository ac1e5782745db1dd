"""Pages on completeness: the list, an integration's days, sources, and the way of a file."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from audits.completeness.comparing import Count
from audits.models import ReadEvent, UsageCount, UsageImport, UsageMapping, UsageSource
from audits.tests import make_usage as make
from policies.tests import make as policies

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    cache.clear()
    user = policies.person("officer")
    client.force_login(user)
    return user


@pytest.fixture
def use():
    return policies.active_integration(name="Intake letters")


@pytest.fixture
def source(use):
    made = make.source(name="Their export")
    make.mapping(made, use, project="p1")
    return made


def ago(days: int) -> dt.date:
    return timezone.now().date() - dt.timedelta(days=days)


def upload(client, source, text: str, **fields):
    file = SimpleUploadedFile("usage.csv", text.encode(), "text/csv")
    return client.post(
        reverse("audits:usageimport-create", args=[source.pk]), {"file": file, **fields}
    )


def csv(*lines: str) -> str:
    return "\n".join(["day,project,model,requests,input_tokens,output_tokens", *lines]) + "\n"


def test_the_list_shows_the_difference_with_its_number_and_notes_the_read(
    client, officer, use, source, django_assert_max_num_queries
):
    make.called(use, ago(2), times=3)
    make.imported(source, Count(ago(2), "p1", requests=40), days=(ago(9), ago(1)))
    with django_assert_max_num_queries(16):
        page = client.get(reverse("audits:completeness-list")).content.decode()
    assert "Intake letters" in page
    assert "37" in page
    assert "Providers counted requests that nobody recorded" in page
    assert ReadEvent.objects.filter(subject="audits.usagecount").count() == 1


def test_an_integrations_page_has_its_days_chart_and_files(client, officer, use, source):
    make.called(use, ago(2), times=3)
    make.imported(source, Count(ago(2), "p1", requests=40), days=(ago(9), ago(1)))
    url = reverse("audits:integration-completeness", args=[use.slug])
    page = client.get(url).content.decode()
    assert 'id="completeness"' in page
    assert "+37" in page
    assert "<svg" in page
    table = client.get(f"{url}?days=14&export=csv").getvalue().decode()
    assert len(table.splitlines()) == 15
    assert f"{ago(2)},Unrecorded,40,3,3,37" in table
    assert client.get(f"{url}?export=xlsx").getvalue().startswith(b"PK")


def test_without_a_source_the_page_says_what_to_do(client, officer, use):
    page = client.get(reverse("audits:integration-completeness", args=[use.slug]))
    assert "Nothing to compare with" in page.content.decode()
    assert (
        "Nothing to compare yet" in client.get(reverse("audits:completeness-list")).content.decode()
    )


def test_the_owner_of_an_integration_sees_its_days_and_another_engineer_does_not(client, use):
    cache.clear()
    url = reverse("audits:integration-completeness", args=[use.slug])
    client.force_login(use.owner)
    assert client.get(url).status_code == 200
    client.force_login(policies.person("engineer"))
    assert client.get(url).status_code == 403


def test_a_file_is_looked_at_then_confirmed_then_stored_once(client, officer, source):
    text = csv(f"{ago(3)},p1,gpt-4.1,5,100,50", f"{ago(1)},p1,gpt-4.1,2,10,5")
    page = upload(client, source, text)
    assert page.status_code == 200
    assert "nothing is stored yet" in page.content.decode()
    assert not UsageImport.objects.exists()
    known = {name: page.context[name] for name in ("sha256",)}
    first, last = page.context["days"]
    confirm = reverse("audits:usageimport-confirm", args=[source.pk])
    posted = {**known, "first": first.isoformat(), "last": last.isoformat()}
    assert client.post(confirm, posted).status_code == 302
    stored = UsageImport.objects.get()
    assert (stored.first_day, stored.last_day, stored.line_count) == (ago(3), ago(1), 2)
    assert (stored.imported_by, stored.file_name) == (officer, "usage.csv")
    assert UsageCount.objects.count() == 2
    # The file is gone with it: the same form again does nothing.
    client.post(confirm, posted)
    assert UsageImport.objects.count() == 1


def test_days_that_the_person_names_are_covered_too_and_lines_outside_are_refused(
    client, officer, source
):
    text = csv(f"{ago(3)},p1,gpt-4.1,5,100,50")
    page = upload(client, source, text, first_day=ago(9), last_day=ago(1))
    assert page.context["days"] == (ago(9), ago(1))
    assert page.context["silent"] == 8
    assert upload(client, source, text, first_day=ago(2)).status_code == 400


def test_bad_lines_are_listed_and_nothing_is_stored(client, officer, source):
    text = csv(f"{ago(3)},p1,gpt-4.1,5,1,1", f"{ago(3)},Mr Smith <HIV>,gpt-4.1,many,1,1")
    page = upload(client, source, text).content.decode()
    assert "The file cannot be taken" in page
    assert "Smith" not in page
    assert "Write a whole number" in page
    assert not UsageImport.objects.exists()


@pytest.mark.parametrize("content", ["", "day\n", "\x00\x01", "a,a\n1,2\n"])
def test_what_is_no_table_is_refused(client, officer, source, content):
    assert upload(client, source, content).status_code in (200, 400)
    assert not UsageImport.objects.exists()


def test_a_source_is_registered_and_its_lines_are_kept_in_the_history(client, officer, use):
    url = reverse("audits:usagesource-create")
    fields = {"name": "API", "provider": "openai", "due_after_days": 3, "is_active": "on"}
    bad = {**fields, "kind": "openai", "base_url": "ftp://x", "key_name": ""}
    answer = client.post(url, bad)
    assert set(answer.context["form"].errors) == {"base_url", "key_name"}
    good = {**fields, "kind": "openai", "base_url": "https://api.example/", "key_name": "main"}
    assert client.post(url, good).status_code == 302
    source = UsageSource.objects.get(name="API")
    assert source.base_url == "https://api.example"
    add = reverse("audits:usagemapping-create", args=[source.pk])
    assert client.post(add, {"project": "p1", "treatment": "integration"}).status_code == 200
    line = {"project": "p1", "treatment": "integration", "integration": use.pk}
    assert client.post(add, line).status_code == 302
    assert client.post(add, line).status_code == 200  # there is one for exactly these
    mapping = UsageMapping.objects.get()
    page = client.get(reverse("audits:usagesource-detail", args=[source.pk])).content.decode()
    assert "Intake letters" in page
    client.post(reverse("audits:usagemapping-delete", args=[mapping.pk]))
    assert not UsageMapping.objects.exists()
