"""`guard_boto`: a boto3 client for Bedrock, whose bodies are masked before they are signed.

botocore signs on the event `request-created`; a handler that is registered first sees the request
before. The signed request then goes through the endpoint's HTTP session, which is wrapped to see
the answer. Each attempt of botocore's own retries passes both. botocore is not imported here.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from countersign.client.asking import Asked
from countersign.client.attempts import Attempt
from countersign.client.desk import Desk
from countersign.client.listening import MAX_ANSWER
from countersign.client.refusals import Refusal, refusal

if TYPE_CHECKING:
    from countersign.client.portal import Portal

T = TypeVar("T")

SERVICE = "bedrock-runtime"
_PIECE = 64 * 1024


def guard_boto(portal: Portal, client: T) -> T:
    """Guard a `boto3.client("bedrock-runtime")` in place, and return it.

    Raises: TypeError for any other client, or one that another portal guards already.
    """
    boto: Any = client
    meta: Any = getattr(boto, "meta", None)
    if getattr(getattr(meta, "service_model", None), "service_name", None) != SERVICE:
        raise TypeError(f'guard_boto takes what boto3.client("{SERVICE}") returns.')
    endpoint = boto._endpoint  # botocore has no public place for it
    session = endpoint.http_session
    if isinstance(session, GuardedSession):
        if session.desk is not portal.desk:
            raise TypeError("This client is guarded by another portal already.")
        return client
    turns = Turns()
    errors = Errors(boto)
    handler = Handler(portal.desk, errors, turns)
    meta.events.register_first(f"request-created.{SERVICE}", handler.created)
    endpoint.http_session = GuardedSession(session, portal.desk, errors, turns)
    endpoint.make_request = _ending(endpoint.make_request, turns)
    return client


class Turns(threading.local):
    """The attempt of this thread that was begun and not sent yet: botocore keeps to one thread."""

    attempt: Attempt | None = None
    operation: str = ""

    def take(self) -> Attempt | None:
        attempt, self.attempt = self.attempt, None
        return attempt


class Errors:
    """What the client raises for an answer that was refused."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def of(self, refusal: Refusal, operation: str) -> Exception:
        """The client's own AccessDeniedException or ServiceUnavailableException."""
        denied = refusal.status == 403
        code = "AccessDeniedException" if denied else "ServiceUnavailableException"
        answer = {
            "Error": {"Code": code, "Message": refusal.message},
            "ResponseMetadata": {
                "HTTPStatusCode": refusal.status,
                "HTTPHeaders": dict(refusal.headers()),
                "RetryAttempts": 0,
            },
        }
        error: Exception = self._client.exceptions.from_code(code)(answer, operation)
        return error


class Handler:
    """Begins an attempt for each request that botocore is about to sign."""

    def __init__(self, desk: Desk, errors: Errors, turns: Turns) -> None:
        self._desk, self._errors, self._turns = desk, errors, turns

    def created(self, request: Any, operation_name: str, **_: object) -> None:
        """Mask the body of `request`, which is signed next.

        Raises: the client's own error for a refusal; raised here, it is not retried.
        """
        attempt = self._desk.ask(asked_of(request, self._desk.most_bytes()))
        found = attempt if isinstance(attempt, Refusal) else attempt.refusal
        if isinstance(attempt, Refusal) or found is not None:
            raise self._errors.of(found or refusal("engine-error"), operation_name)
        if attempt.body is not None:
            request.data = attempt.body
        self._turns.attempt, self._turns.operation = attempt, operation_name


def asked_of(request: Any, most: int) -> Asked:
    """The request in the guard's words; a body that is a file is read into memory."""
    body = request.data
    if hasattr(body, "read"):
        body = request.data = body.read()
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    address = urlsplit(request.url)
    media_type = request.headers.get("Content-Type") or ""
    if isinstance(media_type, bytes):
        media_type = media_type.decode("latin-1")
    tries = request.context.get("retries", {}).get("attempt", 1)
    fits = len(body) <= most
    return Asked(
        method=request.method,
        host=address.netloc.lower(),
        target=address.path,
        media_type=media_type.strip(),
        body=body if fits else b"",
        problem=None if fits else "too-large",
        retry=tries - 1,
    )


def _ending(make_request: Callable[..., Any], turns: Turns) -> Callable[..., Any]:
    """`make_request`, after which no attempt stays open that was begun and never sent."""

    def making(*arguments: Any, **named: Any) -> Any:
        try:
            return make_request(*arguments, **named)
        finally:
            if attempt := turns.take():
                attempt.abandoned()

    return making


class GuardedSession:
    """botocore's HTTP session; its answers pass by the attempt that they belong to."""

    def __init__(self, session: Any, desk: Desk, errors: Errors, turns: Turns) -> None:
        self._session, self.desk, self._errors, self._turns = session, desk, errors, turns

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of a session, such as to close it."""
        return getattr(self._session, name)

    def send(self, request: Any) -> Any:
        """Send the signed request. Raises: what botocore's own session raises."""
        attempt = self._turns.take()
        if attempt is None:
            raise RuntimeError("A request reached Bedrock's session without a record of it.")
        attempt.sending()
        try:
            response = self._session.send(request)
        except BaseException as error:
            attempt.broken(error)
            raise
        attempt.head(
            response.status_code,
            {str(name).lower(): str(value) for name, value in response.headers.items()},
        )
        if attempt.judges:
            self._judge(response, attempt, streams=request.stream_output)
        elif request.stream_output:
            response.raw = Passing(response.raw, attempt)
        else:
            whole = response.content
            _put(response, attempt.chunk(whole) + attempt.rest())
            if len(whole) < int(response.headers.get("content-length", 0)):
                attempt.broken(EOFError())  # botocore itself does not count
            attempt.end()
        return response

    def _judge(self, response: Any, attempt: Attempt, *, streams: bool) -> None:
        """Hold the answer back until the rules for answers have looked through all of it."""
        try:
            whole = _gathered(response.raw) if streams else response.content
        except BaseException as error:
            attempt.broken(error)
            raise
        body = attempt.judged(attempt.chunk(whole) + attempt.rest())
        if attempt.refusal is not None:
            raise self._errors.of(attempt.refusal, self._turns.operation)
        attempt.end()
        response.raw = Held(body)
        response.headers["content-length"] = str(len(body))
        _put(response, body)


class Passing:
    """The raw answer of a streamed operation: what is read of it passes by the attempt."""

    def __init__(self, raw: Any, attempt: Attempt) -> None:
        self._raw, self._attempt = raw, attempt

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of urllib3's response."""
        return getattr(self._raw, name)

    def stream(self, *arguments: Any, **named: Any) -> Iterator[bytes]:
        """The chunks as they come. Raises: what urllib3 raises."""
        yield from self._attempt.passing(self._raw.stream(*arguments, **named))

    def read(self, amount: int | None = None, *arguments: Any, **named: Any) -> bytes:
        """At most `amount` bytes, or all. Raises: what urllib3 raises."""
        try:
            chunk: bytes = self._raw.read(amount, *arguments, **named)
            passed = self._attempt.chunk(chunk) if chunk else b""
            if amount is None or (not chunk and amount > 0):
                passed += self._attempt.rest()
                self._attempt.end()
        except BaseException as error:
            self._attempt.broken(error)
            raise
        return passed

    def close(self) -> None:
        """Close the connection: what was not read by now is not read any more."""
        try:
            self._raw.close()
        finally:
            self._attempt.abandoned()


class Held(io.BytesIO):
    """An answer that was held back and let go on, in the shape of urllib3's response."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """All of it in pieces."""
        return iter(lambda: self.read(_PIECE), b"")


def _gathered(raw: Any) -> bytes:
    """The bytes of a streamed answer. Raises: ValueError for an endless one."""
    parts, size = [], 0
    for part in raw.stream():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            raw.close()
            raise ValueError("The answer is larger than the rules for answers may look through.")
    return b"".join(parts)


def _put(response: Any, content: bytes) -> None:
    """What botocore finds when it asks the response for its content."""
    response._content = content
