"""The register's API does what its description says: schemathesis tries it."""

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
from audits.tests.conftest import committed  # noqa: F401 - the fixture
from policies.tests.make import person
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
REGISTER = "^/api/v1/(vendors|services|agreements|reports|facts)"

quick = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def operations(committed):  # noqa: F811 - the fixture
    """What the description names, and the headers of an officer's token."""
    officer = person("officer")
    vendor = make.vendor("Alder", slug="alder")
    make.service(vendor, slug="alder-chat")
    make.baa(vendor)
    make.report(vendor, by=officer)
    scopes = [scope.value for scope in PersonalToken.Scope]
    _, secret = issue_token(officer, "tester", scopes=scopes, days=1, at=timezone.now())
    headers = {"Authorization": f"Bearer {secret}"}
    BUCKETS.forget()
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/schema",
        app=get_wsgi_application(),
        headers={**headers, "Accept": "application/json"},
    )
    found = schema.include(path_regex=REGISTER).get_all_operations()
    return [result.ok() for result in found], headers


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_schemathesis_finds_nothing(operations, mode, settings):
    settings.TOKEN_REQUESTS_PER_MINUTE = 1_000_000
    found, headers = operations
    tried = []
    for operation in found:

        @quick
        @given(case=operation.as_strategy(generation_mode=mode))
        def attempt(case):
            tried.append(case)
            case.call_and_validate(headers=headers, checks=CHECKS)

        attempt()
    assert len(found) == 20
    assert len(tried) >= 150


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
