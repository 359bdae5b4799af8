"""Who may shake hands, and who is pushed out."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from zchat.gateway.core.handshakes import Handshakes


def test_nobody_goes_while_there_is_room() -> None:
    handshakes = Handshakes[int](3, 3)
    assert [handshakes.begin(n, "crowd", 0.0) for n in range(3)] == [None, None, None]
    handshakes.end(0)
    assert handshakes.begin(3, "crowd", 0.0) is None
    assert len(handshakes) == 3


def test_a_crowd_pushes_out_its_own_oldest() -> None:
    handshakes = Handshakes[int](4, 4)
    handshakes.begin(0, "lone", 0.0)
    assert [handshakes.begin(n, "crowd", 0.0) for n in range(1, 7)] == [None, None, None, 1, 2, 3]
    assert handshakes.begin(7, "other", 0.0) == 4
    assert 0 in handshakes


def test_one_network_has_only_so_many_however_much_room_there_is() -> None:
    handshakes = Handshakes[int](10, 2)
    assert [handshakes.begin(n, "crowd", 0.0) for n in range(4)] == [None, None, 0, 1]
    assert handshakes.begin(4, "other", 0.0) is None


def test_of_many_networks_with_one_each_the_oldest_goes() -> None:
    handshakes = Handshakes[int](3, 3)
    assert [handshakes.begin(n, f"bot-{n}", 0.0) for n in range(6)] == [None, None, None, 0, 1, 2]


def test_what_ended_by_itself_is_not_pushed_out() -> None:
    handshakes = Handshakes[int](2, 2)
    handshakes.begin(0, "crowd", 0.0)
    handshakes.begin(1, "crowd", 0.0)
    handshakes.end(0)
    handshakes.end(0)
    assert handshakes.begin(2, "crowd", 0.0) is None
    assert handshakes.begin(3, "other", 0.0) == 1


def test_a_crowd_makes_room_at_once_and_others_get_a_chance_first() -> None:
    handshakes = Handshakes[int](3, 3, chance_s=0.5)
    for number in range(3):
        assert handshakes.wait_s(1.0) == 0.0
        handshakes.begin(number, f"client-{number}", 1.0 + number)
    assert handshakes.wait_s(1.25) == 0.25
    assert handshakes.wait_s(1.5) == 0.0
    handshakes.end(0)
    assert handshakes.wait_s(1.25) == 0.0
    handshakes.begin(3, "client-1", 2.0)
    assert handshakes.wait_s(2.25) == 0.0


def test_of_two_crowds_the_one_that_was_as_large_for_longer_makes_room() -> None:
    handshakes = Handshakes[str](5, 5)
    for handshake in ("a1", "a2", "b1", "b2", "a3"):
        handshakes.begin(handshake, handshake[0], 0.0)
    handshakes.end("a3")
    assert handshakes.begin("c1", "c", 0.0) is None
    assert handshakes.begin("d1", "d", 0.0) == "b1"


def test_nothing_stays_of_those_that_are_over() -> None:
    handshakes = Handshakes[int](2, 2)
    for number in range(4):
        handshakes.begin(number, f"network {number % 3}", 0.0)
    for number in range(4):
        handshakes.end(number)
    kept = (handshakes._networks, handshakes._begun, handshakes._of, handshakes._having)
    assert kept == ({}, {}, {}, {})


@given(
    most=st.integers(1, 8),
    most_per_network=st.integers(1, 8),
    steps=st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=60),
    ending=st.randoms(use_true_random=False),
)
def test_who_goes_is_the_oldest_of_the_network_with_the_most(
    most: int, most_per_network: int, steps: list[tuple[str, bool]], ending: object
) -> None:
    handshakes = Handshakes[int](most, most_per_network)
    model: dict[int, str] = {}
    for number, (network, ends) in enumerate(steps):
        if ends and model:
            gone = ending.choice(sorted(model))  # type: ignore[attr-defined]
            del model[gone]
            handshakes.end(gone)
            continue
        pushed_out = handshakes.begin(number, network, 0.0)
        model[number] = network
        counts = Counter(model.values())
        if counts[network] > most_per_network:
            assert pushed_out == next(n for n in model if model[n] == network)
        elif len(model) > most:
            # So a lone one stays as long as any network has two.
            assert pushed_out is not None
            crowded = model[pushed_out]
            assert counts[crowded] == max(counts.values())
            assert pushed_out == next(n for n in model if model[n] == crowded)
        else:
            assert pushed_out is None
        model.pop(-1 if pushed_out is None else pushed_out, None)
        assert len(handshakes) == len(model)
        assert all(n in handshakes for n in model)
