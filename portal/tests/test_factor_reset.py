"""An administrator's reset of somebody's second factors."""

import pytest
from allauth.mfa.models import Authenticator
from auditlog.models import LogEntry
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from audits.models import SecurityEvent
from policies.tests import make
from portal import tasks
from portal.identity import second_factor
from portal.services import factors
from portal.services.account_mail import send_account_notice
from portal.services.people import NotAllowed
from portal.tests import enrolling

pytestmark = pytest.mark.django_db


PROOF = {"proof": "proved-by-call-back"}


def reset(person) -> str:
    return f"/access/people/{person.pk}/factors/reset/"


@pytest.fixture
def mailed(monkeypatch):
    """Which mails are asked for, of whom and about what."""
    sent = []
    monkeypatch.setattr(
        tasks.send_account_notice, "delay_on_commit", lambda pk, what: sent.append((pk, what))
    )
    return sent


def test_it_removes_everything_and_is_noted_and_mailed(client, mailed):
    person, administrator = enrolling.with_app("officer"), make.person("administrator")
    client.force_login(administrator)
    assert "Recovery codes" in client.get(reset(person)).text
    assert client.post(reset(person), PROOF).url == f"/access/people/{person.pk}/"
    assert not Authenticator.objects.filter(user=person).exists()
    event = SecurityEvent.objects.get(kind=SecurityEvent.Kind.FACTOR_RESET)
    assert (event.user, event.by, event.reason) == (person, administrator, PROOF["proof"])
    assert mailed == [(person.pk, factors.RESET)]
    removed = LogEntry.objects.filter(content_type__app_label="mfa", action=LogEntry.Action.DELETE)
    assert {entry.actor for entry in removed} == {administrator}
    assert "secret" not in str([entry.changes for entry in removed])


@pytest.mark.parametrize("said", [{}, {"proof": ""}, {"proof": "they sounded like it"}])
def test_nothing_is_reset_before_it_is_said_how_the_person_was_known(client, said):
    person = enrolling.with_app("officer")
    client.force_login(make.person("administrator"))
    answer = client.post(reset(person), said)
    assert answer.status_code == 200
    assert "How you know that it is them" in answer.text
    assert second_factor.has_factor(person)
    assert not SecurityEvent.objects.filter(kind=SecurityEvent.Kind.FACTOR_RESET)


def test_the_person_enrols_anew_by_password(client, settings, mailed):
    person = enrolling.with_app("officer")
    client.force_login(make.person("administrator"))
    client.post(reset(person), PROOF)
    client.logout()
    settings.MFA_REQUIRED = "all"
    enrolling.give_password(client, person)
    assert client.get("/").url == "/accounts/2fa/"


def test_nobody_resets_their_own(client):
    administrator = enrolling.with_app("administrator")
    client.force_login(administrator)
    answer = client.post(reset(administrator), PROOF)
    assert answer.status_code == 409
    assert second_factor.has_factor(administrator)
    with pytest.raises(NotAllowed):
        factors.reset_factors(administrator, by=administrator, at=None)


@pytest.mark.parametrize("role", ["officer", "engineer", "auditor", "viewer"])
def test_nobody_but_an_administrator_resets(client, role):
    person = enrolling.with_app("viewer")
    client.force_login(make.person(role))
    assert (
        client.get(reset(person)).status_code
        == client.post(reset(person), PROOF).status_code
        == 403
    )
    assert second_factor.has_factor(person)


def test_the_operator_resets_the_only_administrator(capsys):
    administrator = enrolling.with_app("administrator")
    call_command("reset_factors", administrator.email.upper())
    assert "2 removed" in capsys.readouterr().out
    assert SecurityEvent.objects.get().reason == "by-the-operator"
    with pytest.raises(CommandError, match="Nobody"):
        call_command("reset_factors", "nobody@example.com")


def test_the_mail_says_what_happened_and_holds_no_link_that_opens_anything():
    person = make.person()
    send_account_notice(person, factors.RESET, at=timezone.now())
    (sent,) = mail.outbox
    assert sent.to == [person.email]
    assert "administrator removed every second factor" in sent.body
    assert "/accounts/" not in sent.body
