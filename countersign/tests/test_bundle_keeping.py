"""The client's bundle: fetched, checked, kept, refreshed; refused when stale by the mode's rule."""

import contextlib
import datetime as dt
import json
import stat

import pytest

from countersign import bundles as signed
from countersign.client import bundles as keeping
from countersign.client.bundles import Bundles, Stale
from countersign.client.http import PortalHttp
from countersign.client.recording import Recorder
from countersign.tests.portal_double import PortalDouble
from countersign.tests.test_recording import body


@pytest.fixture
def portal():
    with PortalDouble() as portal:
        yield portal


@pytest.fixture
def bundles_of(portal, tmp_path):
    with contextlib.ExitStack() as stack:

        def make(**given) -> Bundles:
            settings = portal.settings(tmp_path, **given)
            http = PortalHttp(settings)
            bundles = Bundles(settings, http)
            stack.callback(http.close)
            stack.callback(bundles.close)
            return bundles

        yield make


@pytest.fixture
def later(monkeypatch):
    """Lets the machine's uptime pass."""
    passed = [0.0]
    real = keeping.uptime
    monkeypatch.setattr(keeping, "uptime", lambda: real() + passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


def fetches(portal) -> list[str]:
    return [
        asked.headers.get("if-none-match", "") for asked in portal.asked if asked.method == "GET"
    ]


def test_it_is_fetched_once_and_then_answered_from_memory(portal, bundles_of):
    bundles = bundles_of()
    assert not bundles.is_held()
    found = bundles.current()
    assert found.id.startswith("b-")
    assert found.mode == "strict"
    assert bundles.current() is found
    assert len(fetches(portal)) == 1


def test_a_young_bundle_is_asked_for_by_its_etag_and_an_old_one_anew(portal, bundles_of, later):
    bundles = bundles_of()
    first = bundles.current()
    assert bundles.refresh()
    assert bundles.current() is first
    later(500)
    assert bundles.refresh()
    assert [bool(etag) for etag in fetches(portal)] == [False, True, False]


def test_a_change_in_the_portal_is_there_after_a_refresh(portal, bundles_of):
    bundles = bundles_of()
    first = bundles.current()
    portal.content["mode"] = "observe"
    assert bundles.refresh()
    assert bundles.current().mode == "observe"
    assert bundles.current().id != first.id


@pytest.mark.parametrize(("mode", "stops"), [("strict", True), ("spool", True), ("observe", False)])
def test_what_is_stale_stops_by_the_modes_rule(portal, bundles_of, later, mode, stops):
    portal.content["mode"] = mode
    bundles = bundles_of()
    bundles.current()
    portal.away = True
    later(899 - 300)  # it may have been issued five minutes before
    assert bundles.terms().stop is None
    later(301)
    assert isinstance(bundles.current(), Stale)
    terms = bundles.terms()
    assert (terms.mode, terms.stop is not None) == (mode, stops)
    if stops:
        assert (terms.stop.status, terms.stop.code) == (503, "bundle-stale")


def test_a_portal_that_is_back_makes_it_fresh_again(portal, bundles_of, later, monkeypatch):
    monkeypatch.setattr(keeping, "RETRY_S", 0)
    bundles = bundles_of()
    bundles.current()
    portal.away = True
    later(2000)
    assert bundles.terms().stop is not None
    portal.away = False
    assert bundles.terms().stop is None


def test_a_clock_that_is_set_does_not_make_it_younger(portal, bundles_of, later, monkeypatch):
    bundles = bundles_of()
    bundles.current()
    portal.away = True
    later(1000)

    class Yesterday(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return dt.datetime.now(tz) - dt.timedelta(days=1)

    monkeypatch.setattr(keeping.dt, "datetime", Yesterday)
    assert isinstance(bundles.current(), Stale)


def test_a_restart_while_the_portal_is_away_uses_what_was_kept(portal, bundles_of, tmp_path):
    portal.content["mode"] = "spool"
    first = bundles_of().current()
    path = tmp_path / "spool" / keeping.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    portal.away = True
    again = bundles_of().current()
    assert again.id == first.id
    assert len(fetches(portal)) == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw.replace(b'"mode":"strict"', b'"mode":"spool"'),
        lambda raw: b"",
        lambda raw: b"[]",
    ],
    ids=["cut-off", "changed", "empty", "another-form"],
)
def test_what_was_kept_is_checked_again(portal, bundles_of, tmp_path, harm):
    bundles_of().current()
    path = tmp_path / "spool" / keeping.FILE
    path.write_bytes(harm(path.read_bytes()))
    portal.away = True
    assert isinstance(bundles_of().current(), Stale)


def test_what_was_kept_too_long_ago_or_issued_tomorrow_is_stale(portal, bundles_of, tmp_path):
    now = signed.slot(dt.datetime.now(dt.UTC))
    for hours in (-1, 24):
        portal.issued_at = now + dt.timedelta(hours=hours)
        body, _ = portal.bundle()
        (tmp_path / "spool").mkdir(mode=0o700, exist_ok=True)
        (tmp_path / "spool" / keeping.FILE).write_bytes(body)
        portal.away = True
        found = bundles_of().current()
        assert isinstance(found, Stale)
        assert found.bundle is not None


def test_another_key_or_integration_or_log_is_refused(portal, bundles_of):
    other = PortalDouble(mode="spool")
    wrong = bundles_of(
        bundle_key="d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert wrong.terms().stop.code == "bundle-refused"
    portal.content["integration"] = "another"
    assert bundles_of().terms().stop.code == "bundle-refused"
    portal.content |= {"integration": other.content["integration"], "livemode": True}
    assert bundles_of().terms().stop.code == "bundle-refused"
    other.server.server_close()


def test_a_forged_bundle_does_not_take_the_place_of_a_good_one(portal, bundles_of, monkeypatch):
    bundles = bundles_of()
    good = bundles.current()
    envelope = json.loads(portal.bundle()[0])
    envelope["bundle"]["mode"] = "observe"
    monkeypatch.setattr(portal, "bundle", lambda: (json.dumps(envelope).encode(), '"x"'))
    assert not bundles.refresh()
    assert bundles.current() is good


def test_broken_glass_makes_strict_spool_until_its_end(portal, tmp_path, bundles_of, later):
    now = dt.datetime.now(dt.UTC)
    until = (now + dt.timedelta(seconds=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
    portal.content["break_glass"] = {"until": until, "event": 7}
    bundles = bundles_of()
    assert bundles.terms().mode == "spool"
    assert bundles_of(mode="strict").terms().mode == "strict"  # a client may tighten
    recorder = Recorder(portal.settings(tmp_path))
    recorder.terms()
    portal.away = True
    assert recorder.call(body()).recorded == "journal"
    recorder.close(0)
    later(401)
    assert bundles.terms().mode == "strict"


def test_without_any_bundle_nothing_goes_and_the_refusal_is_told_later(portal, tmp_path):
    recorder = Recorder(portal.settings(tmp_path, mode="observe"))
    portal.away = True
    terms = recorder.terms()
    assert (terms.bundle, terms.stop.code) == (None, "bundle-missing")
    found = recorder.call(call := body(), terms)
    assert (found.status, found.code) == (503, "bundle-missing")
    portal.away = False
    assert recorder.flush(5)
    assert portal.outcomes(call["call_id"]) == ["blocked"]
    recorder.close()
