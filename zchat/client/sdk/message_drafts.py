"""Drafts of what is done to messages that stand, and of what finds them again."""

from collections.abc import Sequence

from zchat.client.sdk.drafts import (
    NO_NONCE,
    UNNUMBERED,
    InvalidRequest,
    log_name,
    room_name,
    sayable,
    short_text,
    single_line,
    user_name,
    whole,
)
from zchat.protocol import limits
from zchat.protocol.messages import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    ListConversations,
    ListPins,
    Notify,
    PinMessage,
    ReadEdits,
    RemoveReaction,
    SayTyping,
    SearchMessages,
    SetAway,
    SetNotify,
    StartConversation,
    UnpinMessage,
)
from zchat.protocol.rules.names import is_visible


def edit(log: str, sequence: int, text: str) -> EditMessage:
    return EditMessage(
        id=UNNUMBERED, nonce=NO_NONCE, log=log_name(log), sequence=sequence, text=sayable(text)
    )


def delete(log: str, sequence: int, reason: str = "") -> DeleteMessage:
    return DeleteMessage(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        log=log_name(log),
        sequence=sequence,
        reason=short_text(reason),
    )


def react(log: str, sequence: int, with_emoji: str) -> AddReaction:
    return AddReaction(
        id=UNNUMBERED, nonce=NO_NONCE, log=log_name(log), sequence=sequence, emoji=emoji(with_emoji)
    )


def unreact(log: str, sequence: int, with_emoji: str) -> RemoveReaction:
    return RemoveReaction(
        id=UNNUMBERED, nonce=NO_NONCE, log=log_name(log), sequence=sequence, emoji=emoji(with_emoji)
    )


def pin(room: str, sequence: int) -> PinMessage:
    return PinMessage(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), sequence=sequence)


def unpin(room: str, sequence: int) -> UnpinMessage:
    return UnpinMessage(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), sequence=sequence)


def pins(room: str) -> ListPins:
    return ListPins(id=UNNUMBERED, room=room_name(room))


def edits(log: str, sequence: int) -> ReadEdits:
    return ReadEdits(id=UNNUMBERED, log=log_name(log), sequence=sequence)


def conversation(users: Sequence[str]) -> StartConversation:
    """With these others, and oneself."""
    names = list(dict.fromkeys(user_name(user) for user in users))
    if not 1 <= len(names) <= limits.CONVERSATION_USERS_MAX:
        most = limits.CONVERSATION_USERS_MAX
        raise InvalidRequest(f"a conversation is started with 1 to {most} others")
    return StartConversation(id=UNNUMBERED, nonce=NO_NONCE, users=names)


def conversations() -> ListConversations:
    return ListConversations(id=UNNUMBERED)


def notify(log: str, level: str) -> SetNotify:
    """`log` is `#room`, or `@name` for the conversation with that name."""
    try:
        return SetNotify(id=UNNUMBERED, log=log_name(log), level=Notify(level))
    except ValueError:
        raise InvalidRequest(f"{level!r} is none of {', '.join(Notify)}") from None


def typing(log: str) -> SayTyping:
    return SayTyping(id=UNNUMBERED, log=log_name(log))


def away(text: str | None) -> SetAway:
    """None for "is back"."""
    return SetAway(
        id=UNNUMBERED, away=text if text is None else short_text(text, "a word for others")
    )


def search(
    text: str,
    log: str | None = None,
    author: str | None = None,
    before_ms: int | None = None,
    limit: int = 20,
) -> SearchMessages:
    """Every word of `text` is looked for, in `#room`, in what was said with `@name`, or in all."""
    text = single_line(text)
    if not text:
        raise InvalidRequest("there is nothing to search for")
    if len(text) > limits.SEARCH_CHARS_MAX:
        raise InvalidRequest(f"a search has at most {limits.SEARCH_CHARS_MAX} characters")
    if not 1 <= whole(limit, "a number of messages") <= limits.SEARCH_RESULTS_MAX:
        raise InvalidRequest(f"1 to {limits.SEARCH_RESULTS_MAX} messages can be found at once")
    log = log if log is None else log_name(log)
    author = author if author is None else user_name(author)
    return SearchMessages(
        id=UNNUMBERED, text=text, log=log, author=author, before_ms=before_ms, limit=limit
    )


def emoji(text: str) -> str:
    """What may be a reaction: an emoji, or a word as short."""
    if text != single_line(text) or not is_visible(text) or " " in text:
        raise InvalidRequest("a reaction is an emoji, or a word without spaces")
    if len(text) > limits.EMOJI_CHARS_MAX:
        raise InvalidRequest(f"a reaction has at most {limits.EMOJI_CHARS_MAX} characters")
    return text
