"""Which path is whose, what answers it, and how that provider says no."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from countersign.tests.provider import (
    bedrock,
    chat_completions,
    cohere_v2,
    gemini,
    messages,
    responses,
)
from countersign.tests.provider.model import Model
from countersign.tests.provider.wire import Asked, Handler, Refused, Reply, whole

NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Route:
    path: re.Pattern[str]
    handler: Handler
    error: Callable[[int, str], dict[str, Any]]


def files(asked: Asked, model: Model) -> Reply:
    """An upload, of which the size is all that this provider keeps."""
    if not asked.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(400, "A file is sent as multipart/form-data.")
    about = {
        "object": "file",
        "bytes": len(asked.body),
        "filename": "upload",
        "purpose": "user_data",
    }
    return whole(
        {"id": "file-1", "created_at": chat_completions.CREATED, "status": "processed"} | about
    )


OPENAI, MISTRAL = chat_completions.error, chat_completions.mistral_error
TABLE: tuple[tuple[str, Handler, Callable[[int, str], dict[str, Any]]], ...] = (
    (r"/v1/chat/completions", chat_completions.openai_chat, OPENAI),
    (r"/v1/responses", responses.respond, OPENAI),
    (r"/v1/embeddings", chat_completions.embeddings, OPENAI),
    (r"/v1/files", files, OPENAI),
    (
        r"/openai/deployments/(?P<deployment>[^/]+)/chat/completions",
        chat_completions.azure_chat,
        OPENAI,
    ),
    (r"/openai/deployments/[^/]+/embeddings", chat_completions.embeddings, OPENAI),
    (r"/openai(/v1)?/responses", responses.respond, OPENAI),
    (r"/v1/messages", messages.messages, messages.error),
    (r"/v1/messages/count_tokens", messages.count_tokens, messages.error),
    (r"/model/(?P<model>[^/]+)/invoke", bedrock.invoke, bedrock.error),
    (r"/model/(?P<model>[^/]+)/invoke-with-response-stream", bedrock.invoke_stream, bedrock.error),
    (r"/model/(?P<model>[^/]+)/converse", bedrock.converse, bedrock.error),
    (r"/model/(?P<model>[^/]+)/converse-stream", bedrock.converse_stream, bedrock.error),
    (r"/v1(beta)?(/.+)?/models/(?P<model>[^/:]+):generateContent", gemini.generate, gemini.error),
    (
        r"/v1(beta)?(/.+)?/models/(?P<model>[^/:]+):streamGenerateContent",
        gemini.stream,
        gemini.error,
    ),
    (r"/v1(beta)?(/.+)?/models/(?P<model>[^/:]+):countTokens", gemini.count_tokens, gemini.error),
    (
        r"/v1(beta)?(/.+)?/models/[^/:]+:(batchEmbedContents|embedContent)",
        gemini.embed,
        gemini.error,
    ),
    (r"/v2/chat", cohere_v2.chat, cohere_v2.error),
    (r"/v2/embed", cohere_v2.embed, cohere_v2.error),
    (r"/v2/rerank", cohere_v2.rerank, cohere_v2.error),
)
ROUTES = tuple(Route(re.compile(path), handler, error) for path, handler, error in TABLE)

# Mistral has OpenAI's paths; its SDK says who it is.
MISTRALS = {
    "/v1/chat/completions": chat_completions.mistral_chat,
    "/v1/fim/completions": chat_completions.mistral_chat,
    "/v1/embeddings": chat_completions.embeddings,
}


def route_for(path: str, user_agent: str) -> tuple[Route | None, dict[str, str]]:
    """The route of a decoded path, and the parts of the path that it names."""
    if user_agent.startswith("mistral") and path in MISTRALS:
        return Route(re.compile(path), MISTRALS[path], MISTRAL), {}
    for route in ROUTES:
        match = route.path.fullmatch(path)
        if match:
            return route, match.groupdict()
    return None, {}


def refusal(route: Route | None, status: int, message: str) -> Reply:
    """An error as this provider says it, with its word whether and when to try again."""
    error = route.error if route else OPENAI
    headers = {"x-request-id": "req_refused"}
    if status == 429 or status >= 500:
        # So short that tests of retries take no time; all SDKs heed it.
        headers |= {"retry-after-ms": "5"}
    if error is bedrock.error:
        headers |= {"x-amzn-errortype": bedrock.error_type(status)}
    return whole(error(status, message), headers, status=status)
