"""Bedrock's runtime: invoke with Anthropic's documents, converse, both as event streams too."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from countersign.tests.provider import messages, signatures
from countersign.tests.provider.model import Answer, Conversation, Model, Tool, text_of
from countersign.tests.provider.wire import (
    EVENT_STREAM,
    Asked,
    Refused,
    Reply,
    amazon_event,
    packed,
    whole,
)


def invoke(asked: Asked, model: Model) -> Reply:
    answer = _invoked(asked, model, stream=False)
    counts = {
        "x-amzn-bedrock-input-token-count": str(answer.usage.input),
        "x-amzn-bedrock-output-token-count": str(answer.usage.output),
        "x-amzn-bedrock-invocation-latency": "12",
    }
    return whole(messages.message(answer), _headers(answer) | counts)


def invoke_stream(asked: Asked, model: Model) -> Reply:
    answer = _invoked(asked, model, stream=True)
    headers = _headers(answer) | {"x-amzn-bedrock-content-type": "application/json"}
    return Reply(_invoke_events(answer), EVENT_STREAM, headers=headers)


def converse(asked: Asked, model: Model) -> Reply:
    answer = model.answer(_conversation(asked))
    message = {"role": "assistant", "content": [_block(answer)]}
    document = {
        "output": {"message": message},
        "stopReason": _stop(answer),
        "usage": _usage(answer),
        "metrics": {"latencyMs": 12},
    }
    return whole(document, _headers(answer))


def converse_stream(asked: Asked, model: Model) -> Reply:
    answer = model.answer(_conversation(asked), endless=asked.endless)
    return Reply(_converse_events(answer), EVENT_STREAM, headers=_headers(answer))


def error(status: int, message: str) -> dict[str, Any]:
    return {"message": message}


def error_type(status: int) -> str:
    names = {
        403: "AccessDeniedException",
        429: "ThrottlingException",
        500: "InternalServerException",
        503: "ServiceUnavailableException",
    }
    return names.get(status, "ValidationException")


def _invoked(asked: Asked, model: Model, *, stream: bool) -> Answer:
    _check(asked)
    document = asked.document
    if "anthropic_version" not in document:
        raise Refused(400, "#: required key [anthropic_version] not found")
    if {"model", "stream"} & set(document):
        raise Refused(400, "#: extraneous key is not permitted")
    talk = messages.conversation(document, model=asked.parts["model"], stream=stream)
    return model.answer(talk, endless=asked.endless)


def _check(asked: Asked) -> None:
    if not asked.headers.get("authorization", "").startswith("Bearer "):
        signatures.check(asked)


def _conversation(asked: Asked) -> Conversation:
    _check(asked)
    document = asked.document
    if not document.get("messages"):
        raise Refused(400, "The request must hold at least one message.")
    content = document["messages"][-1]["content"]
    results = [part["toolResult"] for part in content if "toolResult" in part]
    tools = (document.get("toolConfig") or {}).get("tools") or []
    return Conversation(
        model=asked.parts["model"],
        last=text_of([result["content"] for result in results] if results else content),
        tools=[
            Tool(tool["toolSpec"]["name"], tool["toolSpec"]["inputSchema"].get("json") or {})
            for tool in tools
            if "toolSpec" in tool
        ],
        after_tool=bool(results),
    )


def _headers(answer: Answer) -> dict[str, str]:
    return {"x-amzn-requestid": f"00000000-0000-4000-8000-{answer.number:012d}"}


def _block(answer: Answer) -> dict[str, Any]:
    tool = answer.tool
    if tool:
        return {"toolUse": {"toolUseId": tool.id, "name": tool.name, "input": tool.arguments}}
    return {"text": answer.text}


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else "end_turn"


def _usage(answer: Answer) -> dict[str, int]:
    """Here too `inputTokens` leaves out what came from the cache."""
    return {
        "inputTokens": answer.usage.input - answer.usage.cached,
        "outputTokens": answer.usage.output,
        "totalTokens": answer.usage.total,
        "cacheReadInputTokens": answer.usage.cached,
        "cacheWriteInputTokens": 0,
    }


def _invoke_events(answer: Answer) -> Iterator[bytes]:
    for event in messages.events(answer):
        if event["type"] == "message_stop":
            event["amazon-bedrock-invocationMetrics"] = {
                "inputTokenCount": answer.usage.input,
                "outputTokenCount": answer.usage.output,
                "invocationLatency": 12,
                "firstByteLatency": 3,
            }
        yield amazon_event(
            "chunk", {"bytes": base64.b64encode(packed(event)).decode(), "p": "abcd"}
        )


def _converse_events(answer: Answer) -> Iterator[bytes]:
    yield amazon_event("messageStart", {"role": "assistant", "p": "abc"})
    tool = answer.tool
    if tool:
        start = {"toolUse": {"toolUseId": tool.id, "name": tool.name}}
        yield amazon_event("contentBlockStart", {"contentBlockIndex": 0, "start": start})
    for piece in answer.pieces():
        delta = {"toolUse": {"input": piece}} if tool else {"text": piece}
        yield amazon_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
    yield amazon_event("contentBlockStop", {"contentBlockIndex": 0})
    yield amazon_event("messageStop", {"stopReason": _stop(answer)})
    yield amazon_event("metadata", {"usage": _usage(answer), "metrics": {"latencyMs": 12}})
