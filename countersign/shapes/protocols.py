"""The bodies of AI services: which fields are the protocol's own, and which parts are opaque.

Sources: the public API references of OpenAI (chat, responses, embeddings, files, batches),
Anthropic (messages), Amazon Bedrock (InvokeModel, Converse), Google (generateContent), Cohere
(v2 chat) and Mistral (chat), read 2026-11. A field that none of them knows is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from countersign.shapes.json_documents import Place, Reader, removed
from countersign.shapes.records import FHIR, RECORDS, RecordReader, is_resource
from countersign.shapes.slots import PROTOCOL, SEALED

# Words of a protocol. What stands there is still looked at unless it is one word, and what is
# known as a value is swept from there too.
_WORDS = frozenset(
    [
        "model",
        "role",
        "type",
        "id",
        "object",
        "finish_reason",
        "finishReason",
        "stop_reason",
        "stopReason",
        "tool_choice",
        "toolChoice",
        "encoding_format",
        "encodingFormat",
        "tool_call_id",
        "call_id",
        "tool_use_id",
        "toolUseId",
        "previous_response_id",
        "item_id",
        "file_id",
        "fileId",
        "vector_store_id",
        "container_id",
        "conversation",
        "service_tier",
        "serviceTier",
        "truncation",
        "detail",
        "format",
        "voice",
        "media_type",
        "mime_type",
        "mimeType",
        "status",
        "effort",
        "verbosity",
        "encoding",
        "system_fingerprint",
        "anthropic_version",
        "anthropic_beta",
        "ttl",
        "quality",
        "size",
        "response_mime_type",
        "responseMimeType",
        "embedding_types",
        "input_type",
        "task_type",
        "taskType",
        "purpose",
        "container",
        "background",
        "moderation",
        "output_format",
        "language_code",
        "responseModalities",
        "modalities",
        "include",
        "betas",
        "endpoint",
        "method",
        "completion_window",
        "server_label",
        "require_approval",
        "prompt_truncation",
        "safety_mode",
        "modelId",
        "modelVersion",
        "responseId",
        "createTime",
        "trace",
        "guardrailVersion",
        "guardrailIdentifier",
        "latency",
        "performance_config",
        "reasoning_effort",
        "prompt_mode",
        "object_type",
        "ranker",
    ]
)
# Blobs that a provider signed or encrypted: read by nobody else, and broken by any change.
_SEALED = frozenset(
    [
        "signature",
        "encrypted_content",
        "thoughtSignature",
        "thought_signature",
        "encrypted_index",
        "redactedContent",
        "encrypted_stdout",
        "b64_json",
        "embedding",
        "embeddings",
        "obfuscation",
    ]
)
# Fields whose text no person and no model wrote.
FRAME_WORDS = _WORDS | _SEALED
# Where the name of a function stands. A person's name may stand in any other "name".
_FUNCTIONS = frozenset(
    [
        "function",
        "functions",
        "tools",
        "tool",
        "tool_choice",
        "toolChoice",
        "json_schema",
        "toolSpec",
        "toolUse",
        "functionCall",
        "function_call",
        "functionResponse",
        "functionDeclarations",
        "function_declarations",
        "response_format",
        "text_format",
        "tool_calls",
        "toolCalls",
    ]
)
_CALLS = frozenset(
    [
        "function_call",
        "tool_use",
        "server_tool_use",
        "mcp_tool_use",
        "function",
        "custom_tool_call",
        "mcp_call",
        "custom",
        "mcp",
        "web_search_20250305",
        "json_schema",
    ]
)
_RESULTS = frozenset({"tool_result", "function_call_output", "mcp_tool_result"})
# What stands below is the application's, not the protocol's.
_RECORDS = frozenset(
    [
        "metadata",
        "args",
        "arguments",
        "response",
        "json",
        "parameters_json",
        "requestMetadata",
        "variables",
        "promptVariables",
        "state",
    ]
)
_SCHEMAS = frozenset(
    [
        "parameters",
        "input_schema",
        "inputSchema",
        "schema",
        "response_schema",
        "responseSchema",
        "responseJsonSchema",
        "response_json_schema",
        "parametersJsonSchema",
        "output_schema",
        "structured_output",
    ]
)
# Lists whose members a message can do without.
_TEXT = re.compile(r"(text/|application/(json|xml|.*\+json|.*\+xml|x-ndjson|csv|hl7))")
_TEXT_FORMATS = frozenset({"txt", "csv", "html", "md", "json", "xml", "text", "base64-text"})
_PDF_FORMATS = frozenset({"pdf", "doc", "docx", "xls", "xlsx"})
_BY_PARENT = {
    "image": "image",
    "image_url": "image",
    "input_audio": "audio",
    "audio": "audio",
    "video": "video",
    "video_url": "video",
    "document": "application",
    "file": "application",
}


class SchemaReader(Reader):
    """A JSON schema: its descriptions, examples and choices are text, the rest are its words."""

    numbers = False
    _texts = frozenset({"description", "title", "enum", "examples", "default", "const", "example"})

    def kinds(self, obj: Mapping[str, Any], place: Place) -> Mapping[str, str]:
        return {key: PROTOCOL for key in obj if key not in self._texts}


class ProtocolReader(Reader):
    """The frame of a message: everything that people or programs wrote is looked at."""

    numbers = False

    def kinds(self, obj: Mapping[str, Any], place: Place) -> Mapping[str, str]:
        found = dict.fromkeys(_WORDS & obj.keys(), PROTOCOL)
        found |= dict.fromkeys(_SEALED & obj.keys(), SEALED)
        if "name" in obj and (place.name in _FUNCTIONS or obj.get("type") in _CALLS):
            found["name"] = PROTOCOL
        if obj.get("type") == "redacted_thinking":
            found["data"] = SEALED
        return found

    def below(self, obj: Mapping[str, Any], key: str, place: Place) -> Reader:
        if is_resource(obj[key]):
            return FHIR
        if key in _RECORDS or (key == "input" and self._is_call(obj, place)):
            return RECORDS if key == "metadata" else OF_TOOLS
        if key in _SCHEMAS:
            return SCHEMA
        return ANSWERS if _answers(obj, key) else self

    def item(self, value: Mapping[str, Any] | list[Any]) -> Reader:
        return FHIR if is_resource(value) else self

    def answers(self, obj: Mapping[str, Any]) -> bool:
        return self.of_tool or _is_answer(obj)

    def _is_call(self, obj: Mapping[str, Any], place: Place) -> bool:
        return obj.get("type") in _CALLS or place.name == "toolUse"

    def opaque(self, obj: Mapping[str, Any], place: Place) -> Mapping[str, str]:
        found = {}
        for key in _CARRIERS & obj.keys():
            media = _CARRIER[key](obj, place)
            if media and not _TEXT.match(media):
                found[key] = media
        return found


class OpenAIResponsesReader(ProtocolReader):
    """Parts of a response's input are called otherwise than those of a chat."""

    def instead(self, media: str) -> dict[str, Any]:
        return {"type": "input_text", "text": removed(media)}


class PlainPartsReader(ProtocolReader):
    """Bedrock's Converse and Gemini: a part says what it is by its one field."""

    def instead(self, media: str) -> dict[str, Any]:
        return {"text": removed(media)}


class AnswerReader(ProtocolReader):
    """What a tool answered, in the frame of a message."""

    of_tool = True


class ToolRecordReader(RecordReader):
    """What a tool is called with, or what it answered, as an object."""

    of_tool = True


def _answers(obj: Mapping[str, Any], key: str) -> bool:
    """Whether a tool's answer stands under `key`."""
    return key in ("toolResult", "tool_result", "functionResponse") or _is_answer(obj)


def _is_answer(obj: Mapping[str, Any]) -> bool:
    return obj.get("type") in _RESULTS or obj.get("role") in ("tool", "function")


def _declared(obj: Mapping[str, Any]) -> str:
    for key in ("media_type", "mime_type", "mimeType", "mediaType"):
        media = obj.get(key)
        if isinstance(media, str):
            return media
    return ""


def _data(obj: Mapping[str, Any], place: Place) -> str:
    """Base64 beside its media type or format; `data` without either is text."""
    media = _declared(obj)
    if media:
        return "" if obj.get("type") == "text" else media
    if place.name == "input_audio":
        return f"audio/{_subtype(obj)}"
    return ""


def _bytes(obj: Mapping[str, Any], place: Place) -> str:
    """Bedrock: `{"format": ..., "source": {"bytes": ...}}`; the format is one level above."""
    return "application/octet-stream" if place.name == "source" else ""


def _file_data(obj: Mapping[str, Any], place: Place) -> str:
    name = obj.get("filename")
    ending = name.rpartition(".")[2].lower() if isinstance(name, str) else ""
    value = obj["file_data"]
    if isinstance(value, str) and value.startswith("data:"):
        return value[5:].partition(";")[0] or "application/octet-stream"
    return "text/plain" if ending in _TEXT_FORMATS else "application/octet-stream"


def _image_url(obj: Mapping[str, Any], place: Place) -> str:
    return "image/*"


def _pointed_at(obj: Mapping[str, Any], place: Place) -> str:
    """An address that the provider will fetch: what is behind it nobody here can see."""
    kind = place.name
    if kind in ("image_url", "video_url"):
        return f"{_BY_PARENT[kind]}/*"
    if kind == "source" and obj.get("type") == "url":
        return _declared(obj) or "application/octet-stream"
    return ""


def _stored(obj: Mapping[str, Any], place: Place) -> str:
    return _declared(obj) or "application/octet-stream"


def _in_bucket(obj: Mapping[str, Any], place: Place) -> str:
    return "application/octet-stream" if place.name == "s3Location" else ""


def _subtype(obj: Mapping[str, Any]) -> str:
    kind = obj.get("format")
    return kind if isinstance(kind, str) and kind.isalnum() else "*"


_CARRIER = {
    "data": _data,
    "bytes": _bytes,
    "file_data": _file_data,
    "image_url": _image_url,
    "url": _pointed_at,
    "file_url": _stored,
    "fileUri": _stored,
    "file_uri": _stored,
    "document_url": _stored,
    "uri": _in_bucket,
}
_CARRIERS = frozenset(_CARRIER)

SCHEMA = SchemaReader()
ANSWERS = AnswerReader()
OF_TOOLS = ToolRecordReader()
_READERS: Mapping[str, Reader] = {
    "openai.responses": OpenAIResponsesReader(),
    "openai.conversations": OpenAIResponsesReader(),
    "bedrock.converse": PlainPartsReader(),
    "gemini.generate": PlainPartsReader(),
    "gemini.embed": PlainPartsReader(),
}
_FRAME = ProtocolReader()


def reader_for(shape: str) -> Reader:
    """Who reads bodies of this shape."""
    return _READERS.get(shape, _FRAME)
