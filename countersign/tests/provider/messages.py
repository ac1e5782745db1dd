"""Anthropic's messages, whole and as events; Bedrock carries the same documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from countersign.tests.provider.model import Answer, Conversation, Model, Tool, text_of
from countersign.tests.provider.wire import SSE, Asked, Refused, Reply, server_sent, whole


def conversation(document: Mapping[str, Any], *, model: str, stream: bool) -> Conversation:
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "messages: at least one message is required")
    if "max_tokens" not in document:
        raise Refused(400, "max_tokens: Field required")
    content = messages[-1].get("content")
    results = [
        part
        for part in (content if isinstance(content, list) else [])
        if part.get("type") == "tool_result"
    ]
    tools = [
        Tool(tool["name"], tool["input_schema"])
        for tool in document.get("tools") or []
        if "input_schema" in tool
    ]
    return Conversation(
        model=model,
        last=text_of([part.get("content") for part in results] if results else content),
        tools=tools,
        after_tool=bool(results),
        stream=stream,
    )


def messages(asked: Asked, model: Model) -> Reply:
    _check(asked)
    document = asked.document
    talk = conversation(
        document, model=document.get("model") or "", stream=bool(document.get("stream"))
    )
    answer = model.answer(talk, endless=asked.endless)
    headers = {"request-id": f"req_{answer.number:06d}"}
    if not talk.stream:
        return whole(message(answer), headers)
    return Reply(server_sent(events(answer), named=True), SSE, headers=headers)


def count_tokens(asked: Asked, model: Model) -> Reply:
    _check(asked)
    answer = model.answer(Conversation(model="", last=""))
    return whole({"input_tokens": answer.usage.input}, {"request-id": f"req_{answer.number:06d}"})


def message(answer: Answer) -> dict[str, Any]:
    tool = answer.tool
    block: dict[str, Any] = {"type": "text", "text": answer.text}
    if tool:
        block = {"type": "tool_use", "id": tool.id, "name": tool.name, "input": tool.arguments}
    return {
        **_head(answer),
        "content": [block],
        "stop_reason": _stop(answer),
        "usage": _usage(answer),
    }


def events(answer: Answer) -> Iterator[dict[str, Any]]:
    opening = {**_head(answer), "content": [], "stop_reason": None}
    opening["usage"] = {**_usage(answer), "output_tokens": 1}
    yield {"type": "message_start", "message": opening}
    tool = answer.tool
    block: dict[str, Any] = {"type": "text", "text": ""}
    if tool:
        block = {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "ping"}
    for piece in answer.pieces():
        delta = {"type": "text_delta", "text": piece}
        if tool:
            delta = {"type": "input_json_delta", "partial_json": piece}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": _stop(answer), "stop_sequence": None},
        "usage": {"output_tokens": answer.usage.output},
    }
    yield {"type": "message_stop"}


def error(status: int, message: str) -> dict[str, Any]:
    kinds = {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        429: "rate_limit_error",
        500: "api_error",
        529: "overloaded_error",
    }
    kind = kinds.get(status, "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_0"}


def _check(asked: Asked) -> None:
    if not (asked.headers.get("x-api-key") or asked.headers.get("authorization")):
        raise Refused(401, "x-api-key header is required")
    if not asked.headers.get("anthropic-version"):
        raise Refused(400, "anthropic-version: header is required")


def _head(answer: Answer) -> dict[str, Any]:
    return {
        "id": f"msg_{answer.number:06d}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "stop_sequence": None,
    }


def _usage(answer: Answer) -> dict[str, int]:
    """Here `input_tokens` leaves out what came from the cache."""
    return {
        "input_tokens": answer.usage.input - answer.usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.usage.cached,
        "output_tokens": answer.usage.output,
    }


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else "end_turn"
