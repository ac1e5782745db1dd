"""Identity providers in processes of their own on loopback, and a browser's part at them."""

from __future__ import annotations

import html
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ
import requests
from django.urls import reverse

from portal.identity.single_sign_on import single_sign_on


def configure(settings, **variables: str) -> None:
    """Give the running settings what these variables of the environment would have given."""
    env = environ.Env()
    env.ENVIRON = variables
    for name, value in single_sign_on(env).items():
        setattr(settings, name, value)


@contextmanager
def process(*words: str) -> Iterator[str]:
    """Run a provider, `{port}` in its words filled in; its address once it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [word.format(port=port) for word in words]
    env = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    running = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
    )
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert running.poll() is None, "the provider ended by itself"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)


@contextmanager
def openid_provider() -> Iterator[str]:
    with process("-m", "oidc_provider_mock", "--host", "127.0.0.1", "--port", "{port}") as url:
        yield url


def put_user(issuer: str, subject: str, **claims: Any) -> None:
    """Whom the OpenID provider knows, and what it says of them."""
    requests.put(f"{issuer}/users/{subject}", json=claims, timeout=10).raise_for_status()


def begin(client, slug: str = "oidc", kind: str = "oidc", **posted: str) -> str:
    """Press the button; the provider's address that the page leads to."""
    name = "openid_connect_login" if kind == "oidc" else "saml_login"
    answer = client.post(reverse(name, args=[slug]), posted)
    assert answer.status_code == 200, answer.status_code
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return html.unescape(found[1])


def consent(address: str, subject: str) -> str:
    """Sign in at the OpenID provider; the address it sends the browser back to."""
    answer = requests.post(address, data={"sub": subject}, timeout=10, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def sign_in_by_oidc(client, subject: str, slug: str = "oidc", **posted: str):
    """The whole way through the OpenID provider; our last answer."""
    return client.get(path_of(consent(begin(client, slug, **posted), subject)))


def role_groups(mapping: Mapping[str, Any]) -> str:
    return json.dumps(mapping)
