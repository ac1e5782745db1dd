"""Google's generateContent, as the Gemini API and Vertex AI speak it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from countersign.tests.provider.model import Answer, Conversation, Model, Tool
from countersign.tests.provider.wire import SSE, Asked, Refused, Reply, server_sent, whole


def conversation(asked: Asked) -> Conversation:
    document = asked.document
    contents = document.get("contents")
    if not contents:
        raise Refused(400, "* GenerateContentRequest.contents: contents is not specified")
    parts = contents[-1].get("parts") or []
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    declared = [
        declaration
        for tool in document.get("tools") or []
        for declaration in tool.get("functionDeclarations") or []
    ]
    return Conversation(
        model=asked.parts["model"],
        last="\n".join(part["text"] for part in parts if "text" in part) or str(results or ""),
        tools=[
            Tool(one["name"], one.get("parameters") or one.get("parametersJsonSchema") or {})
            for one in declared
        ],
        after_tool=bool(results),
    )


def generate(asked: Asked, model: Model) -> Reply:
    _check(asked)
    return whole(_response(model.answer(conversation(asked))))


def stream(asked: Asked, model: Model) -> Reply:
    _check(asked)
    if asked.query.get("alt") != ["sse"]:
        raise Refused(400, "This provider streams server-sent events only.")
    answer = model.answer(conversation(asked), endless=asked.endless)
    return Reply(server_sent(_chunks(answer), end=b"\r\n\r\n"), SSE)


def count_tokens(asked: Asked, model: Model) -> Reply:
    _check(asked)
    return whole({"totalTokens": model.answer(Conversation(model="", last="")).usage.input})


def embed(asked: Asked, model: Model) -> Reply:
    _check(asked)
    requests = asked.document.get("requests") or [asked.document]
    vectors = [{"values": [0.25, -0.5, 0.125]} for _ in requests]
    if asked.path.endswith(":embedContent"):
        return whole({"embedding": vectors[0]})
    return whole({"embeddings": vectors})


def error(status: int, message: str) -> dict[str, Any]:
    names = {
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        500: "INTERNAL",
        503: "UNAVAILABLE",
    }
    name = names.get(status, "INVALID_ARGUMENT")
    return {"error": {"code": status, "message": message, "status": name}}


def _check(asked: Asked) -> None:
    if not (asked.headers.get("x-goog-api-key") or asked.headers.get("authorization")):
        raise Refused(403, "Method doesn't allow unregistered callers.")


def _candidate(answer: Answer, text: str, finish: str | None = None) -> dict[str, Any]:
    part: dict[str, Any] = {"text": text}
    if answer.tool:
        part = {"functionCall": {"name": answer.tool.name, "args": answer.tool.arguments}}
    candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
    return candidate | ({"finishReason": finish} if finish else {})


def _response(answer: Answer) -> dict[str, Any]:
    return {"candidates": [_candidate(answer, answer.text, "STOP")], **_foot(answer)}


def _chunks(answer: Answer) -> Iterator[dict[str, Any]]:
    """A tool's use comes in one piece. Each chunk counts what was made so far."""
    if not answer.tool:
        for piece in answer.pieces():
            foot = _foot(answer)
            foot["usageMetadata"] = {"promptTokenCount": answer.usage.input}
            yield {"candidates": [_candidate(answer, piece)], **foot}
    yield {"candidates": [_candidate(answer, "", "STOP")], **_foot(answer)}


def _foot(answer: Answer) -> dict[str, Any]:
    """Here `candidatesTokenCount` leaves out what went into thinking."""
    usage = answer.usage
    return {
        "usageMetadata": {
            "promptTokenCount": usage.input,
            "candidatesTokenCount": usage.output - usage.reasoning,
            "thoughtsTokenCount": usage.reasoning,
            "cachedContentTokenCount": usage.cached,
            "totalTokenCount": usage.total,
        },
        "modelVersion": answer.model,
        "responseId": f"resp{answer.number:06d}",
    }
