"""What each service's body holds: where its texts and its opaque parts stand."""

import base64
import json

import pytest

from countersign.masking.tests.applying import apply, engine, policy
from countersign.masking.tokens import TOKEN
from countersign.shapes import shape_for

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300)).decode()
PDF = base64.b64encode(b"%PDF-1.7\n" + bytes(range(256)) * 4).decode()
SSN = "SSN 123-45-6789"
DROP = engine(policy("drop"))
BLOCK = engine(policy("block"))

ROUTES = [
    ("/v1/chat/completions", "api.openai.com", "openai.chat"),
    ("/openai/deployments/gpt/chat/completions?api-version=1", "x.openai.azure.com", "openai.chat"),
    ("/v1/responses", "api.openai.com", "openai.responses"),
    ("/v1/embeddings", "api.openai.com", "openai.embeddings"),
    ("/v1/files", "api.openai.com", "openai.files"),
    ("/v1/messages", "api.anthropic.com", "anthropic.messages"),
    ("/v1/messages/count_tokens", "api.anthropic.com", "anthropic.messages"),
    (
        "/model/anthropic.claude-3/invoke",
        "bedrock-runtime.us-east-1.amazonaws.com",
        "bedrock.invoke",
    ),
    ("/model/x%3A0/converse-stream", "bedrock-runtime.us-east-1.amazonaws.com", "bedrock.converse"),
    (
        "/v1beta/models/gemini-2:generateContent",
        "generativelanguage.googleapis.com",
        "gemini.generate",
    ),
    ("/v1beta/models/gemini-2:streamGenerateContent?alt=sse", "g.test", "gemini.generate"),
    ("/v2/chat", "api.cohere.com", "cohere.chat"),
    ("/v1/chat/completions", "api.mistral.ai", "mistral.chat"),
    ("/v1/unheard-of", "api.openai.com", None),
]


@pytest.mark.parametrize(("path", "host", "shape"), ROUTES)
def test_an_address_tells_the_shape(path, host, shape):
    assert shape_for(path, host) == shape


# Shape, body, and where the text stands that has to be masked.
TEXTS = [
    ("openai.chat", {"model": "m", "messages": [{"role": "user", "content": SSN}]}),
    ("openai.chat", {"messages": [{"role": "user", "content": [{"type": "text", "text": SSN}]}]}),
    ("openai.chat", {"messages": [{"role": "system", "content": "x", "name": SSN}]}),
    ("openai.chat", {"messages": [], "user": SSN}),
    ("openai.chat", {"messages": [], "metadata": {"visit": SSN}}),
    ("openai.chat", {"messages": [], "stop": [SSN]}),
    (
        "openai.chat",
        {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "c",
                            "type": "function",
                            "function": {"name": "f", "arguments": json.dumps({"a": SSN})},
                        }
                    ],
                }
            ]
        },
    ),
    (
        "openai.chat",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "file",
                            "file": {
                                "filename": f"{SSN}.txt",
                                "file_data": base64.b64encode(SSN.encode()).decode(),
                            },
                        }
                    ],
                }
            ]
        },
    ),
    (
        "openai.chat",
        {
            "messages": [],
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "f",
                        "description": SSN,
                        "parameters": {
                            "type": "object",
                            "properties": {
                                "a": {"type": "string", "description": SSN, "enum": [SSN]}
                            },
                        },
                    },
                }
            ],
        },
    ),
    ("openai.responses", {"model": "m", "input": SSN, "instructions": SSN}),
    (
        "openai.responses",
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": SSN}]}]},
    ),
    (
        "openai.responses",
        {"input": [{"type": "function_call_output", "call_id": "c", "output": SSN}]},
    ),
    ("openai.embeddings", {"model": "m", "input": ["fine", SSN]}),
    ("anthropic.messages", {"system": [{"type": "text", "text": SSN}], "messages": []}),
    (
        "anthropic.messages",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "t",
                            "content": [{"type": "text", "text": SSN}],
                        }
                    ],
                }
            ]
        },
    ),
    (
        "anthropic.messages",
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool_use",
                            "id": "t",
                            "name": "f",
                            "input": {"who": SSN, "n": [SSN]},
                        }
                    ],
                }
            ]
        },
    ),
    (
        "anthropic.messages",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "title": SSN,
                            "source": {
                                "type": "base64",
                                "media_type": "text/plain",
                                "data": base64.b64encode(SSN.encode()).decode(),
                            },
                        }
                    ],
                }
            ]
        },
    ),
    ("anthropic.messages", {"messages": [], "metadata": {"user_id": SSN}}),
    (
        "bedrock.converse",
        {"system": [{"text": SSN}], "messages": [{"role": "user", "content": [{"text": SSN}]}]},
    ),
    (
        "bedrock.converse",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"toolResult": {"toolUseId": "t", "content": [{"json": {"a": SSN}}]}}
                    ],
                }
            ]
        },
    ),
    (
        "bedrock.converse",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "document": {
                                "name": SSN,
                                "format": "txt",
                                "source": {"bytes": base64.b64encode(SSN.encode()).decode()},
                            }
                        }
                    ],
                }
            ]
        },
    ),
    (
        "bedrock.invoke",
        {"anthropic_version": "bedrock-2023-05-31", "messages": [{"role": "user", "content": SSN}]},
    ),
    ("bedrock.invoke", {"inputText": SSN, "textGenerationConfig": {"temperature": 0}}),
    (
        "gemini.generate",
        {"systemInstruction": {"parts": [{"text": SSN}]}, "contents": [{"parts": [{"text": SSN}]}]},
    ),
    (
        "gemini.generate",
        {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {"a": SSN}}}]}]},
    ),
    ("cohere.chat", {"message": SSN, "documents": [{"id": "1", "data": {"text": SSN}}]}),
    (
        "cohere.chat",
        {
            "messages": [
                {
                    "role": "tool",
                    "tool_call_id": "1",
                    "content": [{"type": "document", "document": {"data": SSN}}],
                }
            ]
        },
    ),
    ("mistral.chat", {"messages": [{"role": "user", "content": SSN, "prefix": False}]}),
    (
        "openai.chat",
        {
            "id": "r",
            "object": "chat.completion",
            "created": 1760000000,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": SSN},
                }
            ],
        },
    ),
    (None, {"anything": {"deep": [[SSN]]}}),
]


@pytest.mark.parametrize(("shape", "body"), TEXTS)
def test_every_text_of_a_body_is_looked_at(shape, body):
    outcome = apply(body, shape=shape)
    assert outcome.refusal is None
    out = json.loads(outcome.body)
    assert skeleton(out) == skeleton(body)
    assert "45-6789" not in decoded(outcome.body.decode())
    assert outcome.counts["SSN"] == decoded(json.dumps(body)).count("45-6789")


def skeleton(value):
    """The same with every text that holds something masked, or has to be masked, left out."""
    if isinstance(value, dict):
        return {name: skeleton(each) for name, each in value.items()}
    if isinstance(value, list):
        return [skeleton(each) for each in value]
    if not isinstance(value, str):
        return value
    plain = decoded(value)
    return None if "45-6789" in plain or TOKEN.search(plain) else value


def decoded(text):
    code = base64.b64encode(b"SSN ").decode()[:5]
    at = text.find(code)
    if at < 0:
        at = text.find(base64.b64encode(b"SSN [[").decode()[:8])
    if at < 0:
        return text
    end = at
    while end < len(text) and (text[end].isalnum() or text[end] in "+/="):
        end += 1
    return text[:at] + base64.b64decode(text[at:end]).decode() + text[end:]


def parts(shape, *content):
    if shape.startswith("gemini"):
        return {"contents": [{"role": "user", "parts": list(content)}]}
    if shape == "openai.responses":
        return {"input": [{"role": "user", "content": list(content)}]}
    return {"messages": [{"role": "user", "content": list(content)}]}


OPAQUE = [
    (
        "openai.chat",
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        "image",
    ),
    ("openai.chat", {"type": "image_url", "image_url": {"url": "https://x.test/1.png"}}, "image"),
    (
        "openai.chat",
        {"type": "input_audio", "input_audio": {"format": "wav", "data": PNG}},
        "audio",
    ),
    (
        "openai.chat",
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
        },
        "application",
    ),
    (
        "openai.responses",
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
        "image",
    ),
    ("openai.responses", {"type": "input_file", "file_url": "https://x.test/a.pdf"}, "application"),
    (
        "anthropic.messages",
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        "image",
    ),
    (
        "anthropic.messages",
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        },
        "application",
    ),
    (
        "anthropic.messages",
        {"type": "image", "source": {"type": "url", "url": "https://x.test/1.png"}},
        None,
    ),
    ("bedrock.converse", {"image": {"format": "png", "source": {"bytes": PNG}}}, None),
    ("gemini.generate", {"inlineData": {"mimeType": "image/png", "data": PNG}}, "image"),
    (
        "gemini.generate",
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.test/v"}},
        "video",
    ),
    ("mistral.chat", {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}, "image"),
    (
        "mistral.chat",
        {"type": "document_url", "document_url": "https://x.test/a.pdf"},
        "application",
    ),
]


@pytest.mark.parametrize(("shape", "part", "sort"), OPAQUE)
def test_an_opaque_part_is_counted_and_the_policy_says_what_becomes_of_it(shape, part, sort):
    text = {"text": "What is this?"}
    if not shape.startswith(("bedrock.converse", "gemini")):
        text["type"] = "input_text" if shape == "openai.responses" else "text"
    body = parts(shape, text, part)
    refused = apply(body, by=engine(policy("block", rules=NO_RULE_FOR_IMAGES)), shape=shape)
    assert refused.refusal.reason == "opaque-content"
    dropped = apply(body, by=DROP, shape=shape)
    assert dropped.refusal is None
    (told,) = dropped.opaque
    assert told.action == "drop"
    assert sort is None or told.media.startswith(sort)
    out = json.loads(dropped.body)
    holder = (out.get("contents") or out.get("messages") or out["input"])[0]
    first, second = holder.get("parts") or holder["content"]
    assert first == text
    assert second.keys() == text.keys()
    assert second["text"].endswith("removed]")


NO_RULE_FOR_IMAGES = [
    {
        "id": "none",
        "priority": 1,
        "effect": "transform",
        "when": {"fact": "kind", "equals": "SSN"},
        "then": {"action": "mask"},
    }
]


def test_a_rule_for_images_comes_before_the_default():
    body = parts("openai.chat", OPAQUE[0][1])
    assert apply(body, by=BLOCK, shape="openai.chat").opaque[0].action == "drop"


def test_an_image_passes_where_the_policy_lets_it():
    by = engine(policy("allow", rules=NO_RULE_FOR_IMAGES))
    body = parts("openai.chat", OPAQUE[0][1])
    outcome = apply(body, by=by, shape="openai.chat")
    assert json.loads(outcome.body) == body
    assert outcome.opaque[0].action == "allow"


def test_what_is_said_to_be_an_image_and_is_text_is_read():
    text = base64.b64encode(f"no image: {SSN}".encode()).decode()
    part = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": text}}
    outcome = apply(parts("anthropic.messages", part), shape="anthropic.messages")
    assert outcome.counts == {"SSN": 1}


def test_what_a_provider_sealed_is_left_alone():
    sealed = base64.b64encode(f"sealed {SSN}".encode()).decode()
    body = {
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "hm", "signature": sealed}],
            }
        ]
    }
    assert json.loads(apply(body, shape="anthropic.messages").body) == body


HIDING = [
    {"messages": [{"role": "user", "content": "x", "signature": f"it is {SSN}"}]},
    {"messages": [], "model": SSN},
    {"messages": [{"role": SSN, "content": "x"}]},
    {"messages": [{"role": "tool", "tool_call_id": "123-45-6789", "content": "x"}]},
    {"messages": [{"role": "tool", "tool_call_id": "maria@mail.test", "content": "x"}]},
    {"messages": [], "tools": [{"type": "function", "function": {"name": SSN}}]},
    {"messages": [], "embedding": [SSN]},
    {"messages": [], "format": SSN},
]


@pytest.mark.parametrize("body", HIDING)
def test_a_field_of_the_protocol_hides_no_text(body):
    outcome = apply(body, shape="openai.chat")
    assert outcome.refusal is None
    assert b"45-6789" not in outcome.body
    assert b"maria@" not in outcome.body
