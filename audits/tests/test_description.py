"""The API does what its description says: schemathesis tries it."""

import json

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
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

from audits.api.schemas import NDJSON
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

# A bad line is answered in its own line; the request as a whole is good.
OF_LINES = [check for check in CHECKS if check is not negative_data_rejection]


@schemathesis.serializer(NDJSON)
def one_line(_context, value) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.deserializer(NDJSON)
def answered_line(_context, response) -> object:
    (line,) = response.content.splitlines()
    answer = json.loads(line)
    assert answer["status"] < 500
    return answer


quick = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


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
        ("/api/v1/events", "post"),
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


# By name: their addresses, how many operations there are, and how many tries at least.
PARTS = {
    "calls": ("^/api/v1/(calls|records)", 6, 60),
    "events": ("^/api/v1/events", 1, 10),
    "gaps": ("^/api/v1/(gaps|decisions)", 2, 20),
    "log": ("^/api/v1/log", 8, 60),
}


@pytest.fixture
def schema(live):
    """The description, and the headers of a key that may do what it names."""
    headers = {"Authorization": f"Bearer {make.key(live)[1]}"}
    app = before(get_wsgi_application())
    described = schemathesis.openapi.from_wsgi(
        "/api/v1/schema", app=app, headers={**headers, "Accept": "application/json"}
    )
    return described, headers


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("part", PARTS)
def test_schemathesis_finds_nothing(schema, part, mode):
    described, headers = schema
    path, count, least = PARTS[part]
    found = [each.ok() for each in described.include(path_regex=path).get_all_operations()]
    tried = []
    for operation in found:

        @quick
        @given(case=operation.as_strategy(generation_mode=mode))
        def attempt(case):
            tried.append(case)
            checks = OF_LINES if case.media_type == NDJSON else CHECKS
            case.call_and_validate(headers=headers, checks=checks)

        attempt()
    assert len(found) == count
    assert len(tried) >= least
