"""What of reading the server is told, however much of it is lost on the way."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from zchat.client.core.cursors import MARK_READ_INTERVAL_S, ReadMarks

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.integers(0, 9), st.booleans()),
        st.sampled_from([("send", 0, False), ("answer", 0, False), ("lose", 0, False)]),
    ),
    max_size=30,
)


@given(STEPS)
def test_in_the_end_the_server_has_the_marker_that_the_user_has(
    steps: list[tuple[str, int, bool]],
) -> None:
    marks, numbers, now = ReadMarks(), count(1), 0.0
    user = server = 5
    on_the_way: list[int] = []
    for step, sequence, back in [*steps, ("lose", 0, False), ("send", 0, False)]:
        match step:
            case "mark" if back or sequence > user:
                user = sequence
                marks.mark("#den", sequence, back=back)
            case "send":
                now += MARK_READ_INTERVAL_S
                for mark in marks.to_send(now, lambda: next(numbers)):
                    # As the server does, whether its answer comes or not.
                    server = mark.sequence if mark.back else max(server, mark.sequence)
                    on_the_way.append(mark.id)
            case "answer" if on_the_way:
                marks.answered(on_the_way.pop(0))
            case "lose":
                on_the_way.clear()
                marks.connection_lost()
            case _:
                pass
    assert server == user
