"""What compliance costs: the arithmetic, by properties."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.models import CostFact
from vendors.pricing import Basis, Price, Range, Spend, applicable, estimate

TODAY = dt.date(2026, 11, 21)
money = st.decimals(0, 100_000, places=2)
ranges = st.tuples(money, money).map(lambda ends: Range(min(ends), max(ends)))
names = st.sampled_from(["baa", "byok", "audit_support", "build", "own_audit"])
prices = st.lists(
    st.builds(
        Price,
        cost_id=st.integers(1, 10_000),
        capability=names,
        basis=st.sampled_from(Basis),
        amount=ranges,
        currency=st.just(""),
        source=st.just("A source"),
        as_of=st.just(TODAY),
        stale_on=st.just(None),
        exactness=st.integers(0, 2),
    ),
    max_size=12,
    unique_by=lambda price: price.cost_id,
)
spends = st.builds(Spend, monthly=money, hourly=money, currency=st.just("USD"))
chosen = st.sets(names)


def price(basis=Basis.PERCENT, low="10", high="20", **fields) -> Price:
    fields = {
        "cost_id": 1,
        "capability": "byok",
        "currency": "",
        "source": "Example",
        "as_of": TODAY,
        "stale_on": None,
        **fields,
    }
    return Price(basis=basis, amount=Range(Decimal(low), Decimal(high)), **fields)


def spend(monthly="1000", hourly="150", currency="USD") -> Spend:
    return Spend(Decimal(monthly), Decimal(hourly), currency)


def wide(found: Range) -> tuple[Decimal, Decimal]:
    return found.low, found.high


def test_a_percentage_is_of_the_yearly_spend():
    found = estimate(spend(), ["byok"], [price()])
    assert wide(found.yearly) == (1200, 2400)
    assert wide(found.share) == (10, 20)
    assert wide(found.total) == (13_200, 14_400)


def test_hours_count_as_hours_and_as_money():
    build = price(Basis.HOURS_ONCE, "300", "800", capability="build")
    found = estimate(spend(), ["build"], [build])
    assert wide(found.hours_once) == (300, 800)
    assert wide(found.once) == (45_000, 120_000)
    assert not found.yearly


def test_weeks_are_neither_money_nor_hours():
    found = estimate(spend(), ["baa"], [price(Basis.WEEKS, "2", "6", capability="baa")])
    assert wide(found.weeks) == (2, 6)
    assert not (found.once or found.yearly or found.hours_once or found.hours_yearly)


def test_money_in_another_currency_is_listed_and_not_added():
    fee = price(Basis.YEARLY, "15000", "40000", capability="own_audit", currency="EUR")
    found = estimate(spend(), ["own_audit"], [fee])
    assert [line.counted for line in found.lines] == [False]
    assert not found.yearly
    assert estimate(spend(currency="EUR"), ["own_audit"], [fee]).yearly == fee.amount


def test_the_price_of_the_service_counts_before_that_of_the_vendor_and_of_all():
    general, vendor = price(), price(low="0", high="0", cost_id=2, exactness=1)
    service = price(low="5", high="5", cost_id=3, exactness=2)
    assert applicable([general, vendor, service]) == (service,)
    assert applicable([vendor, general]) == (vendor,)


def test_what_has_no_price_is_named():
    found = estimate(spend(), ["byok", "residency"], [price()])
    assert found.unpriced == ("residency",)


def test_the_basis_is_the_same_in_the_register():
    assert set(Basis) == set(CostFact.Basis.values)


@given(spends, chosen, prices)
def test_the_low_end_is_never_above_the_high_one(spent, names, known):
    found = estimate(spent, names, known)
    for each in (found.once, found.yearly, found.hours_once, found.hours_yearly, found.weeks):
        assert 0 <= each.low <= each.high


@given(spends, chosen, names, prices)
def test_another_capability_never_makes_it_cheaper(spent, names, added, known):
    less, more = estimate(spent, names, known), estimate(spent, names | {added}, known)
    for attribute in ("once", "yearly", "hours_once", "hours_yearly", "weeks"):
        before, after = getattr(less, attribute), getattr(more, attribute)
        assert before.low <= after.low
        assert before.high <= after.high


@given(spends, money, chosen, prices)
def test_a_higher_spend_never_costs_less(spent, extra, names, known):
    higher = Spend(spent.monthly + extra, spent.hourly, spent.currency)
    less, more = estimate(spent, names, known), estimate(higher, names, known)
    assert less.yearly.low <= more.yearly.low
    assert less.yearly.high <= more.yearly.high
    assert less.once == more.once


@given(spends, st.lists(names), st.data())
def test_the_order_of_choice_and_prices_never_matters(spent, names, data):
    known = data.draw(prices)
    shuffled = data.draw(st.permutations(known))
    found, again = estimate(spent, names, known), estimate(spent, names[::-1], shuffled)
    assert (found.once, found.yearly, found.weeks) == (again.once, again.yearly, again.weeks)
    assert set(found.lines) == set(again.lines)


@given(chosen, prices)
def test_without_a_spend_and_a_rate_only_fixed_money_is_left(names, known):
    found = estimate(spend("0", "0"), names, known)
    fixed = [line for line in found.lines if line.price.basis in (Basis.ONCE, Basis.YEARLY)]
    assert found.share is None
    assert found.once.high + found.yearly.high == sum(each.price.amount.high for each in fixed)


@given(spends, chosen, prices)
def test_totals_are_the_sums_of_their_lines(spent, names, known):
    found = estimate(spent, names, known)
    assert found.yearly.high == sum((line.yearly.high for line in found.lines), Decimal(0))
    assert found.yearly.low == sum((line.yearly.low for line in found.lines), Decimal(0))


@pytest.mark.parametrize(("stale_on", "stale"), [(None, True), (TODAY, True), (dt.date.max, False)])
def test_a_price_goes_stale_by_itself(stale_on, stale):
    assert price(stale_on=stale_on).stale(TODAY) is stale
