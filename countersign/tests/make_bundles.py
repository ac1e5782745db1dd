"""Bundles for tests: content as the portal states it, and a key to sign it with."""

from __future__ import annotations

import datetime as dt

from countersign import ed25519
from countersign.bundles import sign_bundle
from countersign.rules import Policy
from countersign.tests.make_rules import starter

SEED = bytes(range(32))
PUBLIC_KEY = ed25519.private_key(SEED).public_key().public_bytes_raw()
NOON = dt.datetime(2027, 1, 15, 12, tzinfo=dt.UTC)


def policy_part(document=None, *, slug="starter", version=1):
    document = starter() if document is None else document
    return {
        "slug": slug,
        "version": version,
        "digest": Policy.parse(document).digest,
        "document": document,
    }


def facts(**changes):
    return {
        "vendor": "openai",
        "service": "openai-api",
        "provider": "openai",
        "deployment": "public_api",
        "region": "us",
        "purpose": "treatment",
        "models": ["gpt-5-mini*"],
        "data_classes": ["phi"],
        "hosts": ["api.openai.com"],
        "phi": True,
        "baa_in_force": True,
        "soc2_current": True,
        "zero_retention": False,
        "known_actors_only": False,
        "deidentification": "none",
        "valid_until": "2027-03-31",
        **changes,
    }


def content(**changes):
    return {
        "v": 1,
        "integration": "intake-summariser",
        "livemode": True,
        "policy": policy_part(),
        "shadow": None,
        "mode": "strict",
        "enforcement": "enforce",
        "break_glass": None,
        "facts": facts(),
        "fresh_for_s": 900,
        **changes,
    }


def body(at=NOON, seed=SEED, **changes):
    return sign_bundle(content(**changes), seed, issued_at=at)
