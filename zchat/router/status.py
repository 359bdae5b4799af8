"""The numbers by which the router is judged."""

from zchat.router.moves import Moves


def numbers(moves: Moves) -> dict[str, float]:
    """`envelopes_dropped_total` are those that nobody took: their senders send them again."""
    return {
        "askers": len(moves.routing.askers),
        "workers": moves.routing.workers,
        "envelopes_total": moves.envelopes,
        "envelopes_dropped_total": moves.dropped,
        "protocol_errors_total": moves.protocol_errors,
    }
