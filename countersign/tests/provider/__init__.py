"""A provider of AI services on loopback: real HTTP, real wire formats, faults on request.

    with FakeProvider(echo=True) as provider:
        client = OpenAI(base_url=provider.url + "/v1", api_key="sk-test")
        ...
        assert "Miller" not in provider.requests[-1].text

Base URLs: OpenAI and what speaks like it `url + "/v1"`; Azure, Anthropic, Cohere, Mistral, Gemini
and Bedrock `url`. Mistral shares its paths with OpenAI and is told apart by its user agent.
"""

from countersign.tests.provider.faults import Fault
from countersign.tests.provider.model import USAGE
from countersign.tests.provider.server import FakeProvider, Received

__all__ = ["USAGE", "FakeProvider", "Fault", "Received"]
