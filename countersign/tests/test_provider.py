"""The fake provider speaks the formats of the real ones: their SDKs, unguarded, understand it."""

from __future__ import annotations

import asyncio
import json

import anthropic
import boto3
import cohere
import httpx
import httpx2
import openai
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from google import genai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from mistralai.client import Mistral

from countersign.tests.provider import USAGE, FakeProvider, Fault, signatures

ASKED = "Does Ada Miller need rest?"
USER = [{"role": "user", "content": ASKED}]
SCHEMA = {"type": "object", "properties": {"patient": {"type": "string"}}, "required": ["patient"]}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}}


@pytest.fixture
def provider():
    with FakeProvider(echo=True) as provider:
        yield provider


def openai_client(provider, **more):
    return openai.OpenAI(base_url=provider.url + "/v1", api_key="sk-test", **more)


def anthropic_client(provider, **more):
    return anthropic.Anthropic(base_url=provider.url, api_key="sk-test", **more)


def bedrock(provider, **more):
    keys = {
        "aws_access_key_id": signatures.ACCESS_KEY,
        "aws_secret_access_key": signatures.SECRET_KEY,
        "region_name": signatures.REGION,
    }
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=provider.url,
        config=Config(retries={"total_max_attempts": 1}),
        **{**keys, **more},
    )


def test_openai_chat(provider):
    with openai_client(provider) as client:
        done = client.chat.completions.create(model="gpt-5", messages=USER)
        assert done.choices[0].message.content == f"You said: {ASKED}"
        assert done.usage.completion_tokens == USAGE.output
        assert done.usage.prompt_tokens_details.cached_tokens == USAGE.cached
        assert done.to_dict()["id"] == "chatcmpl-000001"
        stream = client.chat.completions.create(
            model="gpt-5", messages=USER, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        said = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
        assert said == f"You said: {ASKED}"
        assert chunks[-1].usage.total_tokens == USAGE.total
        unasked = list(client.chat.completions.create(model="gpt-5", messages=USER, stream=True))
        assert not any(chunk.usage for chunk in unasked)
    assert ASKED in provider.requests[0].text
    assert provider.requests[0].headers["authorization"] == "Bearer sk-test"


def test_openai_tools(provider):
    with openai_client(provider) as client:
        asked = {"model": "gpt-5", "messages": USER, "tools": [TOOL]}
        call = client.chat.completions.create(**asked).choices[0].message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"patient": f"You said: {ASKED}"}
        with client.chat.completions.stream(**asked) as stream:
            list(stream)
            streamed = stream.get_final_completion().choices[0].message.tool_calls[0]
        assert streamed.function.arguments == call.function.arguments
        result = {"role": "tool", "tool_call_id": call.id, "content": "Rest."}
        after = client.chat.completions.create(**asked | {"messages": [*USER, result]})
        assert after.choices[0].message.content == "You said: Rest."


def test_openai_responses_embeddings_and_files(provider):
    with openai_client(provider) as client:
        done = client.responses.create(model="gpt-5", input=ASKED)
        assert done.output_text == f"You said: {ASKED}"
        assert done.usage.output_tokens_details.reasoning_tokens == USAGE.reasoning
        with client.responses.stream(model="gpt-5", input=USER) as stream:
            deltas = [one.delta for one in stream if one.type == "response.output_text.delta"]
            final = stream.get_final_response()
        assert "".join(deltas) == final.output_text == f"You said: {ASKED}"
        tool = {"type": "function", "name": "look_up", "parameters": SCHEMA, "strict": True}
        used = client.responses.create(model="gpt-5", input=ASKED, tools=[tool]).output[0]
        assert json.loads(used.arguments) == {"patient": f"You said: {ASKED}"}
        vector = client.embeddings.create(model="text-embedding-3-small", input=[ASKED]).data[0]
        assert vector.embedding == [0.25, -0.5, 0.125]
        assert client.files.create(file=b"x" * 1000, purpose="user_data").bytes > 1000


def test_azure_openai(provider):
    with openai.AzureOpenAI(
        azure_endpoint=provider.url, api_key="azure-test", api_version="2024-10-21"
    ) as client:
        done = client.chat.completions.create(model="our-gpt", messages=USER)
        assert done.choices[0].message.content == f"You said: {ASKED}"
    (received,) = provider.requests
    assert received.path == "/openai/deployments/our-gpt/chat/completions"
    assert received.headers["api-key"] == "azure-test"


def test_asynchronous_openai_and_plain_clients(provider):
    async def ask():
        async with openai.AsyncOpenAI(base_url=provider.url + "/v1", api_key="sk-test") as client:
            stream = await client.chat.completions.create(model="gpt-5", messages=USER, stream=True)
            return "".join([part.choices[0].delta.content or "" async for part in stream])

    assert asyncio.run(ask()) == f"You said: {ASKED}"
    for package in (httpx, httpx2):
        with package.Client(headers={"authorization": "Bearer sk-test"}) as client:
            body = {"model": "gpt-5", "messages": USER}
            answer = client.post(provider.url + "/v1/chat/completions", json=body)
            assert answer.json()["choices"][0]["message"]["content"] == f"You said: {ASKED}"
            assert client.post(provider.url + "/v1/nothing", json={}).status_code == 404


def test_anthropic(provider):
    tool = {"name": "look_up", "input_schema": SCHEMA}
    asked = {"model": "claude-test", "max_tokens": 64, "messages": USER}
    with anthropic_client(provider) as client:
        done = client.messages.create(**asked)
        assert done.content[0].text == f"You said: {ASKED}"
        assert done.usage.input_tokens + done.usage.cache_read_input_tokens == USAGE.input
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == f"You said: {ASKED}"
            assert stream.get_final_message().usage.output_tokens == USAGE.output
        used = client.messages.create(**asked, tools=[tool])
        assert used.stop_reason == "tool_use"
        assert used.content[0].input == {"patient": f"You said: {ASKED}"}
        with client.messages.stream(**asked, tools=[tool]) as stream:
            assert stream.get_final_message().content[0].input == used.content[0].input
        counted = {key: asked[key] for key in ("model", "messages")}
        assert client.messages.count_tokens(**counted).input_tokens == USAGE.input


def test_anthropic_on_bedrock(provider):
    asked = {"model": "anthropic.claude-test-v1:0", "max_tokens": 64, "messages": USER}
    with anthropic.AnthropicBedrock(
        base_url=provider.url,
        aws_access_key=signatures.ACCESS_KEY,
        aws_secret_key=signatures.SECRET_KEY,
        aws_region=signatures.REGION,
    ) as client:
        assert client.messages.create(**asked).content[0].text == f"You said: {ASKED}"
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == f"You said: {ASKED}"
    assert provider.requests[0].path == f"/model/{asked['model']}/invoke"


def test_bedrock_by_boto3(provider):
    client = bedrock(provider)
    model = "anthropic.claude-test-v1:0"
    asked = {"modelId": model, "messages": [{"role": "user", "content": [{"text": ASKED}]}]}
    done = client.converse(**asked)
    assert done["output"]["message"]["content"] == [{"text": f"You said: {ASKED}"}]
    assert done["usage"]["totalTokens"] == USAGE.total
    events = list(client.converse_stream(**asked)["stream"])
    said = [e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e]
    assert "".join(said) == f"You said: {ASKED}"
    assert events[-1]["metadata"]["usage"]["outputTokens"] == USAGE.output
    tool = {"toolSpec": {"name": "look_up", "inputSchema": {"json": SCHEMA}}}
    used = client.converse(**asked, toolConfig={"tools": [tool]})
    assert used["output"]["message"]["content"][0]["toolUse"]["input"] == {
        "patient": f"You said: {ASKED}"
    }
    body = json.dumps(
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": USER}
    )
    whole = json.loads(client.invoke_model(modelId=model, body=body)["body"].read())
    assert whole["content"][0]["text"] == f"You said: {ASKED}"
    streamed = client.invoke_model_with_response_stream(modelId=model, body=body)["body"]
    last = [json.loads(event["chunk"]["bytes"]) for event in streamed][-1]
    assert last["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == USAGE.input


def test_a_body_changed_after_it_was_signed_is_refused(provider):
    client = bedrock(provider)

    def change(request, **_):
        request.body = request.body.replace(b"Miller", b"Muller")

    client.meta.events.register("before-send.bedrock-runtime", change)
    message = {"role": "user", "content": [{"text": ASKED}]}
    with pytest.raises(ClientError, match="signature we calculated does not match"):
        client.converse(modelId="amazon.nova-lite-v1:0", messages=[message])
    with pytest.raises(ClientError, match="security token"):
        bedrock(provider, aws_access_key_id="AKIDSOMEBODYELSE0001").converse(
            modelId="amazon.nova-lite-v1:0", messages=[message]
        )


def test_gemini(provider):
    options = genai.types.HttpOptions(base_url=provider.url)
    with genai.Client(api_key="test", http_options=options) as client:
        asked = {"model": "gemini-3-flash", "contents": ASKED}
        done = client.models.generate_content(**asked)
        assert done.text == f"You said: {ASKED}"
        assert done.usage_metadata.thoughts_token_count == USAGE.reasoning
        chunks = list(client.models.generate_content_stream(**asked))
        assert "".join(chunk.text or "" for chunk in chunks) == f"You said: {ASKED}"
        assert chunks[-1].usage_metadata.total_token_count == USAGE.total
        tool = {"function_declarations": [{"name": "look_up", "parameters": SCHEMA}]}
        used = client.models.generate_content(**asked, config={"tools": [tool]})
        assert used.function_calls[0].args == {"patient": f"You said: {ASKED}"}
        assert client.models.count_tokens(**asked).total_tokens == USAGE.input
        vectors = client.models.embed_content(model="gemini-embedding-001", contents=[ASKED])
        assert vectors.embeddings[0].values == [0.25, -0.5, 0.125]

        async def ask():
            stream = await client.aio.models.generate_content_stream(**asked)
            said = "".join([chunk.text or "" async for chunk in stream])
            await client.aio.aclose()
            return said

        assert asyncio.run(ask()) == f"You said: {ASKED}"


def test_cohere(provider):
    asked = {"model": "command-a-03-2025", "messages": USER}
    with cohere.ClientV2(api_key="test", base_url=provider.url) as client:
        done = client.chat(**asked)
        assert done.message.content[0].text == f"You said: {ASKED}"
        assert done.usage.tokens.output_tokens == USAGE.output
        events = list(client.chat_stream(**asked))
        said = [e.delta.message.content.text for e in events if e.type == "content-delta"]
        assert "".join(said) == f"You said: {ASKED}"
        assert events[-1].delta.usage.tokens.input_tokens == USAGE.input
        used = client.chat(**asked, tools=[TOOL]).message.tool_calls[0].function
        assert json.loads(used.arguments) == {"patient": f"You said: {ASKED}"}
        events = list(client.chat_stream(**asked, tools=[TOOL]))
        parts = [
            e.delta.message.tool_calls.function.arguments
            for e in events
            if e.type == "tool-call-delta"
        ]
        assert "".join(parts) == used.arguments
        embedded = client.embed(
            model="embed-v4.0", texts=[ASKED], input_type="search_query", embedding_types=["float"]
        )
        assert embedded.embeddings.float_ == [[0.25, -0.5, 0.125]]


def test_mistral(provider):
    with Mistral(api_key="test", server_url=provider.url) as client:
        asked = {"model": "mistral-large-latest", "messages": USER}
        done = client.chat.complete(**asked)
        assert done.choices[0].message.content == f"You said: {ASKED}"
        assert done.usage.completion_tokens == USAGE.output
        with client.chat.stream(**asked) as stream:
            chunks = [event.data for event in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == f"You said: {ASKED}"
        assert chunks[-1].usage.total_tokens == USAGE.total
        used = client.chat.complete(**asked, tools=[TOOL]).choices[0].message.tool_calls[0]
        assert json.loads(used.function.arguments) == {"patient": f"You said: {ASKED}"}


def test_langchain(provider):
    model = ChatOpenAI(model="gpt-5", base_url=provider.url + "/v1", api_key="sk-test")
    done = model.invoke([HumanMessage(ASKED)])
    assert done.content == f"You said: {ASKED}"
    assert done.usage_metadata["output_tokens"] == USAGE.output
    assert "".join(part.text for part in model.stream(ASKED)) == f"You said: {ASKED}"
    used = model.bind_tools([TOOL]).invoke(ASKED).tool_calls[0]
    assert used["args"] == {"patient": f"You said: {ASKED}"}


def test_errors_are_retried_and_shown_in_the_providers_own_form(provider):
    provider.fail(Fault.status(429), Fault.status(500))
    with openai_client(provider) as client:
        client.chat.completions.create(model="gpt-5", messages=USER)
    assert len(provider.requests) == 3
    provider.fail(Fault.status(429))
    with (
        anthropic_client(provider, max_retries=0) as client,
        pytest.raises(anthropic.RateLimitError),
    ):
        client.messages.create(model="claude-test", max_tokens=9, messages=USER)
    with openai_client(provider) as client, pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="gpt-5", messages=[])
    with openai_client(provider) as client, pytest.raises(openai.NotFoundError):
        client.models.list()


def stream_of(client):
    return client.chat.completions.create(model="gpt-5", messages=USER, stream=True)


def test_a_stream_breaks_in_the_middle(provider):
    provider.fail(Fault.dies(3))
    with openai_client(provider) as client, pytest.raises(openai.APIConnectionError):
        list(stream_of(client))
    assert provider.requests[0].wait() == "broken"


@pytest.mark.parametrize("fault", [Fault.stalls(2), Fault.endless()])
def test_a_stream_is_left_by_its_reader(provider, fault):
    provider.fail(fault)
    with openai_client(provider) as client, stream_of(client) as stream:
        assert next(stream) and next(stream)
    assert provider.requests[0].wait() in {"gone", "broken"}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.hangs_up(), openai.APIConnectionError),
        (Fault.dies(), openai.APIConnectionError),
        (Fault.slow(5), openai.APITimeoutError),
        (Fault.garbage(), Exception),
    ],
)
def test_no_whole_answer_comes(provider, fault, error):
    provider.fail(fault)
    with openai_client(provider, max_retries=0, timeout=2) as client, pytest.raises(error):
        client.chat.completions.create(model="gpt-5", messages=USER)
    assert len(provider.requests) == 1


def test_a_fault_is_asked_for_by_header_and_a_port_refuses(provider):
    with (
        openai_client(provider, max_retries=0) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(
            model="gpt-5", messages=USER, extra_headers={"x-fake-fault": "status-503"}
        )
    with httpx.Client() as client, pytest.raises(httpx.ConnectError):
        client.get(provider.refused_url)
