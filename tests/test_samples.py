"""Samples: a flood of like things leaves a few lines and a number."""

from zchat.runtime.core.rate_limit import Rate, Samples


def test_a_few_pass_and_the_others_are_counted() -> None:
    samples = Samples(Rate(2, 0.1), 10)
    assert [samples.admit("a", 0.0) for _ in range(5)] == [0, 0, None, None, None]
    assert samples.admit("b", 0.0) == 0, "each name has its own"
    assert samples.admit("a", 9.0) is None
    assert samples.admit("a", 20.0) == 4
    assert samples.admit("a", 40.0) == 0


def test_names_are_bounded() -> None:
    samples = Samples(Rate(1, 0.1), 3)
    for number in range(100):
        samples.admit(str(number), 0.0)
        samples.admit(str(number), 0.0)
    assert len(samples) <= 3
