"""The page for engineers who guard their code: the same that `docs/client.md` says at length."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from policies.services import bundle_keys

ENVIRONMENT = """\
pip install countersign   # in a checkout of the repository: pip install .

export COUNTERSIGN_URL={url}
export COUNTERSIGN_KEY=csk_live_...        # shown once, when you make it
export COUNTERSIGN_INTEGRATION=your-integration
export COUNTERSIGN_BUNDLE_KEY={bundle_key}

python -m countersign doctor"""
PYTHON = """\
from countersign import Portal, guard
from openai import OpenAI

portal = Portal()
client = guard(portal, OpenAI())

with portal.actor("user:42", purpose="treatment"):
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "..."}]
    )
    print(portal.reveal(answer.choices[0].message.content))"""


class Case(NamedTuple):
    """What may happen, what the code sees of it, and what the record says."""

    name: str
    seen: str
    record: str


CASES = (
    Case(
        "Denied by the gate",
        "The SDK's own permission error with every reason; nothing is sent and nothing retried",
        "The denial",
    ),
    Case(
        "Blocked by a rule, or a body that no rule can read",
        "The same",
        "The call, ended as blocked",
    ),
    Case(
        "The portal cannot be asked, mode strict",
        "503 in the SDK's own form",
        "Told later, ended as blocked",
    ),
    Case(
        "The portal cannot be asked, mode spool",
        "Nothing: it goes on once a local journal holds the call",
        "Drained later, and marked so",
    ),
    Case("The portal cannot be asked, mode observe", "Nothing", "A gap that is counted"),
    Case("An error of the provider", "Unchanged", "Failed, with the status"),
    Case("Retries of the SDK", "Unchanged", "One each, with one operation id"),
    Case(
        "Time-out, refused connection, death in the middle", "The SDK's own error", "How it ended"
    ),
    Case("A stream", "Unchanged; usage is asked for and kept from you", "Succeeded, with usage"),
    Case("break, a forgotten stream, a cancelled task", "Unchanged", "Cancelled"),
    Case("Killed in the middle", "-", "Closed as unknown by the next start"),
)
CLIENTS = (
    "OpenAI, AsyncOpenAI, AzureOpenAI",
    "Anthropic, AsyncAnthropic, AnthropicBedrock",
    "google.genai.Client, cohere.ClientV2, Mistral",
    "ChatOpenAI of LangChain",
    "httpx and httpx2 clients, sync and async",
    'boto3.client("bedrock-runtime") by guard_boto()',
    "whatever is not HTTP by portal.call()",
)
PAST = (
    "Websockets and realtime sessions: refused in strict mode, unrecorded in the others",
    "gRPC, aiohttp and SDKs that are not in the list: use portal.call()",
    "Other languages: the REST API",
    "A client that nobody guarded: the provider's counts show what is missing",
)


@require_safe
def client_guide(request: HttpRequest) -> HttpResponse:
    """Quick start, what is recorded, modes, failures, and what goes past the library."""
    context = {
        "environment": ENVIRONMENT.format(
            url=settings.PUBLIC_URL, bundle_key=bundle_keys.public_key()
        ),
        "python": PYTHON,
        "cases": CASES,
        "clients": CLIENTS,
        "past": PAST,
    }
    return render(request, "policies/client_guide.html", context)
