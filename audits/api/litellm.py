"""LiteLLM's proxy asks before a prompt goes and before an answer comes: its Basic Guardrail API.

The body carries prompts and answers. Nothing here keeps or logs them; what is recorded of a call is
what the gate decided, which rules changed how much, and how long the prompt was. The integration's
own bundle decides, by the engine that the client library has too.
Source: docs.litellm.ai, "Generic Guardrail API", and LiteLLM 1.106.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

from audits.api import litellm_tokens, turns
from audits.api.turns import Answer, Refusal, Request, Turn
from audits.bodies import Actor, CallBody, CompletionBody
from audits.services import recording
from audits.services.facts import day_of
from audits.services.recording import Admitted, Refused
from countersign import bundles
from countersign.bundles import Bundle
from countersign.masking.keys import Keys
from countersign.masking.outcomes import Outcome
from countersign.masking.tokens import Session
from countersign.rules.facts import Facts
from policies.models import Integration
from policies.reasons import REASONS
from policies.services.bundle_keys import public_key
from policies.services.bundling import NoRulesInForce, issue

SCOPE = recording.SCOPE
CHAT = "openai.chat"

_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._:+-]{0,119}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_@-]{0,119}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}")
BLOCKED = "The data rules of this integration block what the {what} holds ({why})."
NOT_REWRITTEN = "The data rules change what a tool call holds, which LiteLLM cannot rewrite."
OPAQUE = "The data rules take images out, which LiteLLM cannot do."
NO_RULES = "The integration goes by a data policy that has no version in force."


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What LiteLLM sends. Members that a later release adds are passed over."""

    input_type: Literal["request", "response"]
    texts: list[str] | None = None
    structured_messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    images: list[str] | None = None
    model: str | None = None
    litellm_call_id: str | None = None
    litellm_trace_id: str | None = None
    litellm_version: str | None = None
    request_data: dict[str, Any] = {}


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What LiteLLM reads: NONE lets it go as it is, the texts of GUARDRAIL_INTERVENED replace."""

    action: Literal["NONE", "BLOCKED", "GUARDRAIL_INTERVENED"]
    blocked_reason: str | None = None
    texts: list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    structured_messages: list[dict[str, Any]] | None = None
    stream_holdback_chars: list[int] | None = None


NONE = Said(action="NONE")


class Ruled(NamedTuple):
    """What the rules say of all that was sent: what to answer, and which of them changed how much.

    `blocks` is why nothing may go on.
    """

    said: Said
    masked: Mapping[str, int]
    blocks: str | None = None


def guardrail(request: Request) -> Answer:
    """The answer to LiteLLM's question."""
    turn = Turn(turns.common_headers(request.headers))
    said: list[Said] = []

    def work() -> None:
        turns.check_request(request, found=True)
        caller = turns.caller_of(request)
        admitted = turns.admit(caller, turn, may_wait=True, scope=SCOPE)
        secret = litellm_tokens.secret_of(request.headers)
        asked = _parsed(turns.read_json(request))
        said.append(_answer(asked, admitted, secret))

    refused = turns.refusing(turn, work)
    if refused is not None:
        return refused
    headers = [("Content-Type", "application/json"), *turn.common, *turn.headers]
    return Answer(200, headers, msgspec.json.encode(said[0]))


def _parsed(body: bytes) -> Asked:
    """Raises: Refusal, which quotes nothing."""
    try:
        return msgspec.json.decode(body, type=Asked)
    except msgspec.ValidationError:
        raise Refusal("invalid-body") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("malformed-json") from None


def _answer(asked: Asked, by: Admitted, secret: bytes | None) -> Said:
    try:
        bundle = _bundle(
            (by.key.integration_id, by.key.livemode),
            by.state.epoch,
            day_of(by.at),
            bundles.slot(by.at),
        )
    except NoRulesInForce:
        return Said(action="BLOCKED", blocked_reason=NO_RULES)
    keys = None if secret is None else Keys(secret, bundle.integration)
    watches = bundle.enforcement == "monitor"
    if asked.input_type == "response":
        ruled = _ruled(asked, bundle, by, keys)
        _complete(asked, by, "blocked" if ruled.blocks and not watches else "succeeded")
        said = NONE if watches else ruled.said
        return said if keys is None else _revealed(said, asked, keys)
    ruled = _ruled(asked, bundle, by, keys)
    call = _call(asked, bundle, ruled.masked)
    recorded = recording.record_call(call, caller=by.caller, received_at=by.at)
    if watches:
        return NONE
    if recorded.decision != "allow":
        return Said(action="BLOCKED", blocked_reason=_denied(recorded.entry.reasons))
    if ruled.blocks:
        _complete(asked, by, "blocked", call_id=call.call_id)
    return ruled.said


@lru_cache(maxsize=256)
def _bundle(whose: tuple[int, bool], epoch: int, on: dt.date, slot: dt.datetime) -> Bundle:
    """The bundle of an integration (id, livemode) as its clients get it now."""
    integration_id, livemode = whose
    issued = issue(Integration.objects.get(pk=integration_id), livemode=livemode, on=on, at=slot)
    return bundles.parse_bundle(issued.body, [bytes.fromhex(public_key())], now=None)


def _revealed(said: Said, asked: Asked, keys: Keys) -> Said:
    """The answer to an answer, with the values of the proxy's own tokens put back in its texts.

    Rules looked at it before, so what they say of an answer holds for what the model wrote.
    """
    texts = said.texts if said.texts is not None else asked.texts
    if said.action == "BLOCKED" or not texts:
        return said
    told = [litellm_tokens.revealed(text, keys) for text in texts]
    return Said(
        action="NONE" if told == asked.texts else "GUARDRAIL_INTERVENED",
        texts=told,
        stream_holdback_chars=litellm_tokens.held_back(texts),
    )


def _ruled(asked: Asked, bundle: Bundle, by: Admitted, keys: Keys | None) -> Ruled:
    """What the rules make of the texts, and of whatever else came with them."""
    facts = bundle.call_facts(
        on=day_of(by.at), model=_model(asked), role="service", direction=asked.input_type
    )
    if bundle.policy is None or (
        asked.input_type == "response" and not bundle.policy.reads_answers
    ):
        return Ruled(NONE, {})
    found = _apply(asked, bundle, facts, keys)
    refusal = next((each.refusal for each in found.values() if each.refusal), None)
    masked = _added(each.masked for each in found.values())
    if refusal is not None:
        what = "prompt" if asked.input_type == "request" else "answer"
        why = ", ".join((refusal.reason, *refusal.rule_ids))
        return _blocked(BLOCKED.format(what=what, why=why), masked)
    if any(part.action != "allow" for each in found.values() for part in each.opaque):
        return _blocked(OPAQUE, masked)
    documents = {name: json.loads(each.body or b"null") for name, each in found.items()}
    if "tool_calls" in documents and documents["tool_calls"] != _document("tool_calls", asked):
        return _blocked(NOT_REWRITTEN, masked)
    return Ruled(_rewritten(asked, documents), masked)


def _blocked(reason: str, masked: Mapping[str, int]) -> Ruled:
    return Ruled(Said(action="BLOCKED", blocked_reason=reason), masked, reason)


def _apply(asked: Asked, bundle: Bundle, facts: Facts, keys: Keys | None) -> dict[str, Outcome]:
    """Each part by the rules, with one set of tokens for all."""
    assert bundle.policy is not None
    engine, session = litellm_tokens.engine_of(bundle.policy, keys), Session()
    parts = ("texts", "structured_messages", "tools", "tool_calls", "images")
    return {
        name: engine.apply(
            json.dumps(_document(name, asked), ensure_ascii=False).encode(),
            media_type="application/json",
            shape=CHAT,
            facts=facts,
            session=session,
        )
        for name in parts
        if getattr(asked, name)
    }


def _document(name: str, asked: Asked) -> dict[str, Any]:
    """A part as it stands in a body of OpenAI's, so that a rule's path finds it."""
    value: Sequence[Any] = getattr(asked, name)
    if name == "texts":
        return {"messages": [{"role": "user", "content": text} for text in value]}
    if name == "structured_messages":
        return {"messages": value}
    if name == "tools":
        return {"tools": value}
    if name == "tool_calls":
        return {"messages": [{"role": "assistant", "tool_calls": value}]}
    images = [{"type": "image_url", "image_url": {"url": url}} for url in value]
    return {"messages": [{"role": "user", "content": images}]}


def _rewritten(asked: Asked, documents: Mapping[str, Any]) -> Said:
    """What goes on in place of what came; NONE where that is the same."""
    changed = {
        name: document for name, document in documents.items() if document != _document(name, asked)
    }
    if not changed:
        return NONE
    texts = changed.get("texts")
    rows = changed.get("structured_messages")
    return Said(
        action="GUARDRAIL_INTERVENED",
        texts=[row["content"] for row in texts["messages"]] if texts else asked.texts,
        structured_messages=rows["messages"] if rows else None,
        tools=changed["tools"]["tools"] if "tools" in changed else None,
    )


def _added(counts: Any) -> dict[str, int]:
    """The texts stand in the messages too: a rule counts by the part that it changed most in."""
    found: dict[str, int] = {}
    for each in counts:
        for rule, number in each.items():
            found[rule] = max(found.get(rule, 0), number)
    return found


def _call(asked: Asked, bundle: Bundle, masked: Mapping[str, int]) -> CallBody:
    terms = bundle.terms
    user = asked.request_data.get("user_api_key_user_id")
    actor = Actor(type="service", id="litellm")
    if isinstance(user, str) and _IDENTITY.fullmatch(user):
        actor = Actor(type="user", id=user)
    version = asked.litellm_version or ""
    trace = asked.litellm_trace_id or ""
    return CallBody(
        call_id=_call_id(asked),
        provider=terms.provider,
        operation="chat",
        model=_model(asked),
        region=terms.region,
        phi_present=terms.phi,
        actor=actor,
        data_classes=list(terms.data_classes),
        session_id=trace if _IDENTITY.fullmatch(trace) else None,
        input_bytes=sum(len(text.encode("utf-8", "replace")) for text in asked.texts or ()),
        masked=dict(masked),
        bundle=bundle.id,
        mode="strict",
        enforcement=bundle.enforcement,
        client=f"litellm/{version}" if _VERSION.fullmatch(version) else "litellm",
    )


def _call_id(asked: Asked) -> uuid.UUID:
    """LiteLLM's own id of the call, so that question and answer belong together."""
    try:
        return uuid.UUID(asked.litellm_call_id or "")
    except ValueError:
        return uuid.uuid4()


def _model(asked: Asked) -> str:
    model = asked.model or ""
    return model if _MODEL.fullmatch(model) else "unknown"


def _complete(
    asked: Asked,
    by: Admitted,
    outcome: Literal["succeeded", "blocked"],
    *,
    call_id: uuid.UUID | None = None,
) -> None:
    """How the call ended, as far as LiteLLM says. A stream is asked about more than once: the first
    time counts. Without an id of the call there is nothing to complete.
    """
    if call_id is None and not asked.litellm_call_id:
        return
    call_id = call_id or _call_id(asked)
    body = CompletionBody(event_id=uuid.uuid5(call_id, "litellm"), outcome=outcome)
    try:
        recording.record_completion(call_id, body, caller=by.caller, received_at=by.at)
    except Refused:
        return


def _denied(codes: Sequence[str]) -> str:
    said = [f"{code}: {REASONS[code].sentence}" if code in REASONS else code for code in codes]
    return " ".join(["The gate denies this call.", *said])
