"""The APIs of the register and of grants do what their description says: schemathesis tries it."""

import datetime as dt
import json
from typing import get_args

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from audits.api.limits import BUCKETS
from policies.services.granting import Wanted, request_grant
from policies.services.principals import principal_of
from policies.tests.make import active_integration, person
from portal.models import PersonalToken
from portal.services.tokens import issue_token
from vendors.bodies.register import WORDS
from vendors.tests import make

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
]
# By name: their addresses, how many operations there are, and how many tries at least.
PARTS = {
    "register": ("^/api/v1/(vendors|services|agreements|reports|facts)", 20, 150),
    "grants": ("^/api/v1/grants", 6, 50),
}

quick = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def schema(committed):
    """The description, and the headers of an officer's token."""
    officer = person("officer")
    vendor = make.vendor("Alder", slug="alder")
    make.service(vendor, slug="alder-chat")
    make.baa(vendor)
    make.report(vendor, by=officer)
    _ask_for_grants(officer)
    scopes = [scope.value for scope in PersonalToken.Scope]
    _, secret = issue_token(officer, "tester", scopes=scopes, days=1, at=timezone.now())
    headers = {"Authorization": f"Bearer {secret}"}
    BUCKETS.forget()
    described = schemathesis.openapi.from_wsgi(
        "/api/v1/schema",
        app=get_wsgi_application(),
        headers={**headers, "Accept": "application/json"},
    )
    return described, headers


def _ask_for_grants(officer) -> None:
    """Requests of others and of the officer's own; the sequence begins anew, so ids are small."""
    integration, at = active_integration(slug="claims"), timezone.now()
    for holder in (person("engineer"), officer):
        whose = principal_of(holder, at=at)
        ends_at = at + dt.timedelta(days=9)
        wanted = Wanted(
            permission="send_prompt", purpose="Triage.", ends_at=ends_at, principal=whose
        )
        request_grant(integration, wanted, by=holder, at=at)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("part", PARTS)
def test_schemathesis_finds_nothing(schema, part, mode, settings):
    settings.TOKEN_REQUESTS_PER_MINUTE = 1_000_000
    described, headers = schema
    path, count, least = PARTS[part]
    found = [each.ok() for each in described.include(path_regex=path).get_all_operations()]
    tried = []
    for operation in found:

        @quick
        @given(case=operation.as_strategy(generation_mode=mode))
        def attempt(case):
            tried.append(case)
            case.call_and_validate(headers=headers, checks=CHECKS)

        attempt()
    assert len(found) == count
    assert len(tried) >= least


def test_its_examples_are_good(db):
    client = Client()
    client.force_login(person("officer"))
    make.service(make.vendor("Larkspur AI, old", slug="larkspur-ai"), slug="larkspur-api")
    description = json.loads(client.get("/api/v1/schema?format=json").content)
    for what in ("vendors", "services", "agreements", "reports", "facts"):
        body = description["paths"][f"/api/v1/{what}"]["post"]["requestBody"]
        (example,) = body["content"]["application/json"]["examples"].values()
        answer = client.post(
            f"/api/v1/{what}", json.dumps(example["value"]), content_type="application/json"
        )
        assert answer.status_code == 201, answer.content


@pytest.mark.parametrize(
    ("words", "choices"), WORDS.items(), ids=lambda x: getattr(x, "__name__", "")
)
def test_the_words_of_the_bodies_are_those_of_the_models(words, choices):
    assert set(get_args(words)) == set(choices.values)
