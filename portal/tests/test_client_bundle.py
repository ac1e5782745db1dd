"""The client's bundle as the portal itself hands it out, kept and used to record a call."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from audits.models import Call
from audits.tests import make
from countersign.client.bundles import Bundles
from countersign.client.http import Answer, PortalHttp
from countersign.client.settings import Settings
from countersign.client.verdicts import judged
from policies.services.bundle_keys import public_key
from policies.services.policy_uses import break_glass
from policies.tests.make import person

pytestmark = pytest.mark.django_db


class ByDjango(PortalHttp):
    """The way to the portal's own views, without a server between."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.statuses: list[int] = []
        self._authorization = {"Authorization": f"Bearer {settings.key}"}
        self._client = Client()

    def get(self, path, headers=None):
        told = {**self._authorization, **(headers or {})}
        return self._answer(self._client.get(f"/api/v1{path}", headers=told))

    def post(self, path, body, *, media_type="application/json", packing=""):
        told = {**self._authorization, **({"Content-Encoding": packing} if packing else {})}
        said = self._client.post(f"/api/v1{path}", body, content_type=media_type, headers=told)
        return self._answer(said)

    def _answer(self, said) -> Answer:
        self.statuses.append(said.status_code)
        headers = {name.lower(): value for name, value in said.headers.items()}
        return Answer(said.status_code, headers, said.content)


@pytest.fixture
def integration():
    return make.active_integration()


def settings_of(integration, tmp_path, **key) -> Settings:
    return Settings.read(
        "https://portal.example",
        make.key(integration, **key)[1],
        environment={},
        integration=integration.slug,
        bundle_key=public_key(),
        spool_dir=tmp_path / "spool",
    )


@pytest.fixture
def bundles(integration, tmp_path):
    settings = settings_of(integration, tmp_path)
    made = Bundles(settings, ByDjango(settings))
    yield made
    made.close()


def test_the_portals_bundle_is_believed_and_known_again(bundles, integration):
    terms = bundles.terms()
    assert terms.stop is None
    assert (terms.mode, terms.bundle.integration) == (integration.audit_mode, integration.slug)
    assert terms.bundle.terms.baa_in_force
    assert bundles.refresh()
    assert bundles.terms().bundle.id == terms.bundle.id


def test_broken_glass_is_in_the_next_bundle(bundles, integration):
    assert bundles.terms().mode == "strict"
    at = timezone.now()
    break_glass(integration, hours=2, reason="The portal is moved tonight.", by=person(), at=at)
    assert bundles.refresh()
    assert bundles.terms().mode == "spool"


def test_a_key_without_the_scope_has_no_bundle_and_is_told_why(integration, tmp_path):
    settings = settings_of(integration, tmp_path, scopes=["calls:write"])
    bundles = Bundles(settings, ByDjango(settings))
    stop = bundles.terms().stop
    bundles.close()
    assert (stop.status, stop.code) == (503, "key-scope")
    assert "scope" in stop.sentence


def test_a_call_under_it_is_recorded(bundles, integration, tmp_path):
    bundle = bundles.terms().bundle
    http = ByDjango(settings_of(integration, tmp_path))
    call = make.call_body(bundle=bundle.id, mode=bundle.mode, enforcement=bundle.enforcement)
    verdict = judged(http.post("/calls", json.dumps(call).encode()), call["call_id"])
    assert verdict.decision == "allow"
    assert Call.objects.get().bundle == bundle.id
