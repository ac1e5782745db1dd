"""guard() with the newest SDKs of Google, Cohere, Mistral and LangChain, Azure and Bedrock.

Each is asked whole, streamed and with a tool, waiting and awaited: what arrives is masked, the
answer comes back as it was said, and each attempt has one record and one completion.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack

import anthropic
import cohere
import openai
import pytest
from google import genai
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings
from mistralai.client import Mistral

from countersign import Portal, guard
from countersign.client.recording import Recorder
from countersign.client.refusals import Denied
from countersign.tests.guarded import ASKED, NAME, SAID, SCHEMA, TOOL, USER, counted, stage
from countersign.tests.provider import USAGE, Fault, signatures

CACHED = USAGE.input - USAGE.cached


# --- Google ----------------------------------------------------------------------------------


@pytest.fixture
def google(tmp_path):
    with stage(tmp_path, provider="gcp.gemini", vendor="google") as set_up:
        options = genai.types.HttpOptions(base_url=set_up.provider.url)
        with genai.Client(api_key="test", http_options=options) as client:
            set_up.client = guard(set_up.portal, client)
            yield set_up


GEMINI = {"model": "gemini-3-flash", "contents": ASKED}


def test_gemini(google):
    done = google.client.models.generate_content(**GEMINI)
    assert google.portal.reveal(done.text) == SAID
    google.is_masked()
    call, completion = google.told()
    assert (call["model"], call["operation"]) == ("gemini-3-flash", "generate_content")
    assert completion["outcome"] == "succeeded"
    counted(completion, output=USAGE.output - USAGE.reasoning, reasoning=USAGE.reasoning)


def test_gemini_streams(google):
    chunks = list(google.client.models.generate_content_stream(**GEMINI))
    assert google.portal.reveal("".join(chunk.text or "" for chunk in chunks)) == SAID
    google.is_masked()
    call, completion = google.told()
    assert (call["stream"], completion["outcome"]) == (True, "succeeded")
    counted(completion, output=USAGE.output - USAGE.reasoning, cache=USAGE.cached)


def test_gemini_uses_a_tool(google):
    tool = {"function_declarations": [{"name": "look_up", "parameters": SCHEMA}]}
    used = google.client.models.generate_content(**GEMINI, config={"tools": [tool]})
    assert google.portal.reveal(used.function_calls[0].args["patient"]) == SAID
    google.is_masked()
    assert google.outcomes() == ["succeeded"]


def test_gemini_is_awaited_in_loop_after_loop(google):
    async def ask():
        models = google.client.aio.models
        done = await models.generate_content(**GEMINI)
        stream = await models.generate_content_stream(**GEMINI)
        streamed = "".join([chunk.text or "" async for chunk in stream])
        # The SDK itself leaves the connections of a loop that ends to the garbage collector.
        for inner in google.client._api_client._async_httpx_client._loop_clients.values():  # noqa: SLF001
            await inner.aclose()
        return done.text, streamed

    for _ in range(2):
        whole, streamed = asyncio.run(ask())
        assert NAME.search(whole)
        assert NAME.search(streamed)
    google.is_masked(requests=4)
    assert google.outcomes() == ["succeeded"] * 4


def test_gemini_is_denied(google):
    google.double.deny = ["baa-not-in-force"]
    with pytest.raises(genai.errors.ClientError, match="baa-not-in-force") as raised:
        google.client.models.generate_content(**GEMINI)
    assert raised.value.code == 403
    assert google.provider.requests == []


def test_geminis_live_sessions_are_refused_where_nothing_may_go_unrecorded(google):
    async def connect():
        async with google.client.aio.live.connect(model="gemini-live"):
            raise AssertionError

    with pytest.raises(Denied, match="realtime"):
        asyncio.run(connect())


def test_a_google_client_that_sends_by_another_session_is_not_taken(google, monkeypatch):
    api = google.client._api_client  # noqa: SLF001
    monkeypatch.setattr(api, "_use_google_auth_sync", lambda: True)
    with pytest.raises(TypeError, match="google-auth"):
        guard(google.portal, google.client)


# --- Cohere ----------------------------------------------------------------------------------


@pytest.fixture
def cohering(tmp_path):
    with (
        stage(tmp_path, provider="cohere", vendor="cohere") as set_up,
        cohere.ClientV2(api_key="test", base_url=set_up.provider.url) as client,
    ):
        set_up.client = guard(set_up.portal, client)
        yield set_up


COMMAND = {"model": "command-a-03-2025", "messages": USER}


def test_cohere(cohering):
    done = cohering.client.chat(**COMMAND)
    assert cohering.portal.reveal(done.message.content[0].text) == SAID
    cohering.is_masked()
    call, completion = cohering.told()
    assert (call["model"], call["operation"]) == ("command-a-03-2025", "chat")
    assert (completion["outcome"], completion["finish_reason"]) == ("succeeded", "complete")
    counted(completion)


def test_cohere_streams_and_uses_a_tool(cohering):
    events = list(cohering.client.chat_stream(**COMMAND))
    said = [e.delta.message.content.text for e in events if e.type == "content-delta"]
    assert cohering.portal.reveal("".join(said)) == SAID
    used = cohering.client.chat(**COMMAND, tools=[TOOL]).message.tool_calls[0].function
    assert cohering.portal.reveal(json.loads(used.arguments)["patient"]) == SAID
    cohering.is_masked(requests=2)
    for _, completion in cohering.pairs():
        assert completion["outcome"] == "succeeded"
        counted(completion)


def test_cohere_is_awaited(cohering):
    async def ask():
        url = cohering.provider.url
        async with cohere.AsyncClientV2(api_key="test", base_url=url) as client:
            guard(cohering.portal, client)
            done = await client.chat(**COMMAND)
            parts = [
                event.delta.message.content.text
                async for event in client.chat_stream(**COMMAND)
                if event.type == "content-delta"
            ]
            return done.message.content[0].text, "".join(parts)

    assert all(NAME.search(said) for said in asyncio.run(ask()))
    cohering.is_masked(requests=2)
    assert cohering.outcomes() == ["succeeded"] * 2


def test_coheres_retries_are_one_operation(cohering):
    cohering.provider.fail(Fault.status(429))
    cohering.client.chat(**COMMAND)
    (first, failed), (second, done) = cohering.pairs()
    assert first["operation_id"] == second["operation_id"]
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert (failed["outcome"], failed["http_status"]) == ("failed", 429)
    assert done["outcome"] == "succeeded"


def test_cohere_is_denied_and_does_not_try_again(cohering):
    cohering.double.deny = ["baa-not-in-force"]
    with pytest.raises(cohere.errors.ForbiddenError):
        cohering.client.chat(**COMMAND)
    assert cohering.provider.requests == []
    assert len(cohering.double.calls) == 1


# --- Mistral ---------------------------------------------------------------------------------


@pytest.fixture
def mistral(tmp_path):
    with (
        stage(tmp_path, provider="mistral_ai", vendor="mistral") as set_up,
        Mistral(api_key="test", server_url=set_up.provider.url) as client,
    ):
        set_up.client = guard(set_up.portal, client)
        yield set_up


LARGE = {"model": "mistral-large-latest", "messages": USER}


def test_mistral(mistral):
    done = mistral.client.chat.complete(**LARGE)
    assert mistral.portal.reveal(done.choices[0].message.content) == SAID
    with mistral.client.chat.stream(**LARGE) as stream:
        said = [event.data.choices[0].delta.content or "" for event in stream]
    assert mistral.portal.reveal("".join(said)) == SAID
    used = mistral.client.chat.complete(**LARGE, tools=[TOOL]).choices[0].message.tool_calls[0]
    assert mistral.portal.reveal(json.loads(used.function.arguments)["patient"]) == SAID
    mistral.is_masked(requests=3)
    for call, completion in mistral.pairs():
        assert (call["model"], completion["outcome"]) == ("mistral-large-latest", "succeeded")
        counted(completion)


def test_mistral_is_awaited(mistral):
    async def ask():
        async with Mistral(api_key="test", server_url=mistral.provider.url) as client:
            guard(mistral.portal, client)
            done = await client.chat.complete_async(**LARGE)
            stream = await client.chat.stream_async(**LARGE)
            parts = [event.data.choices[0].delta.content or "" async for event in stream]
            return done.choices[0].message.content, "".join(parts)

    assert all(NAME.search(said) for said in asyncio.run(ask()))
    mistral.is_masked(requests=2)
    assert mistral.outcomes() == ["succeeded"] * 2


def test_mistrals_realtime_is_refused_where_nothing_may_go_unrecorded(mistral):
    with pytest.raises(Denied, match="realtime"):
        mistral.client.audio.realtime.connect(model="voxtral")


# --- LangChain -------------------------------------------------------------------------------


@pytest.fixture
def chained(tmp_path):
    with stage(tmp_path) as set_up:
        set_up.shared = []
        yield set_up
        for client in set_up.shared:
            client.close()


def chat(set_up):
    url = set_up.provider.url + "/v1"
    return noted(set_up, ChatOpenAI(model="gpt-5-mini", base_url=url, api_key="sk-test"))


def noted(set_up, model):
    """The model as it was made; the HTTP client that it shares is closed after the test."""
    owner = getattr(model, "root_client", None) or model.client._client  # noqa: SLF001
    set_up.shared.append(owner._client)  # noqa: SLF001
    return model


def test_langchain(chained):
    model = guard(chained.portal, chat(chained))
    done = model.invoke(ASKED)
    assert chained.portal.reveal(done.content) == SAID
    streamed = "".join(part.text for part in model.stream(ASKED))
    assert chained.portal.reveal(streamed) == SAID
    used = model.bind_tools([TOOL]).invoke(ASKED).tool_calls[0]
    assert chained.portal.reveal(used["args"]["patient"]) == SAID
    chained.is_masked(requests=3)
    for _, completion in chained.pairs():
        assert completion["outcome"] == "succeeded"
        counted(completion, cache=USAGE.cached, reasoning=USAGE.reasoning)


def test_langchain_is_awaited(chained):
    async def ask():
        model = chat(chained)
        shared = model.root_async_client._client  # noqa: SLF001
        guard(chained.portal, model)
        done = await model.ainvoke(ASKED)
        parts = [part.text async for part in model.astream(ASKED)]
        await model.root_async_client.close()
        assert not shared.is_closed
        await shared.aclose()
        return done.content, "".join(parts)

    assert all(NAME.search(said) for said in asyncio.run(ask()))
    chained.is_masked(requests=2)
    assert chained.outcomes() == ["succeeded"] * 2


def test_guarding_one_of_langchains_models_leaves_the_others_alone(chained):
    other = chat(chained)
    model = guard(chained.portal, chat(chained))
    guard(chained.portal, model)
    other.invoke("Good morning")
    assert chained.double.calls == {}
    model.invoke(ASKED)
    model.root_client.close()
    other.invoke("Good evening")
    assert chained.outcomes() == ["succeeded"]


def test_langchains_other_objects(chained):
    azure = AzureChatOpenAI(
        azure_endpoint=chained.provider.url,
        azure_deployment="our-gpt",
        api_version="2024-10-21",
        api_key="azure-test",
    )
    done = guard(chained.portal, noted(chained, azure)).invoke(ASKED)
    assert chained.portal.reveal(done.content) == SAID
    url = chained.provider.url + "/v1"
    embedding = OpenAIEmbeddings(base_url=url, api_key="sk", check_embedding_ctx_length=False)
    guard(chained.portal, noted(chained, embedding))
    assert embedding.embed_query(ASKED) == [0.25, -0.5, 0.125]
    chained.is_masked(requests=2)
    (first, _), (second, _) = chained.pairs()
    assert (first["operation"], second["operation"]) == ("chat", "embeddings")


# --- Azure and Bedrock -----------------------------------------------------------------------


def test_azure_openai(tmp_path):
    with stage(tmp_path, provider="azure.ai.openai") as set_up:
        asked = {"model": "our-gpt", "messages": USER}
        options = {
            "azure_endpoint": set_up.provider.url,
            "api_key": "azure-test",
            "api_version": "2024-10-21",
        }
        with guard(set_up.portal, openai.AzureOpenAI(**options)) as client:
            done = client.chat.completions.create(**asked)
            assert set_up.portal.reveal(done.choices[0].message.content) == SAID
            chunks = list(client.chat.completions.create(**asked, stream=True))
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert set_up.portal.reveal(said) == SAID

        async def ask():
            async with guard(set_up.portal, openai.AsyncAzureOpenAI(**options)) as client:
                return await client.chat.completions.create(**asked)

        assert asyncio.run(ask()).choices[0].message.content
        set_up.is_masked(requests=3)
        for call, completion in set_up.pairs():
            assert (call["model"], completion["outcome"]) == ("our-gpt", "succeeded")
            counted(completion, cache=USAGE.cached, reasoning=USAGE.reasoning)


@pytest.fixture
def bedrock(tmp_path):
    with stage(tmp_path, provider="aws.bedrock", vendor="aws") as set_up:
        set_up.keys = {
            "base_url": set_up.provider.url,
            "aws_access_key": signatures.ACCESS_KEY,
            "aws_secret_key": signatures.SECRET_KEY,
            "aws_region": signatures.REGION,
        }
        yield set_up


CLAUDE = {"model": "anthropic.claude-test-v1:0", "max_tokens": 64, "messages": USER}


def test_what_is_signed_for_bedrock_is_the_masked_body(bedrock):
    tool = {"name": "look_up", "input_schema": SCHEMA}
    with guard(bedrock.portal, anthropic.AnthropicBedrock(**bedrock.keys)) as client:
        done = client.messages.create(**CLAUDE)
        assert bedrock.portal.reveal(done.content[0].text) == SAID
        with client.messages.stream(**CLAUDE) as stream:
            assert bedrock.portal.reveal("".join(stream.text_stream)) == SAID
        used = client.with_options(timeout=9).messages.create(**CLAUDE, tools=[tool])
        assert bedrock.portal.reveal(used.content[0].input["patient"]) == SAID
    bedrock.is_masked(requests=3)
    for call, completion in bedrock.pairs():
        assert (call["model"], completion["outcome"]) == (CLAUDE["model"], "succeeded")
        assert completion["usage"]["output"] == USAGE.output
        assert completion["provider_request_id"].startswith("00000000-0000-4000-8000-")


def test_bedrock_is_awaited(bedrock):
    async def ask():
        async with guard(bedrock.portal, anthropic.AsyncAnthropicBedrock(**bedrock.keys)) as client:
            done = await client.messages.create(**CLAUDE)
            async with client.messages.stream(**CLAUDE) as stream:
                parts = [part async for part in stream.text_stream]
            return done.content[0].text, "".join(parts)

    assert all(NAME.search(said) for said in asyncio.run(ask()))
    bedrock.is_masked(requests=2)
    assert bedrock.outcomes() == ["succeeded"] * 2


def test_bedrocks_retries_are_signed_and_recorded_one_by_one(bedrock):
    bedrock.provider.fail(Fault.status(500), Fault.hangs_up())
    with guard(bedrock.portal, anthropic.AnthropicBedrock(**bedrock.keys)) as client:
        client.messages.create(**CLAUDE)
    pairs = bedrock.pairs()
    assert [completion["outcome"] for _, completion in pairs] == ["failed", "failed", "succeeded"]
    assert len({call["operation_id"] for call, _ in pairs}) == 1
    bedrock.is_masked(requests=3)


def test_bedrock_is_denied(bedrock):
    bedrock.double.deny = ["baa-not-in-force"]
    with (
        guard(bedrock.portal, anthropic.AnthropicBedrock(**bedrock.keys)) as client,
        pytest.raises(anthropic.PermissionDeniedError, match="baa-not-in-force"),
    ):
        client.messages.create(**CLAUDE)
    assert bedrock.provider.requests == []


# --- every ending, for each ------------------------------------------------------------------


def streaming(set_up, name):
    """A stream of this SDK's: what can be iterated over, and what closes it."""
    url, portal = set_up.provider.url, set_up.portal
    if name == "google":
        options = genai.types.HttpOptions(base_url=url)
        client = guard(portal, genai.Client(api_key="test", http_options=options))
        return client, client.models.generate_content_stream(**GEMINI)
    if name == "cohere":
        client = guard(portal, cohere.ClientV2(api_key="test", base_url=url))
        return client, iter(client.chat_stream(**COMMAND))
    if name == "mistral":
        client = guard(portal, Mistral(api_key="test", server_url=url))
        return client, client.chat.stream(**LARGE)
    keys = {"aws_access_key": signatures.ACCESS_KEY, "aws_secret_key": signatures.SECRET_KEY}
    client = anthropic.AnthropicBedrock(base_url=url, aws_region=signatures.REGION, **keys)
    return client, guard(portal, client).messages.create(**CLAUDE, stream=True)


SDKS = ["google", "cohere", "mistral", "bedrock"]
PROVIDERS = {"google": "gcp.gemini", "mistral": "mistral_ai", "bedrock": "aws.bedrock"}


@pytest.fixture
def ending(request, tmp_path):
    provider = PROVIDERS.get(request.param, request.param)
    with stage(tmp_path, provider=provider) as set_up, ExitStack() as stack:
        set_up.name, set_up.leaves = request.param, stack.callback
        yield set_up


@pytest.mark.parametrize("ending", SDKS, indirect=True)
def test_a_stream_that_breaks_has_failed(ending):
    ending.provider.fail(Fault.dies(3))
    _client, stream = streaming(ending, ending.name)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each SDK has its own
        list(stream)
    assert ending.outcomes() == ["failed"]


@pytest.mark.parametrize("ending", SDKS, indirect=True)
def test_a_stream_that_is_left_is_cancelled(ending):
    ending.provider.fail(Fault.stalls(3))
    _client, stream = streaming(ending, ending.name)
    next(iter(stream))
    stream.close()
    assert ending.provider.requests[0].wait() in {"gone", "broken"}
    assert ending.outcomes() == ["cancelled"]


def asking(set_up, name):
    """What asks for a whole answer, by an SDK that does not try again."""
    url, portal = set_up.provider.url, set_up.portal
    if name == "google":
        options = genai.types.HttpOptions(base_url=url)
        client = guard(portal, genai.Client(api_key="test", http_options=options))
        set_up.leaves(client.close)
        return lambda: client.models.generate_content(**GEMINI)
    if name == "cohere":
        client = guard(portal, cohere.ClientV2(api_key="test", base_url=url))
        set_up.leaves(client._client_wrapper.httpx_client.httpx_client.close)  # noqa: SLF001
        return lambda: client.chat(**COMMAND, request_options={"max_retries": 0})
    if name == "mistral":
        client = guard(portal, Mistral(api_key="test", server_url=url))
        set_up.leaves(client.sdk_configuration.client.close)
        return lambda: client.chat.complete(**LARGE)
    keys = {"aws_access_key": signatures.ACCESS_KEY, "aws_secret_key": signatures.SECRET_KEY}
    client = guard(
        portal,
        anthropic.AnthropicBedrock(
            base_url=url, aws_region=signatures.REGION, max_retries=0, **keys
        ),
    )
    set_up.leaves(client.close)
    return lambda: client.messages.create(**CLAUDE)


@pytest.mark.parametrize("ending", SDKS, indirect=True)
@pytest.mark.parametrize("fault", [Fault.hangs_up(), Fault.dies(), Fault.garbage()])
def test_no_whole_answer_is_one_completion_too(ending, fault):
    ending.provider.fail(fault)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each SDK has its own
        asking(ending, ending.name)()
    (outcome,) = ending.outcomes()
    # Garbage came with the status and the length of an answer: what it was, only the SDK knows.
    assert outcome == ("succeeded" if fault.kind == "garbage" else "failed")
    assert len(ending.provider.requests) == 1


@pytest.mark.parametrize("ending", ["google", "cohere", "mistral", "bedrock"], indirect=True)
def test_a_task_that_is_cancelled_in_a_stream_has_one_completion(ending):
    ending.provider.fail(Fault.stalls(3))

    async def ask():
        begun = asyncio.Event()
        task = asyncio.create_task(awaited(ending, begun))
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ask())
    assert ending.outcomes() == ["cancelled"]
    assert ending.provider.requests[0].wait() in {"gone", "broken"}


async def awaited(set_up, begun):
    """Read a stream that goes silent after its first events."""
    url, portal, name = set_up.provider.url, set_up.portal, set_up.name
    if name == "google":
        options = genai.types.HttpOptions(base_url=url)
        client = guard(portal, genai.Client(api_key="test", http_options=options)).aio
        close, stream = client.aclose, await client.models.generate_content_stream(**GEMINI)
    elif name == "cohere":
        client = guard(portal, cohere.AsyncClientV2(api_key="test", base_url=url))
        http = client._client_wrapper.httpx_client.httpx_client  # noqa: SLF001
        close, stream = http.aclose, client.chat_stream(**COMMAND)
    elif name == "mistral":
        client = guard(portal, Mistral(api_key="test", server_url=url))
        http = client.sdk_configuration.async_client
        close, stream = http.aclose, await client.chat.stream_async(**LARGE)
    else:
        keys = {"aws_access_key": signatures.ACCESS_KEY, "aws_secret_key": signatures.SECRET_KEY}
        bedrock = anthropic.AsyncAnthropicBedrock(
            base_url=url, aws_region=signatures.REGION, **keys
        )
        close, client = bedrock.close, guard(portal, bedrock)
        stream = await client.messages.create(**CLAUDE, stream=True)
    try:
        async for _ in stream:
            begun.set()
    finally:
        await close()


def test_another_portals_client_is_not_taken(google, tmp_path):
    settings = google.double.settings(tmp_path)
    with Portal(recorder=Recorder(settings)) as other, pytest.raises(TypeError, match="another"):
        guard(other, google.client)
