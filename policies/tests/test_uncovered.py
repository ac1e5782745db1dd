"""What is used, or was called, and no BAA in force covers."""

import datetime as dt
from dataclasses import replace

import pytest
from django.urls import reverse

from policies.services.uncovered import uncovered_uses
from policies.tests import make
from policies.tests.gate_cases import baa
from vendors.posture import Shortfall, Target, shortfall
from vendors.tests import make as register
from vendors.tests.make import TODAY

TARGET = Target(model="gpt-5", region="us-east-1", plan="team", features=frozenset({"files"}))


@pytest.mark.parametrize(
    ("baas", "expected"),
    [
        ((), Shortfall("", ("no BAA in force",))),
        ((baa(last_day=TODAY - dt.timedelta(days=1)),), Shortfall("", ("no BAA in force",))),
        ((baa(scopes=()),), Shortfall("BAA-1", ("the service",))),
        ((baa(),), None),
        ((baa(model_pattern="o1"),), Shortfall("BAA-1", ("model gpt-5",))),
        ((baa(region="eu"), baa(2)), None),
        (
            (baa(region="eu", plan="enterprise"), baa(2, features=("batch",))),
            Shortfall("BAA-2", ("feature files",)),
        ),
        (
            (replace(baa(), account="org-1"),),
            Shortfall("BAA-1", ("account not named",)),
        ),
        (
            (baa(settings_required=("zero-retention",)),),
            Shortfall("BAA-1", ("setting zero-retention not made",)),
        ),
        (
            (baa(endpoint="eu.example.com"),),
            Shortfall("BAA-1", ("endpoint not named",)),
        ),
    ],
)
def test_what_the_nearest_baa_leaves_uncovered(baas, expected):
    assert shortfall(baas, TARGET, TODAY) == expected


@pytest.fixture
def narrow(db):
    """A PHI use of two models, of which the BAA covers one without files."""
    service = register.service()
    made = register.baa(service.vendor, services=[])
    register.scope(made, service, model_pattern="gpt-5", features_excluded=["files"])
    register.report(service.vendor, by=make.person())
    return make.active_integration(service=service, model_patterns=["gpt-5", "gpt-6"])


def test_each_model_that_is_not_covered_is_named(narrow):
    found = uncovered_uses(narrow.service.vendor, TODAY)
    assert [(u.target.model, u.missing.lacking, u.phi) for u in found] == [
        ("gpt-6", ("model gpt-6",), True)
    ]
    narrow.features = ["files"]
    narrow.save()
    found = uncovered_uses(narrow.service.vendor, TODAY)
    assert [u.missing.lacking for u in found] == [
        ("feature files",),
        ("model gpt-6", "feature files"),
    ]


def test_data_that_asks_for_no_baa_is_not_listed(narrow):
    public = make.data_class("public")
    for reason in ("baa-scope", "baa-expired", "baa-missing"):
        public.requirements.create(reason=reason, effect="off")
    narrow.data_classes.set([public])
    assert uncovered_uses(narrow.service.vendor, TODAY) == []


def test_a_use_that_is_not_live_is_not_listed(narrow):
    narrow.state = "suspended"
    narrow.save()
    assert uncovered_uses(narrow.service.vendor, TODAY) == []


def test_six_queries_whatever_the_number(narrow, django_assert_max_num_queries):
    make.active_integration(service=narrow.service, known_actors_only=True)
    with django_assert_max_num_queries(7):
        uncovered_uses(narrow.service.vendor, TODAY)


def test_the_pages_of_vendor_and_agreement_show_it(narrow, client):
    client.force_login(make.person("officer"))
    vendor = narrow.service.vendor
    for url, part in [
        (reverse("policies:vendor-uncovered", args=[vendor.slug]), "vendor-uncovered"),
        (
            reverse("policies:agreement-uncovered", args=[vendor.agreements.get().pk]),
            "agreement-uncovered",
        ),
    ]:
        text = client.get(url).text
        assert f'id="{part}"' in text
        assert "model gpt-6" in text
        assert narrow.name in text
