"""The API's description as a page."""

import json

import pytest
from django.urls import reverse

from portal.models import User
from portal.reference import Description, FieldRow

DOCUMENT = {
    "paths": {
        "/api/v1/calls": {
            "post": {
                "description": "Record a call.\n\nBefore it is made.",
                "parameters": [
                    {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Call"}}
                    }
                },
                "responses": {
                    "201": {
                        "description": "Stored.",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Call"},
                                }
                            }
                        },
                    },
                    "204": {"description": "Nothing."},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Verdict": {"type": "string", "enum": ["allow", "deny"]},
            "Call": {
                "type": "object",
                "required": ["id", "verdict"],
                "properties": {
                    "id": {"type": "string", "format": "uuid", "description": "Chosen by you."},
                    "verdict": {"allOf": [{"$ref": "#/components/schemas/Verdict"}]},
                    "tokens": {"type": ["integer", "null"]},
                    "reasons": {"type": "array", "items": {"$ref": "#/components/schemas/Reason"}},
                },
            },
            "Reason": {"type": "object", "properties": {"code": {"type": "string"}}},
        }
    },
}


@pytest.fixture
def operation():
    return Description(DOCUMENT, "https://portal.example").operations()[0]


def test_an_operation_is_told_in_words(operation):
    assert (operation.method, operation.path) == ("POST", "/api/v1/calls")
    assert (operation.summary, operation.description) == ("Record a call.", "Before it is made.")
    assert operation.parameters == (FieldRow("dry_run", "boolean", required=False, description=""),)


def test_references_lists_and_nothing_are_spelled_out(operation):
    assert operation.body == (
        FieldRow("id", "uuid", required=True, description="Chosen by you."),
        FieldRow("verdict", "one of: allow, deny", required=True, description=""),
        FieldRow("tokens", "whole number or null", required=False, description=""),
        FieldRow("reasons", "list of object", required=False, description=""),
        FieldRow("reasons[].code", "text", required=False, description=""),
    )


def test_answers_have_their_fields_or_none(operation):
    stored, nothing = operation.answers
    assert stored.fields[0].name == "[].id"
    assert nothing.fields == ()


def test_the_command_carries_a_body_that_the_schema_allows(operation):
    assert operation.command.startswith("curl --request POST 'https://portal.example/api/v1/calls'")
    body = json.loads(operation.command.split("--data '")[1].rstrip("'"))
    assert body == {"id": "0197f1c2-6f0a-7000-8000-000000000001", "verdict": "allow"}


@pytest.mark.parametrize("name", ["portal-api:docs", "portal-api:schema"])
def test_the_description_is_closed_to_strangers(client, db, name):
    assert client.get(reverse(name)).status_code in {302, 401, 403}


def test_the_page_shows_what_the_schema_says(client, db):
    client.force_login(User.objects.create_user("ada@example.org"))
    schema = client.get(reverse("portal-api:schema"), headers={"accept": "application/json"}).json()
    page = client.get(reverse("portal-api:docs")).text
    assert schema["openapi"].startswith("3.1")
    for path in schema["paths"]:
        assert path in page
