"""What the design promises of messages that change, checked like everything in `checkers`."""

from collections.abc import Iterable

from zchat.client.core.events import Answered, EntryArrived, SessionBegun, State
from zchat.protocol import limits, messages
from zchat.protocol.messages import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    Entry,
    MessageDeleted,
    MessageEdited,
    PinMessage,
    Post,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    RefusalCode,
    Refused,
    RemoveReaction,
    Request,
    SendPrivate,
    inbox_log,
    room_log,
)

from .amended import MESSAGES, Fold, is_same
from .checkers import Broken, _living
from .cluster import Cluster
from .history import History
from .people import Life, Person
from .rooms import is_room


def check_amended(cluster: Cluster, history: History) -> None:
    for log in history.logs:
        _check_lawful(log, history)
        _check_store(log, history)
        _check_nothing_is_left(log, history)
        _check_kept(cluster, log, history)
    _check_twins(history)
    for person in cluster.people:
        for life in person.lives:
            _check_refusals(life, history)
    for person in _living(cluster.people):
        _check_follower(person, history)


def _check_refusals(life: Life, history: History) -> None:
    """Whoever has seen a message that is there may refer to it, however old it is."""
    for event in life.events:
        if not isinstance(event, Answered) or not isinstance(event.answer, Refused):
            continue
        of = _referred(event.request, life.name)
        if of is None or of[1] <= _newest_floor(of[0], life, history):
            continue
        log, sequence = of
        message = history.fold(log).message(sequence)
        if message is None:
            continue
        place = f"{life.person}: {type(event.request).__name__} {event.id} of {log} {sequence}"
        match event.answer.code:
            case RefusalCode.UNKNOWN_ENTRY if _has_seen(life, event.id, of):
                to = getattr(event.request, "to", None)
                if to is None or to in (message.author, getattr(message.body, "to", "")):
                    raise Broken(f"{place} was refused, and there is that message")
            case RefusalCode.LIMIT_REACHED if isinstance(event.request, AddReaction):
                versions = history.fold(log).versions[sequence]
                kinds = max(len(each.reactions) for each in versions)
                most = max(sum(map(len, each.reactions.values())) for each in versions)
                if kinds < limits.REACTION_KINDS_MAX and most < limits.REACTIONS_MAX:
                    raise Broken(f"{place} was refused, and it has {most} reactions, {kinds} kinds")
            case _:
                pass


def _referred(request: Request, user: str) -> tuple[str, int] | None:
    match request:
        case (
            EditMessage(log=log, sequence=sequence)
            | DeleteMessage(log=log, sequence=sequence)
            | AddReaction(log=log, sequence=sequence)
            | RemoveReaction(log=log, sequence=sequence)
        ):
            return log, sequence
        case Post(room=room, reply_to=sequence) | PinMessage(room=room, sequence=sequence):
            return room_log(room), sequence
        case SendPrivate(reply_to=sequence):
            return inbox_log(user), sequence
        case _:
            return None


def _newest_floor(log: str, life: Life, history: History) -> int:
    """Up to where nobody can refer to anything any more."""
    begin = 0
    if log[0] == "@":
        begin = max(_begin(life.name, history), 0)
    elif is_room(log):
        begin = history.room_begin(log) if log in history.logs else 0
    return max(begin, _floor(log, history))


def _has_seen(life: Life, request: int, place: tuple[str, int]) -> bool:
    """Before it asked, and as the very user that was answered."""
    seen = False
    for number, event in enumerate(life.events):
        asked = number >= life.asked_after[request]
        match event:
            case SessionBegun(guest=True):
                seen = False  # It may be a new guest, if it was away for too long.
            case Answered(id=answered) if answered == request:
                return seen
            case EntryArrived(entry=entry) if not asked:
                seen = seen or (entry.log, entry.sequence) == place
            case Answered(answer=messages.History(entries=entries)) if not asked:
                seen = seen or any((entry.log, entry.sequence) == place for entry in entries)
            case _:
                pass
    return seen


def _check_lawful(log: str, history: History) -> None:
    """Each change is of a message that is there, and by who may make it."""
    fold = history.begun_fold(log)
    for committed in history.said(log):
        entry, author = committed.entry, committed.author
        place = f"{log} {entry.sequence}"
        match entry.body:
            case MessageEdited(sequence=sequence):
                message = _changed(fold, sequence, place)
                if message.author != author:
                    raise Broken(f"{place}: {author} edits what {message.author} has said")
            case MessageDeleted(sequence=sequence):
                message = _changed(fold, sequence, place)
                if log[0] == "@" and message.author != author:
                    raise Broken(f"{place}: {author} deletes what {message.author} has said")
            case ReactionAdded(sequence=sequence, emoji=emoji):
                if author in _changed(fold, sequence, place).reactions.get(emoji, ()):
                    raise Broken(f"{place}: {author} has reacted so before")
            case ReactionRemoved(sequence=sequence, emoji=emoji):
                if author not in _changed(fold, sequence, place).reactions.get(emoji, ()):
                    raise Broken(f"{place}: {author} has not reacted so")
            case body if not isinstance(body, PrivateMessageSent) and (
                reply_to := getattr(body, "reply_to", 0)
            ):
                _changed(fold, reply_to, place)
            case _:
                pass
        fold.take(entry)


def _changed(fold: Fold, sequence: int, place: str) -> Entry:
    message = fold.message(sequence)
    if message is None:
        raise Broken(f"{place} is about {sequence}, where no message is")
    return message


def _floor(log: str, history: History) -> int:
    """Up to where entries have been removed, of which nobody knows what would be of them."""
    return max(history.removed.get(log, ()), default=0)


def _check_store(log: str, history: History) -> None:
    """What is read is what the entries have made of it."""
    now, floor = history.fold(log).now, _floor(log, history)
    for committed in history.logs[log]:
        sequence = committed.sequence
        stored = history.stored[log, sequence]
        if sequence > floor and stored != now[sequence]:
            raise Broken(f"{log} {sequence} is {stored}, and its log says {now[sequence]}")


def _check_nothing_is_left(log: str, history: History) -> None:
    """Of what a deleted message has ever said, in any entry of its log, or beside it."""
    fold = history.fold(log)
    gone = {
        text: sequence
        for sequence, texts in fold.texts.items()
        if isinstance(fold.now[sequence].body, Redacted)
        for text in texts
    }
    said = {
        text
        for sequence, texts in fold.texts.items()
        if not isinstance(fold.now[sequence].body, Redacted)
        for text in texts
    }
    for committed in history.logs[log]:
        stored = history.stored[log, committed.sequence]
        text = getattr(stored.body, "text", None)
        if text in gone.keys() - said and committed.sequence > _floor(log, history):
            raise Broken(f"{log} {stored.sequence} says what {gone[text]} said, which is deleted")
    for sequence, _ in history.edits.get(log, ()):
        if isinstance(fold.now[sequence].body, Redacted):
            raise Broken(f"what {log} {sequence} has said is kept, and it is deleted")


def _check_kept(cluster: Cluster, log: str, history: History) -> None:
    """All that a message has said before, where that is kept, and nothing of it elsewhere."""
    fold, floor = history.fold(log), _floor(log, history)
    expected = [
        (sequence, text)
        for sequence, texts in fold.texts.items()
        if cluster.keeps_edits and sequence > floor and fold.message(sequence)
        for text in texts[:-1]
    ]
    kept = [(sequence, text) for sequence, text in history.edits.get(log, ()) if sequence > floor]
    if sorted(kept) != sorted(expected):
        raise Broken(f"of {log} the edits {kept} are kept, and there were {expected}")


def _check_twins(history: History) -> None:
    """A private message is the same in both inboxes, as long as both of the two have theirs."""
    for log in history.logs:
        for committed in history.logs[log]:
            body = committed.entry.body
            if not isinstance(body, PrivateMessageSent) or not body.twin:
                continue
            author = committed.author
            other = body.to if log == inbox_log(author) else author
            if min(_begin(log[1:], history), _begin(other, history)) < 0:
                continue
            twin = history.logs[inbox_log(other)][body.twin - 1].entry
            if not isinstance(twin.body, PrivateMessageSent) or twin.body.twin != (
                committed.sequence
            ):
                raise Broken(f"{log} {committed.sequence} has no twin at {twin.log} {body.twin}")
            if (
                committed.sequence > _begin(log[1:], history)
                and twin.sequence > _begin(other, history)
                and _essence(log, committed.sequence, history)
                != _essence(twin.log, twin.sequence, history)
            ):
                raise Broken(f"{log} {committed.sequence} and {twin.log} {twin.sequence} differ")


def _begin(name: str, history: History) -> int:
    """After which entry the inbox is that of the present user of the name; -1 if there is none."""
    if name not in history.users:
        return -1
    return max(history.floors[name], _floor(inbox_log(name), history))


def _essence(log: str, sequence: int, history: History) -> tuple[object, object]:
    entry = history.stored[log, sequence]
    return getattr(entry.body, "text", None), entry.reactions


def _check_follower(person: Person, history: History) -> None:
    """Whoever has all entries of a log has its messages as the store has them."""
    folds: dict[str, tuple[int, Fold]] = {}
    for event in person.lives[-1].events:
        match event:
            case SessionBegun(logs=logs):
                # What was left out says nothing of what became of the messages before it.
                folds = {
                    state.log: folds[state.log]
                    for state in logs
                    if state.log in folds and folds[state.log][0] == state.cursor
                }
            case EntryArrived(entry=entry):
                at, fold = folds.get(entry.log, (0, Fold()))
                if at != entry.sequence - 1:
                    fold = Fold()
                fold.take(entry)
                folds[entry.log] = (entry.sequence, fold)
            case _:
                pass
    assert person.core is not None
    if person.core.state is not State.ONLINE:
        return  # Somebody else has its name, and it hears nothing any more.
    for log in folds.keys() & person.core.followed:
        for wrong in _differences(log, folds[log][1], history):
            raise Broken(f"{person.name} has {wrong}")


def _differences(log: str, fold: Fold, history: History) -> Iterable[str]:
    floor = _floor(log, history)
    for sequence, seen in fold.now.items():
        stored = history.stored[log, sequence]
        is_message = isinstance(stored.body, (*MESSAGES, Redacted))
        if is_message and sequence > floor and not is_same(seen, stored):
            yield f"{log} {sequence} as {seen}, and the store as {stored}"
