"""The check of idempotency: a command that was done before gets its first answer again."""

from collections.abc import Callable, Sequence

from zchat.eventlog.core.idempotency import Answer, FirstAnswers, Key
from zchat.eventlog.store import Store
from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.names import InvalidName
from zchat.service.core.effects import Refusal


def look_up(keys: Sequence[Key], answers: FirstAnswers, store: Store) -> None:
    """Tells `answers` what the store knows of these commands."""
    if unknown := answers.unknown(keys):
        answers.learn(store.newest_nonces(unknown))
    old = answers.old(keys)
    answers.found = store.first_answers(old) if old else {}


def answer_once(
    key: Key | None, answers: FirstAnswers, act: Callable[[], Answer | None]
) -> Answer | None:
    """The first answer, if there has been one; otherwise what `act` comes to, which is kept.

    None if the command is answered in another way, or later.
    """
    answer = answers.of(key) if key else None
    if answer is None:
        answer = _outcome(act)
        # Whoever is told "not now" is to try again.
        if key and answer and answer.code is not RefusalCode.BUSY:
            answers.remember(key, answer)
    return answer


def _outcome(act: Callable[[], Answer | None]) -> Answer | None:
    try:
        return act()
    except Refusal as refusal:
        return refusal.answer
    except InvalidName as error:
        return Answer(None, 0, RefusalCode.INVALID_NAME, str(error))
