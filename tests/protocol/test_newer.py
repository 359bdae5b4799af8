"""A client goes on with a server that is newer than itself, and not with one that is broken."""

from typing import Any

import msgspec
import pytest

from zchat.protocol.codec import ProtocolError, encode
from zchat.protocol.forward_compat import from_server
from zchat.protocol.messages import (
    Done,
    Entry,
    History,
    MemberInfo,
    MemberList,
    MessagePosted,
    RefusalCode,
    Refused,
    Unrecognised,
)

HELLO = Entry("#garden", 7, 1, "ann", MessagePosted("hello"))


def changed(message: msgspec.Struct, **fields: Any) -> dict[str, Any]:
    """The message as a newer server writes it."""
    plain: dict[str, Any] = msgspec.msgpack.decode(encode(message))
    return {**plain, **fields}


def test_what_is_known_is_read_as_ever() -> None:
    assert from_server(encode(HELLO)) == HELLO


def test_an_unknown_entry_keeps_its_place_in_its_log() -> None:
    frame = encode(changed(HELLO, body={"kind": "dance", "style": ["tango"]}))
    assert from_server(frame) == Entry("#garden", 7, 1, "ann", Unrecognised("dance"))


def test_an_unknown_entry_keeps_what_became_of_it() -> None:
    dance = changed(HELLO, body={"kind": "dance"}, edited=9, reactions={"+1": ["bob"]})
    expected = Entry("#garden", 7, 1, "ann", Unrecognised("dance"), 9, {"+1": ["bob"]})
    assert from_server(encode(dance)) == expected


def test_an_unknown_entry_in_a_history_spoils_no_other() -> None:
    history = History(3, "#garden", [HELLO, HELLO], False)
    dance = changed(HELLO, body={"kind": "dance"})
    read = from_server(encode(changed(history, entries=[changed(HELLO), dance])))
    assert isinstance(read, History)
    assert [entry.body for entry in read.entries] == [HELLO.body, Unrecognised("dance")]


def test_an_unknown_code_is_still_a_refusal() -> None:
    refused = Refused(4, RefusalCode.BUSY, "it is Sunday")
    read = from_server(encode(changed(refused, code="closed")))
    assert read == Refused(4, RefusalCode.OTHER, "it is Sunday")


def test_an_unknown_role_is_shown_as_it_is() -> None:
    members = MemberList(5, "garden", [MemberInfo("ann", "gardener", True)], 1)
    assert from_server(encode(members)) == members


def test_an_unknown_message_is_passed_over() -> None:
    assert from_server(encode({"kind": "weather", "degrees": 21})) is None


@pytest.mark.parametrize(
    "frame",
    [
        encode(changed(HELLO, sequence="seven")),
        encode(changed(HELLO, body={"kind": "message_posted"})),
        encode(changed(Refused(4, RefusalCode.BUSY, ""), reason=7)),
        encode(changed(Done(4), id="four")),
        encode({"no": "kind"}),
        encode([1, 2]),
        b"\xc1",
    ],
)
def test_what_no_server_may_say_is_an_error(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        from_server(frame)
