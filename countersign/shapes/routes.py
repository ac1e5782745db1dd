"""The form of a call's body, told by the address that it is sent to."""

from __future__ import annotations

import re

# Looked at in order; the first that is found in the path decides. Hosts only decide where two
# services share a path. Behind a prefix (Azure's deployments, a gateway) the ending is the same.
_BY_PATH = [
    (r"/model/[^/]+/converse(-stream)?$", "bedrock.converse"),
    (r"/model/[^/]+/(invoke|invoke-with-response-stream|async-invoke)$", "bedrock.invoke"),
    (r":(generate|streamGenerate)Content$", "gemini.generate"),
    (r":(batchGenerateContent|countTokens)$", "gemini.generate"),
    (r":(embedContent|batchEmbedContents|asyncBatchEmbedContent)$", "gemini.embed"),
    (r"/publishers/anthropic/models/[^/]+:(rawPredict|streamRawPredict)$", "anthropic.messages"),
    (r"/messages(/count_tokens)?$", "anthropic.messages"),
    (r"/messages/batches$", "anthropic.batches"),
    (r"/chat/completions$", "openai.chat"),
    (r"/(fim/)?completions$", "openai.completions"),
    (r"/responses(/input_tokens|/compact)?$", "openai.responses"),
    (r"/embeddings$", "openai.embeddings"),
    (r"/moderations$", "openai.moderations"),
    (r"/images/(generations|edits|variations)$", "openai.images"),
    (r"/audio/(transcriptions|translations|speech)$", "openai.audio"),
    (r"/(files|uploads)(/[^/]+/parts)?$", "openai.files"),
    (r"/v[12]/chat$", "cohere.chat"),
    (r"/v[12]/generate$", "cohere.generate"),
    (r"/v[12]/embed$", "cohere.embed"),
    (r"/v[12]/rerank$", "cohere.rerank"),
    (r"/v1/ocr$", "mistral.ocr"),
    (r"/conversations(/[^/]+)?$", "openai.conversations"),
]
_ROUTES = [(re.compile(pattern, re.ASCII), shape) for pattern, shape in _BY_PATH]


def shape_for(url_path: str, host: str) -> str | None:
    """The shape of a call to `url_path` at `host`, as "openai.chat"; None for one not known.

    A query and a closing slash do not count. A body of no known shape is still read by its media
    type, so that None costs precision, never a check.
    """
    path = url_path.split("?", 1)[0].rstrip("/")
    for pattern, shape in _ROUTES:
        if pattern.search(path):
            return _of_host(shape, host.lower())
    return None


def _of_host(shape: str, host: str) -> str:
    """Mistral took over OpenAI's paths; its bodies differ in what they may hold."""
    maker, _, name = shape.partition(".")
    if maker == "openai" and "mistral" in host:
        return f"mistral.{name}"
    return shape
