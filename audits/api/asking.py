"""The gate without a record, for dry runs and CI: in our own words, and in OpenID AuthZEN's.

The answer is that of `POST /calls` at this moment. It allows nothing: a call is made only after
one that is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from audits.api import turns
from audits.api.turns import Answer, Request, Turn
from audits.bodies import (
    Actor,
    Feature,
    Host,
    Identity,
    ModelName,
    Provider,
    QuestionBody,
    Region,
    Slug,
    Version,
    Word,
    parse,
)
from audits.services import recording
from audits.services.answers import ReasonAnswer, decision_answer
from audits.services.recording import Admitted
from vendors.bodies.reading import BadBody, Reader

SCOPE = "decide"
MOST_EVALUATIONS = 100


class Subject(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who would call. Its properties decide nothing here, and are not kept."""

    type: Literal["user", "service", "agent", "system"]
    id: Identity
    properties: dict[str, Any] = {}


class Action(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The operation, such as chat or embeddings, as a call names it."""

    name: Word
    properties: dict[str, Any] = {}


class Model(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is known of the resource: where the model is called."""

    region: Region
    provider: Provider | None = None
    endpoint_host: Host | None = None
    features: Annotated[list[Feature], Meta(max_length=20)] = []


class Resource(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The model; `id` is its name with the provider."""

    type: Literal["model"]
    id: ModelName
    properties: Model


class Context(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What would be sent, and why. PHI is said, never guessed."""

    phi_present: bool
    data_classes: Annotated[list[Slug], Meta(max_length=20)] = []
    purpose: Word | None = None
    integration: Slug | None = None
    bundle: Version | None = None


class Parts(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One question, or what several have in common."""

    subject: Subject | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    resource: Resource | UnsetType = UNSET
    context: Context | UnsetType = UNSET


class Evaluation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One question in the words of OpenID AuthZEN 1.0."""

    subject: Subject
    action: Action
    resource: Resource
    context: Context


class Options(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = (
        "execute_all"
    )


class Evaluations(Parts, forbid_unknown_fields=True, frozen=True):
    """Several questions; what one leaves out is that of all. Without any it is one question."""

    evaluations: Annotated[list[Parts], Meta(max_length=MOST_EVALUATIONS)] = []
    options: Options = msgspec.field(default_factory=Options)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one question of several."""

    status: int
    message: str


class DecisionContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why; `error` stands alone, for a question that could not be asked."""

    reasons: list[ReasonAnswer] = []
    warnings: list[ReasonAnswer] = []
    valid_until: str | None = None
    error: Fault | None = None


class EvaluationAnswer(msgspec.Struct, frozen=True):
    decision: bool
    context: DecisionContext


class EvaluationsAnswer(msgspec.Struct, frozen=True):
    """In the order of the questions; shorter where the semantic says where to stop."""

    evaluations: list[EvaluationAnswer]


# The answer after which no more are asked; `execute_all` has none.
STOPS_AT = {"deny_on_first_deny": False, "permit_on_first_permit": True}
_STRUCTURES = (Evaluation, Evaluations, Parts)
_READER = Reader(_STRUCTURES, (Subject, Action, Resource, Model, Context, Options))
INCOMPLETE = EvaluationAnswer(
    decision=False,
    context=DecisionContext(
        error=Fault(400, "It needs subject, action, resource and context, its own or of all.")
    ),
)


def decision(request: Request) -> Answer:
    """The answer to `POST /decisions`."""

    def ask(body: bytes, admitted: Admitted) -> msgspec.Struct:
        decided = recording.ask(parse(QuestionBody, body), admitted, scope=SCOPE)
        return decision_answer(decided, livemode=admitted.key.livemode)

    return _answered(request, ask)


def evaluation(request: Request) -> Answer:
    """The answer to AuthZEN's single evaluation."""
    return _answered(request, lambda body, by: _evaluate(_READER.parse(Evaluation, body), by))


def evaluations(request: Request) -> Answer:
    """The answer to AuthZEN's several evaluations."""

    def ask(body: bytes, admitted: Admitted) -> msgspec.Struct:
        asked = _READER.parse(Evaluations, body)
        if not asked.evaluations:
            whole = _whole(asked, asked)
            if whole is None:
                raise BadBody("invalid-body")
            return _evaluate(whole, admitted)
        return EvaluationsAnswer(_evaluate_each(asked, admitted))

    return _answered(request, ask)


def _answered(request: Request, ask: Callable[[bytes, Admitted], msgspec.Struct]) -> Answer:
    turn = Turn(turns.common_headers(request.headers))
    said: list[msgspec.Struct] = []

    def work() -> None:
        turns.check_request(request, found=True)
        caller = turns.caller_of(request)
        admitted = turns.admit(caller, turn, may_wait=True, scope=SCOPE)
        turns.check_idempotency_key(request)
        said.append(ask(turns.read_json(request), admitted))

    refused = turns.refusing(turn, work)
    if refused is not None:
        return refused
    headers = [("Content-Type", "application/json"), *turn.common, *turn.headers]
    return Answer(200, headers, msgspec.json.encode(said[0]))


def _evaluate(asked: Evaluation, admitted: Admitted) -> EvaluationAnswer:
    place, context = asked.resource.properties, asked.context
    body = QuestionBody(
        model=asked.resource.id,
        region=place.region,
        phi_present=context.phi_present,
        actor=Actor(type=asked.subject.type, id=asked.subject.id),
        integration=context.integration,
        provider=place.provider,
        operation=asked.action.name,
        endpoint_host=place.endpoint_host,
        features=place.features,
        data_classes=context.data_classes,
        purpose=context.purpose,
        bundle=context.bundle,
    )
    said = decision_answer(
        recording.ask(body, admitted, scope=SCOPE), livemode=admitted.key.livemode
    )
    why = DecisionContext(said.reasons, said.warnings, said.valid_until)
    return EvaluationAnswer(said.decision == "allow", why)


def _evaluate_each(asked: Evaluations, admitted: Admitted) -> list[EvaluationAnswer]:
    stop = STOPS_AT.get(asked.options.evaluations_semantic)
    found = []
    for parts in asked.evaluations:
        whole = _whole(parts, asked)
        found.append(INCOMPLETE if whole is None else _evaluate(whole, admitted))
        if found[-1].decision is stop:
            break
    return found


def _whole(parts: Parts, common: Parts) -> Evaluation | None:
    """The question with what it leaves out; None if that is nowhere."""
    subject = parts.subject or common.subject
    action = parts.action or common.action
    resource = parts.resource or common.resource
    context = parts.context or common.context
    if not (subject and action and resource and context):
        return None
    return Evaluation(subject, action, resource, context)
