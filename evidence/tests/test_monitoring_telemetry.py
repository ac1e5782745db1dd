"""Telemetry that carries content is a finding of the integration it tells of."""

from audits.services.observing import observe
from audits.services.telemetry import Span
from evidence.models import Finding
from evidence.tests.make import at, quiet, run
from policies.services.keyring import find_key
from policies.tests.make import key


def tell(integration, number: int, *content: str, days: int = 0, livemode: bool = True) -> None:
    _key, _secret = key(integration, livemode=livemode)
    facts = find_key(_key.secret_sha256)
    span = Span("ab" * 16, f"{number:016x}", None, None, {}, 3, content)
    observe([span], key=facts, at=at(days))


def found() -> list[Finding]:
    return list(Finding.objects.open().filter(check_code="content-exported"))


def test_content_of_the_last_week_is_told_with_its_number(db):
    integration = quiet()
    tell(integration, 1, "input", days=-8)
    tell(integration, 2, days=-1)
    run()
    assert found() == []
    tell(integration, 3, "input", "output", days=-2)
    tell(integration, 4, "tool-result", days=-1)
    tell(integration, 5, "input", days=-1, livemode=False)
    run()
    (finding,) = found()
    assert finding.severity == "high"
    assert finding.integration_id == integration.pk
    assert finding.detail.startswith("Content of 2 calls in a week, last on ")
    run(8)
    assert found() == []
