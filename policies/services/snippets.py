"""What an engineer pastes to make the first recorded call: Python's standard library, or curl."""

from __future__ import annotations

import json
import shlex
from string import Template

from policies.models import Integration
from policies.services.deciding import class_slugs

PYTHON = Template('''\
"""Ask before an AI call, and say afterwards how it ended. Needs Python 3.9 and nothing else."""

import json
import os
import secrets
import time
import urllib.error
import urllib.request
import uuid

PORTAL = $url
KEY = os.environ.get("COUNTERSIGN_KEY", $secret)


def uuid7():
    """A UUID that sorts by time (RFC 9562); it makes a repeated post harmless."""
    value = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=value | 2 << 62 | secrets.randbits(62)))


def post(path, body):
    request = urllib.request.Request(
        PORTAL + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + KEY, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.code}: {error.read().decode()}") from None


call_id = uuid7()
verdict = post(
    "/calls",
    {
        "call_id": call_id,
        "integration": $slug,
        "provider": $provider,
        "operation": "chat",
        "region": $region,
        "model": $model,
        "data_classes": $classes,
        "phi_present": $phi,
        "actor": {"type": "service", "id": "snippet"},
        "purpose": $purpose,
    },
)
reasons = [reason["code"] for reason in verdict["reasons"]]
print("decision:", verdict["decision"], ", ".join(reasons))

if verdict["decision"] == "allow":
    started = time.monotonic()
    # Make the call to the AI service here; the portal never sees its content.
    post(
        f"/calls/{call_id}/completion",
        {
            "event_id": uuid7(),
            "outcome": "succeeded",
            "usage": {"input": 12, "output": 34},
            "usage_source": "estimated",
            "latency_ms": round((time.monotonic() - started) * 1000),
        },
    )
    print("recorded:", call_id)
''')

CURL = Template("""\
CALL_ID=$$(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid)
curl -sS $url/calls \\
  -H $authorization \\
  -H 'Content-Type: application/json' \\
  -d @- <<END
$body
END
""")


def _model(integration: Integration) -> str:
    """A model to try: the first pattern, with a word where it has stars."""
    first = integration.model_patterns[0] if integration.model_patterns else ""
    return first.replace("*", "example") or "example"


def python_snippet(integration: Integration, *, url: str, secret: str) -> str:
    """A script that asks the gate, and closes the record if it may go on.

    `url` is the address of the API without a slash at its end.
    """
    classes = list(integration.data_classes.all())
    return PYTHON.substitute(
        url=_quoted(url),
        secret=_quoted(secret),
        slug=_quoted(integration.slug),
        provider=_quoted(integration.service.provider),
        region=_quoted(integration.region),
        model=_quoted(_model(integration)),
        classes=json.dumps(sorted(c.slug for c in classes)),
        phi=any(c.is_phi for c in classes),
        purpose=_quoted(integration.purpose),
    )


def _quoted(text: str) -> str:
    """A string literal that JSON and Python read alike."""
    return json.dumps(text)


def curl_snippet(integration: Integration, *, url: str, secret: str) -> str:
    """The same question for a shell; the values fit between the quotes of JSON as they are."""
    body = {
        "call_id": "$CALL_ID",
        "integration": integration.slug,
        "provider": integration.service.provider,
        "operation": "chat",
        "region": integration.region,
        "model": _model(integration),
        "data_classes": class_slugs(integration),
        "phi_present": any(c.is_phi for c in integration.data_classes.all()),
        "actor": {"type": "service", "id": "snippet"},
        "purpose": integration.purpose,
    }
    return CURL.substitute(
        url=shlex.quote(url),
        authorization=shlex.quote(f"Authorization: Bearer {secret}"),
        body=json.dumps(body, indent=2),
    )


# How the client of each provider is made; others are called over plain HTTP.
CLIENTS = {
    "openai": ("openai", "OpenAI()"),
    "azure.ai.openai": ("openai", "AzureOpenAI()"),
    "azure.ai.inference": ("openai", "AzureOpenAI()"),
    "anthropic": ("anthropic", "Anthropic()"),
    "aws.bedrock": ("anthropic", "AnthropicBedrock()"),
    "gcp.gemini": ("google.genai", "Client()"),
    "gcp.vertex_ai": ("google.genai", "Client(vertexai=True)"),
    "cohere": ("cohere", "ClientV2()"),
    "mistral_ai": ("mistralai", "Mistral()"),
}
GUARD = Template('''\
"""Every call of this client follows the data rules, and is on record before it is made.

pip install countersign
"""

import os

from countersign import Portal, guard
from $package import $name

portal = Portal(
    $url,
    os.environ["COUNTERSIGN_KEY"],
    integration=$slug,
    bundle_key=$bundle_key,
)
client = guard(portal, $made)

with portal.actor("user:42", purpose=$purpose):
    ...  # use the client as before; portal.reveal(text) puts values back into an answer
''')


def guard_snippet(
    *, url: str, slug: str, bundle_key: str, provider: str = "openai", purpose: str = "treatment"
) -> str:
    """The lines that guard a provider's client, with the key that the portal's bundles are held to.

    `url` is the portal's own address; `bundle_key` the public key in hex.
    """
    package, made = CLIENTS.get(provider, ("httpx", "Client()"))
    return GUARD.substitute(
        package=package,
        name=made.partition("(")[0],
        made=made,
        url=_quoted(url),
        slug=_quoted(slug),
        bundle_key=_quoted(bundle_key),
        purpose=_quoted(purpose),
    )
