"""The page for engineers: what it tells to type works for this portal."""

from __future__ import annotations

import ast

import pytest
from django.urls import reverse

from countersign.client.guarding import ROWS
from policies.services import bundle_keys
from policies.tests import make
from policies.views.client_guide import CLIENTS, PYTHON

pytestmark = pytest.mark.django_db


def test_it_names_this_portals_address_and_key(client, settings):
    client.force_login(make.person("engineer"))
    answer = client.get(reverse("policies:client-guide"))
    assert f"COUNTERSIGN_URL={settings.PUBLIC_URL}" in answer.text
    assert f"COUNTERSIGN_BUNDLE_KEY={bundle_keys.public_key()}" in answer.text


def test_the_lines_are_python():
    ast.parse(PYTHON)


def test_it_names_every_kind_of_client_that_can_be_guarded():
    told = " ".join(CLIENTS).replace("httpx and httpx2 clients", "httpx.Client")
    assert [row.name for row in ROWS if row.name not in told] == []
