"""OpenAI's responses: whole, and as events that build one up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from countersign.tests.provider.chat_completions import CREATED
from countersign.tests.provider.model import Answer, Conversation, Model, Tool, text_of
from countersign.tests.provider.wire import SSE, Asked, Refused, Reply, server_sent, whole


def conversation(asked: Asked) -> Conversation:
    document = asked.document
    given = document.get("input")
    if not given:
        raise Refused(400, "input: missing.")
    last = given if isinstance(given, str) else given[-1]
    after_tool = isinstance(last, dict) and last.get("type") == "function_call_output"
    if isinstance(last, dict):
        last = last.get("output") if after_tool else last.get("content")
    tools = [
        Tool(tool["name"], tool.get("parameters") or {})
        for tool in document.get("tools") or []
        if tool.get("type") == "function"
    ]
    return Conversation(
        model=document.get("model") or "",
        last=text_of(last),
        tools=[] if document.get("tool_choice") == "none" else tools,
        after_tool=after_tool,
        stream=bool(document.get("stream")),
    )


def respond(asked: Asked, model: Model) -> Reply:
    if not asked.headers.get("authorization"):
        raise Refused(401, "You didn't provide an API key.")
    talk = conversation(asked)
    answer = model.answer(talk, endless=asked.endless)
    headers = {"x-request-id": f"req_{answer.number:06d}"}
    if not talk.stream:
        return whole(_response(answer, "completed"), headers)
    numbered = (
        {**event, "sequence_number": number}
        for number, event in zip(itertools.count(), _events(answer), strict=False)
    )
    return Reply(server_sent(numbered, named=True), SSE, headers=headers)


def _item(answer: Answer, text: str, status: str) -> dict[str, Any]:
    if answer.tool:
        return {
            "type": "function_call",
            "id": f"fc_{answer.number:06d}",
            "call_id": answer.tool.id,
            "name": answer.tool.name,
            "arguments": text,
            "status": status,
        }
    content = [_part(text)] if status == "completed" else []
    return {
        "type": "message",
        "id": f"msg_{answer.number:06d}",
        "role": "assistant",
        "status": status,
        "content": content,
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(answer: Answer, status: str) -> dict[str, Any]:
    done = status == "completed"
    usage = {
        "input_tokens": answer.usage.input,
        "input_tokens_details": {"cached_tokens": answer.usage.cached, "cache_write_tokens": 0},
        "output_tokens": answer.usage.output,
        "output_tokens_details": {"reasoning_tokens": answer.usage.reasoning},
        "total_tokens": answer.usage.total,
    }
    text = answer.tool.json if answer.tool else answer.text
    return {
        "id": f"resp_{answer.number:06d}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": answer.model,
        "output": [_item(answer, text, status)] if done else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage if done else None,
    }


def _events(answer: Answer) -> Iterator[dict[str, Any]]:
    item = _item(answer, "", "in_progress")
    where = {"item_id": item["id"], "output_index": 0}
    yield {"type": "response.created", "response": _response(answer, "in_progress")}
    yield {"type": "response.in_progress", "response": _response(answer, "in_progress")}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    yield from _tool_events(answer, where) if answer.tool else _text_events(answer, where)
    text = answer.tool.json if answer.tool else answer.text
    done = _item(answer, text, "completed")
    yield {"type": "response.output_item.done", "output_index": 0, "item": done}
    yield {"type": "response.completed", "response": _response(answer, "completed")}


def _tool_events(answer: Answer, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind = "response.function_call_arguments"
    for piece in answer.pieces():
        yield {"type": f"{kind}.delta", **where, "delta": piece}
    tool = answer.tool
    yield {"type": f"{kind}.done", **where, "name": tool.name, "arguments": tool.json}


def _text_events(answer: Answer, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    where = {**where, "content_index": 0}
    yield {"type": "response.content_part.added", **where, "part": _part("")}
    for piece in answer.pieces():
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
    text = answer.text
    yield {"type": "response.output_text.done", **where, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": _part(text)}
