"""The page that shows the API's description, drawn from the OpenAPI schema on the server.

Own, because the viewers of drf-spectacular's sidecar break the content security policy and the
rules of accessibility: docs/decisions/0002-own-design-system.md.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator

Schema = Mapping[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 3  # how far into objects inside objects the rows go
EXAMPLES: dict[str, Any] = {
    "uuid": "0197f1c2-6f0a-7000-8000-000000000001",
    "date": "2026-11-21",
    "date-time": "2026-11-21T09:00:00.000Z",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "string": "...",
}


@dataclass(frozen=True)
class FieldRow:
    """One field of a body, an answer or a query."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Answer:
    status: str
    description: str
    fields: tuple[FieldRow, ...]


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    anchor: str
    summary: str
    description: str
    parameters: tuple[FieldRow, ...]
    body: tuple[FieldRow, ...]
    answers: tuple[Answer, ...]
    command: str


class Description:
    """An OpenAPI 3.1 document, as rows and examples."""

    def __init__(self, document: Schema, address: str) -> None:
        """`address` is where programs reach the site, without a slash at its end."""
        self.document = document
        self.address = address

    def operations(self) -> list[Operation]:
        """In the order of the document."""
        return [
            self._operation(method, path, item[method])
            for path, item in self.document.get("paths", {}).items()
            for method in METHODS
            if method in item
        ]

    def _operation(self, method: str, path: str, item: Schema) -> Operation:
        content = self._content(item.get("requestBody", {}))
        words = item.get("description", "").strip()
        first, _, rest = words.partition("\n")
        return Operation(
            method=method.upper(),
            path=path,
            anchor=slugify(f"{method}-{path.replace('/', '-')}"),
            summary=item.get("summary") or first,
            description=words if item.get("summary") else rest.strip(),
            parameters=tuple(
                FieldRow(p["name"], self.kind(p["schema"]), p.get("required", False), said(p))
                for p in item.get("parameters", [])
            ),
            body=tuple(self.rows(content)),
            answers=tuple(
                Answer(status, said(one), tuple(self.rows(self._content(one))))
                for status, one in item.get("responses", {}).items()
            ),
            command=self._command(method, path, content),
        )

    def _content(self, holder: Schema) -> Schema:
        """The schema of a body or an answer; empty where there is none."""
        content = holder.get("content", {})
        for one in content.values():
            return self.resolve(one.get("schema", {}))
        return {}

    def resolve(self, schema: Schema) -> Schema:
        """`schema` with its reference followed, and its only or merged parts taken together."""
        if "$ref" in schema:
            found: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            return self.resolve({**found, **{k: v for k, v in schema.items() if k != "$ref"}})
        if "allOf" in schema:
            parts = [self.resolve(part) for part in schema["allOf"]]
            merged = {key: value for part in parts for key, value in part.items()}
            return {**merged, **{k: v for k, v in schema.items() if k != "allOf"}}
        return schema

    def kind(self, schema: Schema) -> str:
        """The type in words: "text, one of: allow, deny", "list of uuid"."""
        schema = self.resolve(schema)
        choices = schema.get("oneOf") or schema.get("anyOf")
        if choices:
            return " or ".join(dict.fromkeys(self.kind(choice) for choice in choices))
        if "enum" in schema:
            return "one of: " + ", ".join(str(v) for v in schema["enum"] if v is not None)
        types = schema.get("type", "any")
        names = [types] if isinstance(types, str) else list(types)
        words = [self._type_word(name, schema) for name in names]
        return " or ".join(words)

    def _type_word(self, name: str, schema: Schema) -> str:
        if name == "array":
            return f"list of {self.kind(schema.get('items', {}))}"
        word = schema.get("format", name) if name == "string" else name
        return {"string": "text", "integer": "whole number"}.get(word, str(word))

    def rows(self, schema: Schema, prefix: str = "", depth: int = 1) -> Iterator[FieldRow]:
        """The fields of an object, and of the objects in it by dotted names."""
        schema = self.resolve(schema)
        if schema.get("type") == "array":
            yield from self.rows(schema.get("items", {}), f"{prefix}[].", depth)
            return
        required = schema.get("required", [])
        for name, one in schema.get("properties", {}).items():
            inner = self.resolve(one)
            yield FieldRow(prefix + name, self.kind(inner), name in required, said(inner))
            if depth < DEEPEST:
                items = self.resolve(inner.get("items", {}))
                place = f"{prefix}{name}[]." if items else f"{prefix}{name}."
                yield from self.rows(items or inner, place, depth + 1)

    def example(self, schema: Schema, depth: int = 1) -> Any:
        """A value that the schema allows, as far as its types say."""
        schema = self.resolve(schema)
        given = schema.get("example", (schema.get("examples") or schema.get("enum") or [None])[0])
        if given is not None:
            return given
        types = schema.get("type", "string")
        name = types if isinstance(types, str) else types[0]
        if name == "object":
            wanted = schema.get("required") or list(schema.get("properties", {}))
            properties = schema.get("properties", {})
            return {key: self.example(properties[key], depth + 1) for key in wanted}
        if name == "array":
            return [self.example(schema.get("items", {}), depth + 1)] if depth <= DEEPEST else []
        return EXAMPLES.get(schema.get("format", name), EXAMPLES.get(name, "..."))

    def _command(self, method: str, path: str, body: Schema) -> str:
        lines = [
            f"curl --request {method.upper()} '{self.address}{path}'",
            '--header "Authorization: Bearer $COUNTERSIGN_KEY"',
        ]
        if body:
            sent = json.dumps(self.example(body), indent=2)
            lines += ["--header 'Content-Type: application/json'", f"--data '{sent}'"]
        return " \\\n  ".join(lines)


def said(holder: Schema) -> str:
    return str(holder.get("description", "")).strip()


@require_GET
def reference(request: HttpRequest) -> HttpResponse:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # spectacular's own is untyped
    document = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    description = Description(document, settings.PUBLIC_URL)
    return render(request, "portal/reference.html", {"operations": description.operations()})
