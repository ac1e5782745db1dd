"""Chat completions and embeddings, as OpenAI, Azure OpenAI and Mistral speak them."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

from countersign.tests.provider.model import Answer, Conversation, Model, Tool, Usage, text_of
from countersign.tests.provider.wire import SSE, Asked, Refused, Reply, server_sent, whole

CREATED = 1_795_000_000
VECTOR = (0.25, -0.5, 0.125)


def conversation(asked: Asked) -> Conversation:
    document = asked.document
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "messages: a list with at least one message is needed.")
    last = messages[-1]
    tools = [
        Tool(tool["function"]["name"], tool["function"].get("parameters") or {})
        for tool in document.get("tools") or []
        if tool.get("type", "function") == "function"
    ]
    if document.get("tool_choice") == "none":
        tools = []
    return Conversation(
        model=asked.parts.get("deployment") or document.get("model") or "",
        last=text_of(last.get("content")),
        tools=tools,
        after_tool=last.get("role") == "tool",
        stream=bool(document.get("stream")),
    )


def openai_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
    }


def mistral_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "num_cached_tokens": usage.cached,
    }


def openai_chat(asked: Asked, model: Model) -> Reply:
    _needs_a_key(asked, "authorization")
    options = asked.document.get("stream_options") or {}
    return _chat(
        asked, model, usage=openai_usage, ends_with_usage=bool(options.get("include_usage"))
    )


def azure_chat(asked: Asked, model: Model) -> Reply:
    _needs_a_key(asked, "api-key" if "api-key" in asked.headers else "authorization")
    if "api-version" not in asked.query:
        raise Refused(404, "Resource not found")
    options = asked.document.get("stream_options") or {}
    return _chat(
        asked, model, usage=openai_usage, ends_with_usage=bool(options.get("include_usage"))
    )


def mistral_chat(asked: Asked, model: Model) -> Reply:
    """Mistral counts unasked, in the last chunk that says something."""
    _needs_a_key(asked, "authorization")
    if "stream_options" in asked.document:
        raise Refused(422, "stream_options: extra inputs are not permitted")
    return _chat(asked, model, usage=mistral_usage, ends_with_usage=None)


def embeddings(asked: Asked, model: Model) -> Reply:
    _needs_a_key(asked, "api-key" if "api-key" in asked.headers else "authorization")
    document = asked.document
    texts = document.get("input")
    texts = (
        texts if isinstance(texts, list) and texts and not isinstance(texts[0], int) else [texts]
    )
    packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    vector = packed if document.get("encoding_format") == "base64" else list(VECTOR)
    answer = model.answer(Conversation(model=document.get("model") or "", last=""))
    return whole(
        {
            "object": "list",
            "id": f"embd-{answer.number:06d}",
            "data": [
                {"object": "embedding", "index": index, "embedding": vector}
                for index, _ in enumerate(texts)
            ],
            "model": answer.model,
            "usage": {"prompt_tokens": answer.usage.input, "total_tokens": answer.usage.input},
        },
        _headers(answer),
    )


def error(status: int, message: str) -> dict[str, Any]:
    kinds = {401: "invalid_request_error", 429: "requests", 500: "server_error"}
    kind = kinds.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def mistral_error(status: int, message: str) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": "error", "code": str(status)}


def _needs_a_key(asked: Asked, header: str) -> None:
    if not asked.headers.get(header, "").removeprefix("Bearer "):
        raise Refused(401, "You didn't provide an API key.")


def _headers(answer: Answer) -> dict[str, str]:
    return {"x-request-id": f"req_{answer.number:06d}"}


def _chat(asked: Asked, model: Model, *, usage: Any, ends_with_usage: bool | None) -> Reply:
    talk = conversation(asked)
    answer = model.answer(talk, endless=asked.endless)
    if not talk.stream:
        return whole(_completion(answer, usage(answer.usage)), _headers(answer))
    chunks = _chunks(answer, usage(answer.usage), ends_with_usage=ends_with_usage)
    return Reply(server_sent(chunks, done=True), SSE, headers=_headers(answer))


def _completion(answer: Answer, usage: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.tool:
        message |= {"content": None, "tool_calls": [_tool_call(answer, answer.tool.json)]}
    return {
        "id": f"chatcmpl-{answer.number:06d}",
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(answer)}],
        "usage": usage,
    }


def _chunks(
    answer: Answer, usage: dict[str, Any], *, ends_with_usage: bool | None
) -> Iterator[dict[str, Any]]:
    """`ends_with_usage`: True sends it in a chunk of its own, None in the last, False never."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**head, "choices": [choice], **({"usage": None} if ends_with_usage else {})}

    head = {
        "id": f"chatcmpl-{answer.number:06d}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": answer.model,
    }
    if answer.tool:
        yield chunk({"role": "assistant", "content": None, "tool_calls": [_tool_call(answer, "")]})
        for piece in answer.pieces():
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    else:
        yield chunk({"role": "assistant", "content": ""})
        for piece in answer.pieces():
            yield chunk({"content": piece})
    last = chunk({}, _finish(answer))
    yield last if ends_with_usage is not None else {**last, "usage": usage}
    if ends_with_usage:
        yield {**head, "choices": [], "usage": usage}


def _tool_call(answer: Answer, arguments: str) -> dict[str, Any]:
    tool = answer.tool
    return {
        "index": 0,
        "id": tool.id,
        "type": "function",
        "function": {"name": tool.name, "arguments": arguments},
    }


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tool else "stop"
