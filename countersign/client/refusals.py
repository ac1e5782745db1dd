"""What the caller's code gets instead of an answer, in the form its SDK understands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

# Both families of SDKs, openai's and anthropic's, obey this header before they look at the status.
NO_RETRY = ("x-should-retry", "false")

# What the library itself refuses. The sentences go into exceptions: they quote nothing.
SENTENCES: Mapping[str, str] = {
    "not-json": "The body is not the JSON that its content type says, so no rule can read it.",
    "not-text": "The body is not valid UTF-8, so no rule can read it.",
    "too-large": "The body is larger than the rules may look through.",
    "nested-too-deep": "The body is nested too deep to be looked through.",
    "timed-out": "The rules took longer over the body than they may.",
    "opaque-content": "The body holds content that no rule can read, and the policy blocks that.",
    "blocked-by-rule": "A rule of the policy blocks what the body holds.",
    "left-after-masking": "Something that must not go out was still there after masking.",
    "engine-error": "The rules could not be applied to the body.",
    "unknown-media-type": "No rule can read a body of this content type.",
    "unreadable-body": "The request's body could not be read before it was sent.",
    "packed-body": "The request's body is compressed, so no rule can read it.",
    "signed-body": "The request is signed already, so the rules cannot change its body. Guard the "
    "client that signs, or let it sign later.",
    "answer-blocked": "A rule of the policy blocks what the answer holds.",
    "answer-stream-blocked": "A rule of the policy changes or blocks what the answer holds. A "
    "streamed answer cannot be rewritten: ask without streaming.",
    "answer-unreadable": "The policy has rules for answers, and this answer could not be read.",
    "not-http": "Websockets and realtime sessions carry data past the data rules and the record. "
    "The audit mode of this integration is strict, so they are refused; use the HTTP API.",
    "forbidden-by-rule": "A rule of the policy forbids this call.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call does not go out. `codes` and `sentences` belong together; neither quotes."""

    status: int
    codes: tuple[str, ...]
    sentences: tuple[str, ...]
    call_id: str | None = None
    retry: bool = False

    @property
    def message(self) -> str:
        """All of it as one text, for an exception."""
        said = " ".join(self.sentences) or "The call was refused."
        return f"Countersign refused this call ({', '.join(self.codes)}): {said}"

    def body(self) -> bytes:
        """JSON that the SDKs of openai, anthropic, google, cohere and mistral read alike."""
        return json.dumps(
            {
                "type": "error",
                "error": {
                    "type": "permission_error" if self.status == 403 else "api_error",
                    "code": self.codes[0] if self.codes else "refused",
                    "status": "PERMISSION_DENIED" if self.status == 403 else "UNAVAILABLE",
                    "message": self.message,
                },
                "message": self.message,
                "call_id": self.call_id,
                "reasons": [
                    {"code": code, "sentence": sentence}
                    for code, sentence in zip(self.codes, self.sentences, strict=True)
                ],
            }
        ).encode()

    def headers(self) -> list[tuple[str, str]]:
        """Headers of the answer that was never sent by any provider."""
        headers = [("content-type", "application/json"), ("x-countersign", "refused")]
        if not self.retry:
            headers.append(NO_RETRY)
        return headers


def refusal(code: str, *, call_id: str | None = None, rules: tuple[str, ...] = ()) -> Refusal:
    """What the library itself refuses, by its code; `rules` are the ids of those that said so."""
    sentence = SENTENCES.get(code, SENTENCES["engine-error"])
    if rules:
        sentence = f"{sentence} Rules: {', '.join(rules)}."
    return Refusal(403, (code,), (sentence,), call_id)


class Refused(Exception):
    """A call that is not HTTP was refused: `codes` say why, the text says it in sentences."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.codes = refusal.codes
        self.call_id = refusal.call_id


class Denied(Refused, PermissionError):
    """The gate or a rule said no. Asking again gives the same answer."""


class Unavailable(Refused, ConnectionError):
    """No record could be made, and the audit mode does not go on without one."""


def raised(refusal: Refusal) -> Refused:
    """The exception that says the same."""
    return Denied(refusal) if refusal.status == 403 else Unavailable(refusal)
