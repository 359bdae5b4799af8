"""How the messages that were found are put in order, and where an answer with them ends."""

from collections.abc import Collection

from zchat.protocol import limits
from zchat.protocol.codec import fitting
from zchat.protocol.messages import Entry


def newest_found(found: Collection[Entry], limit: int) -> tuple[list[Entry], bool]:
    """The newest of them, newest first, and whether there are more.

    Whoever asks for more does so by the time of the last one. So an answer never ends amid the
    messages of one millisecond: it has a few less than `limit` or, if there are so many of that
    one, more. Only of more than fit in an answer some are never seen.
    """
    newest_first = sorted(found, key=lambda entry: (-entry.at_ms, entry.log, -entry.sequence))
    shown = fitting(newest_first[:limit], limits.ANSWER_BYTES_MAX)
    if len(shown) == len(newest_first):
        return shown, False
    cut_ms = newest_first[len(shown)].at_ms
    if shown[-1].at_ms == cut_ms:
        shown = [entry for entry in shown if entry.at_ms > cut_ms]
    if not shown:
        at_once = [entry for entry in newest_first if entry.at_ms == cut_ms]
        shown = fitting(at_once[: limits.SEARCH_RESULTS_MAX], limits.ANSWER_BYTES_MAX)
    return shown, len(shown) < len(newest_first)
