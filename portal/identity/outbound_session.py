"""A session of requests that reaches what vendors.outbound lets it reach, and no more."""

from __future__ import annotations

from collections.abc import Mapping

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from vendors import outbound

LIMITS = outbound.Limits(seconds=10.0, answer_bytes=1024 * 1024)


class OutboundAdapter(BaseAdapter):
    """Sends by vendors.outbound; a redirect is no answer, since none of what is asked has one."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - requests passes these by position
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        body = request.body or b""
        try:
            answer = outbound.request(
                str(request.method),
                str(request.url),
                body=body.encode() if isinstance(body, str) else bytes(body),
                headers={name: str(value) for name, value in request.headers.items()},
                limits=LIMITS,
            )
        except (outbound.Refused, outbound.Unreachable) as error:
            raise requests.ConnectionError(str(error)) from None
        if 300 <= answer.status < 400:
            raise requests.ConnectionError("the provider answers with a redirect")
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response._content = answer.body  # noqa: SLF001 - requests offers no other way to fill one
        response.url, response.request = str(request.url), request
        return response

    def close(self) -> None:
        """Nothing is kept open."""


def outbound_session() -> requests.Session:
    """A session for one exchange with a provider; no proxies or passwords of the environment."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", OutboundAdapter())
    session.mount("http://", OutboundAdapter())
    return session
