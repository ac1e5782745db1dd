"""Cohere's API of version 2: chat, embed, rerank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from countersign.tests.provider.chat_completions import conversation
from countersign.tests.provider.model import Answer, Conversation, Model
from countersign.tests.provider.wire import SSE, Asked, Refused, Reply, server_sent, whole


def chat(asked: Asked, model: Model) -> Reply:
    _check(asked)
    talk = conversation(asked)
    answer = model.answer(talk, endless=asked.endless)
    headers = {"x-debug-trace-id": f"trace{answer.number:06d}"}
    if not talk.stream:
        return whole(_response(answer), headers)
    return Reply(server_sent(_events(answer), named=True), SSE, headers=headers)


def embed(asked: Asked, model: Model) -> Reply:
    _check(asked)
    document = asked.document
    texts = document.get("texts") or []
    vectors = [[0.25, -0.5, 0.125] for _ in texts]
    usage = model.answer(Conversation(model=document.get("model") or "", last="")).usage
    return whole(
        {
            "id": "embed-1",
            "embeddings": {"float": vectors},
            "texts": texts,
            "response_type": "embeddings_by_type",
            "meta": {
                "api_version": {"version": "2"},
                "billed_units": {"input_tokens": usage.input},
            },
        }
    )


def rerank(asked: Asked, model: Model) -> Reply:
    _check(asked)
    documents = asked.document.get("documents") or []
    results = [{"index": index, "relevance_score": 0.5} for index, _ in enumerate(documents)]
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return whole({"id": "rerank-1", "results": results, "meta": meta})


def error(status: int, message: str) -> dict[str, Any]:
    return {"id": f"error-{status}", "message": message}


def _check(asked: Asked) -> None:
    if not asked.headers.get("authorization", "").removeprefix("Bearer "):
        raise Refused(401, "no api key supplied")


def _usage(answer: Answer) -> dict[str, Any]:
    tokens = {"input_tokens": answer.usage.input, "output_tokens": answer.usage.output}
    return {"billed_units": tokens, "tokens": tokens, "cached_tokens": answer.usage.cached}


def _finish(answer: Answer) -> str:
    return "TOOL_CALL" if answer.tool else "COMPLETE"


def _tool_call(answer: Answer, arguments: str) -> dict[str, Any]:
    tool = answer.tool
    function = {"name": tool.name, "arguments": arguments}
    return {"id": tool.id, "type": "function", "function": function}


def _response(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    if answer.tool:
        call = _tool_call(answer, answer.tool.json)
        message |= {"tool_plan": "I will use the tool.", "tool_calls": [call]}
    else:
        message["content"] = [{"type": "text", "text": answer.text}]
    return {
        "id": f"cohere-{answer.number:06d}",
        "message": message,
        "finish_reason": _finish(answer),
        "usage": _usage(answer),
    }


def _events(answer: Answer) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": [],
        "tool_plan": "",
        "tool_calls": [],
        "citations": [],
    }
    yield {
        "type": "message-start",
        "id": f"cohere-{answer.number:06d}",
        "delta": {"message": message},
    }
    yield from _tool_events(answer) if answer.tool else _text_events(answer)
    delta = {"finish_reason": _finish(answer), "usage": _usage(answer)}
    yield {"type": "message-end", "delta": delta}


def _text_events(answer: Answer) -> Iterator[dict[str, Any]]:
    content = {"type": "text", "text": ""}
    yield {"type": "content-start", "index": 0, "delta": {"message": {"content": content}}}
    for piece in answer.pieces():
        delta = {"message": {"content": {"text": piece}}}
        yield {"type": "content-delta", "index": 0, "delta": delta}
    yield {"type": "content-end", "index": 0}


def _tool_events(answer: Answer) -> Iterator[dict[str, Any]]:
    yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will use the tool."}}}
    start = {"message": {"tool_calls": _tool_call(answer, "")}}
    yield {"type": "tool-call-start", "index": 0, "delta": start}
    for piece in answer.pieces():
        delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
        yield {"type": "tool-call-delta", "index": 0, "delta": delta}
    yield {"type": "tool-call-end", "index": 0}
