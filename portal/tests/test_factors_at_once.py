"""Second factors and requests at once: one code lets one in, one factor stays."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.test import Client

from portal.identity import recovery, second_factor
from portal.tests import enrolling

FACTORS = "/accounts/2fa/"


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_of_requests_at_once_with_one_code_one_is_let_in(committed, kind):
    user = enrolling.with_app()
    row = Authenticator.objects.get(user=user, type=kind)
    code = enrolling.code() if kind == "totp" else recovery.renew(row)[0]
    barrier = Barrier(4)

    def attempt(_number) -> bool:
        try:
            own = Authenticator.objects.get(pk=row.pk)  # as each request reads it
            barrier.wait()
            return second_factor.accept_code(own, code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [False, False, False, True]


def test_of_two_factors_that_are_removed_at_once_one_stays(committed, settings, monkeypatch):
    cache.clear()
    settings.MFA_REQUIRED = "all"
    user = enrolling.with_app("officer")
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Key"})
    monkeypatch.setattr(Authenticator, "__str__", lambda self: self.type)
    browsers = [Client(), Client()]
    for step, browser in enumerate(browsers):
        assert enrolling.give_password(browser, user).url == f"{FACTORS}authenticate/"
        assert enrolling.give_code(browser, enrolling.code(steps=step)).status_code == 302
    barrier = Barrier(2)
    # Both have asked whether another is there before either removes its own, were they let.
    asked = second_factor.FactorAdapter.can_delete_authenticator

    def ask(adapter, authenticator):
        answer = asked(adapter, authenticator)
        with contextlib.suppress(BrokenBarrierError):
            barrier.wait(timeout=1)
        return answer

    monkeypatch.setattr(second_factor.FactorAdapter, "can_delete_authenticator", ask)

    def remove(browser, address) -> None:
        try:
            browser.post(address)
        finally:
            connection.close()

    pages = [f"{FACTORS}totp/deactivate/", f"{FACTORS}webauthn/keys/{passkey.pk}/remove/"]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(remove, browsers, pages))
    assert Authenticator.objects.filter(user=user, type__in=second_factor.FACTORS).count() == 1
