"""Token buckets by name: whose are forgotten when there are too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.runtime.core.rate_limit import Bucket, Buckets, Rate, Samples

RATE = Rate(burst=10, per_s=1)


def test_fresh_names_push_out_nobody_who_has_taken_more() -> None:
    buckets = Buckets(RATE, names_max=100)
    buckets.of("victim", 0).take_or_wait_s(10, 0)
    for number in range(10_000):
        # Each has taken something, and none of them as much.
        buckets.of(f"fresh{number}", 0).take_or_wait_s(9, 0)
    assert len(buckets) == 100
    assert buckets.of("victim", 0).take_or_wait_s(1, 0)


def test_a_full_bucket_goes_before_all_others() -> None:
    buckets = Buckets(RATE, names_max=2)
    for name, tokens in (("slow", 9), ("quick", 1)):
        buckets.of(name, 0).take_or_wait_s(tokens, 0)
    buckets.of("new", 5).take_or_wait_s(5, 5)  # By now the quick one is full again.
    assert [buckets.wait_s(name, 10, 5) for name in ("slow", "quick", "new")] == [4, 0, 5]


def test_who_is_only_looked_at_pushes_nobody_out() -> None:
    buckets = Buckets(RATE, names_max=1)
    buckets.of("victim", 0).take_or_wait_s(10, 0)
    assert buckets.wait_s("fresh", 1, 0) == 0
    buckets.give_back("fresh", 1)
    assert buckets.wait_s("victim", 1, 0) == 1


def test_what_is_still_in_use_is_the_same_one_when_it_is_asked_for_again() -> None:
    buckets = Buckets(RATE, names_max=1)
    held = buckets.of("ann", 0)
    buckets.of("bob", 0).take_or_wait_s(10, 0)
    held.take_or_wait_s(7, 0)
    assert buckets.of("ann", 0) is held
    del held
    buckets.of("carl", 0).take_or_wait_s(10, 0)
    buckets.of("dora", 0).take_or_wait_s(10, 0)
    assert not buckets._held


def test_what_is_given_back_by_name_is_of_that_name() -> None:
    buckets = Buckets(RATE, names_max=2)
    for name in ("ann", "bob"):
        buckets.of(name, 0).take_or_wait_s(10, 0)
    buckets.give_back("ann", 4)
    assert [buckets.wait_s(name, 10, 0) for name in ("ann", "bob")] == [6, 10]


def test_a_bucket_is_full_when_its_rate_has_filled_it() -> None:
    bucket = Bucket(Rate(burst=10, per_s=2), 1.0)
    bucket.take_or_wait_s(6, 1.0)
    assert bucket.full_at == 4.0
    assert [bucket.is_half_full(now) for now in (1.25, 1.5)] == [False, True]


def test_an_earlier_time_takes_nothing_away() -> None:
    bucket = Bucket(RATE, 10.0)
    assert bucket.wait_s(10, 5.0) == 0


def test_of_as_many_names_as_there_may_be_none_is_forgotten() -> None:
    samples = Samples(Rate(burst=1, per_s=1), names_max=1)
    assert [samples.admit("ann", now) for now in (0.0, 0.0, 1.0)] == [0, None, 1]


MOVES = st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 12), st.integers(-1, 10))


@given(st.lists(MOVES, max_size=60))
def test_of_few_names_exactly_the_fullest_is_forgotten(moves: list[tuple[str, int, int]]) -> None:
    buckets, now = Buckets(RATE, names_max=3), 0.0
    for name, later, tokens in moves:
        now += later
        before = {each: buckets.wait_s(each, 10, now) for each in buckets._buckets}
        bucket = buckets.of(name, now)
        gone = before.keys() - buckets._buckets.keys()
        assert len(buckets) == len(buckets._order) <= 3
        if name not in before and len(before) == 3:
            (forgotten,) = gone
            assert before[forgotten] == pytest.approx(min(before.values()))
        else:
            assert not gone
        if tokens < 0:
            bucket.give_back(1)
        else:
            bucket.take_or_wait_s(tokens, now)
