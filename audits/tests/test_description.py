"""The API does what its description says: schemathesis tries it."""

import json

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from audits.api.wsgi import before
from audits.tests import make
from countersign.problems import PROBLEMS, TYPE
from policies.tests.make import person

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
]


@pytest.fixture
def description(db) -> dict:
    client = Client()
    client.force_login(person("officer"))
    answer = client.get("/api/v1/schema?format=json")
    assert answer.status_code == 200
    return json.loads(answer.content)


def test_it_is_openapi_3_1_and_names_every_refusal(description):
    assert description["openapi"].startswith("3.1")
    text = json.dumps(description)
    never_there = {"internal-error", "not-found", "method-not-allowed"}
    assert [c for c in PROBLEMS if c not in never_there and TYPE + c not in text] == []
    for path, method in [
        ("/api/v1/calls", "post"),
        ("/api/v1/calls", "get"),
        ("/api/v1/calls/{call_id}", "get"),
        ("/api/v1/calls/{call_id}/completion", "post"),
        ("/api/v1/calls/{call_id}/lease", "post"),
        ("/api/v1/records", "post"),
    ]:
        assert description["paths"][path][method]["summary"]


def test_its_examples_are_good(api, description):
    for path in ("calls", "records"):
        body = description["paths"][f"/api/v1/{path}"]["post"]["requestBody"]
        (example,) = body["content"]["application/json"]["examples"].values()
        sent = example["value"]
        if path == "records":
            sent = {**sent, "timestamp_utc": make.record()["timestamp_utc"]}
        assert api.post(path, sent).status_code == 201


def test_schemathesis_finds_nothing(live, description_of_live):
    _, secret = make.key(live)
    schema = schemathesis.openapi.from_dict(description_of_live)
    schema.app = before(get_wsgi_application())
    headers = {"Authorization": f"Bearer {secret}"}
    tried = 0
    for result in schema.include(path_regex="^/api/v1/(calls|records)").get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def attempt(case):
            nonlocal tried
            tried += 1
            case.call_and_validate(headers=headers, checks=CHECKS)

        operation.as_strategy  # noqa: B018
        _run(operation, attempt)
    assert tried >= 100
