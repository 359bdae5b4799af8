"""The numbers by which the router is judged."""

from zchat.router.moves import Moves


def numbers(moves: Moves) -> dict[str, float]:
    """`dropped_total` are envelopes that nobody took: their senders send them again."""
    return {
        "askers": moves.routing.asker_count,
        "workers": moves.routing.worker_count,
        "envelopes_total": moves.envelopes,
        "dropped_total": moves.dropped,
        "protocol_errors_total": moves.protocol_errors,
    }
