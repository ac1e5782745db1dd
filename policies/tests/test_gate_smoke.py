from policies.services.deciding import evaluate
from policies.tests import make
from vendors.tests.make import TODAY


def test_a_good_integration_is_allowed_and_says_until_when(db):
    verdict = evaluate(make.active_integration(), TODAY)
    assert verdict.allowed, verdict.reasons
    assert verdict.until is not None


def test_an_expired_baa_denies_phi(db):
    integration = make.active_integration()
    agreement = integration.service.vendor.agreements.get()
    agreement.terminated_on = TODAY
    agreement.save()
    assert "baa-expired" in evaluate(integration, TODAY).reasons
