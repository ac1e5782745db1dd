"""Run by an interpreter that has one openai and one anthropic of 2024: guard() with both.

Takes a JSON object on its standard input (addresses and keys), and prints what each case saw. Every
case runs in this one process, in the order of `CASES`, and `test_guard_2024.py` judges them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import anthropic
import openai

from countersign import Portal, guard

GIVEN = json.load(sys.stdin)
PATIENT, PROMPT, TOOL = GIVEN["patient"], GIVEN["prompt"], GIVEN["tool"]
CHAT = {"model": "gpt-4o-2024-05-13", "messages": [{"role": "user", "content": PROMPT}]}
MESSAGE = {**CHAT, "model": "claude-3-5-sonnet-20241022", "max_tokens": 64}
FAULT = "x-fake-fault"


def portal_at(name: str) -> Portal:
    return Portal(**GIVEN[name], known={"NAME": [PATIENT]})


portal, denying = portal_at("portal"), portal_at("denying")
keys = {"base_url": GIVEN["provider"] + "/v1", "api_key": "sk-test"}
gpt = guard(portal, openai.OpenAI(**keys))
async_gpt = guard(portal, openai.AsyncOpenAI(**keys))
claude_keys = {"base_url": GIVEN["provider"], "api_key": "sk-test"}
claude = guard(portal, anthropic.Anthropic(**claude_keys))
async_claude = guard(portal, anthropic.AsyncAnthropic(**claude_keys))


def retried() -> str:
    """The provider is told to fail the first request; this release tries again."""
    return chat()


def chat() -> str:
    return portal.reveal(gpt.chat.completions.create(**CHAT).choices[0].message.content or "")


def chat_stream() -> str:
    chunks = list(gpt.chat.completions.create(**CHAT, stream=True))
    assert all(chunk.choices for chunk in chunks), "the chunk that was asked for came through"
    return portal.reveal("".join(chunk.choices[0].delta.content or "" for chunk in chunks))


def chat_tool() -> str:
    calls = gpt.chat.completions.create(**CHAT, tools=[TOOL]).choices[0].message.tool_calls
    return portal.reveal(json.loads((calls or [])[0].function.arguments)["patient"])


def azure() -> str:
    client = guard(
        portal,
        openai.AzureOpenAI(
            azure_endpoint=GIVEN["provider"], api_key="azure-test", api_version="2024-10-21"
        ),
    )
    return portal.reveal(client.chat.completions.create(**CHAT).choices[0].message.content or "")


def chat_awaited() -> str:
    async def ask() -> str:
        stream = await async_gpt.chat.completions.create(**CHAT, stream=True)
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        await async_gpt.close()
        return portal.reveal(said)

    return asyncio.run(ask())


def message() -> str:
    return portal.reveal(claude.messages.create(**MESSAGE).content[0].text)


def message_stream() -> str:
    with claude.messages.stream(**MESSAGE) as stream:
        return portal.reveal("".join(stream.text_stream))


def message_tool() -> str:
    tool = {"name": "look_up", "input_schema": TOOL["function"]["parameters"]}
    return portal.reveal(
        claude.messages.create(**MESSAGE, tools=[tool]).content[0].input["patient"]
    )


def message_awaited() -> str:
    async def ask() -> str:
        done = await async_claude.messages.create(**MESSAGE)
        await async_claude.close()
        return portal.reveal(done.content[0].text)

    return asyncio.run(ask())


def left() -> str:
    stream = gpt.chat.completions.create(**CHAT, stream=True, extra_headers={FAULT: "stalls-3"})
    next(iter(stream))
    stream.close()
    return "left"


def broken() -> str:
    stream = claude.messages.create(**MESSAGE, stream=True, extra_headers={FAULT: "dies-3"})
    return "".join(event.type for event in stream)


def denied_chat() -> object:
    return guard(denying, openai.OpenAI(**keys)).chat.completions.create(**CHAT)


def denied_message() -> object:
    return guard(denying, anthropic.Anthropic(**claude_keys)).messages.create(**MESSAGE)


CASES: tuple[Callable[[], object], ...] = (
    retried,
    chat,
    chat_stream,
    chat_tool,
    azure,
    chat_awaited,
    message,
    message_stream,
    message_tool,
    message_awaited,
    left,
    broken,
    denied_chat,
    denied_message,
)


def run(case: Callable[[], object]) -> dict[str, Any]:
    try:
        return {"said": case()}
    except (openai.APIError, anthropic.APIError) as error:
        return {"raised": type(error).__name__, "status": getattr(error, "status_code", None)}
    except Exception as error:  # noqa: BLE001 - which, is what the test asks
        return {"raised": type(error).__name__}


seen = {case.__name__: run(case) for case in CASES}
portal.close()
denying.close()
versions = {"openai": openai.__version__, "anthropic": anthropic.__version__}
json.dump({"versions": versions, "seen": seen}, sys.stdout)
