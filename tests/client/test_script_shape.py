"""The JSON of the subcommands, which is what docs/scripting.md says that it is."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from zchat.client.cli.output import done_object, entry_object, info_object, json_line, moment
from zchat.protocol.messages import (
    AccountRegistered,
    Done,
    Entry,
    EntryBody,
    InvitedToRoom,
    MessageDeleted,
    MessagePosted,
    PrivateMessageSent,
    Redacted,
    RoomInfo,
    UserInfo,
)

PAGE = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text("utf-8")
EXAMPLES = [
    line
    for block in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
BODIES = {str(body.__struct_config__.tag): body for body in get_args(EntryBody)}
LISTED: dict[str, type[msgspec.Struct]] = {"room_info": RoomInfo, "user_info": UserInfo}
ANN = "ann"


def test_the_page_has_examples() -> None:
    kinds = {json.loads(example)["kind"] for example in EXAMPLES}
    assert {"message_posted", "private_message_sent", "message_edited", "done"} <= kinds
    assert kinds >= LISTED.keys()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: json.loads(example)["kind"])
def test_an_example_of_the_page_is_what_is_printed(example: str) -> None:
    fields: dict[str, Any] = json.loads(example)
    kind = fields.pop("kind")
    if kind in BODIES:
        names = BODIES[kind].__struct_fields__
        body = {"kind": kind, **{name: fields.get(name) for name in names}}
        if "message" in fields:
            body["sequence"] = fields["message"]
        entry = {name: fields[name] for name in Entry.__struct_fields__ if name != "body"}
        # `entry` has a kind of its own on the wire.
        made = msgspec.convert({"kind": "entry", **entry, "body": body}, Entry)
        printed = json_line(entry_object(made, ANN))
    elif kind in LISTED:
        printed = json_line(info_object(msgspec.convert({"kind": kind, **fields}, LISTED[kind])))
    else:
        printed = json_line(done_object(Done(7, fields["log"], fields["sequence"])))
    assert printed == example + "\n"


def test_the_page_has_every_kind_and_its_fields() -> None:
    table = PAGE.partition("| kind | fields |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*)\|$", table, re.MULTILINE)
    said = {kind: re.findall(r"`(\w+)`", fields) for kind, fields in rows}
    assert said == {
        kind: [name.replace("sequence", "message") for name in body.__struct_fields__]
        for kind, body in BODIES.items()
    }


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_field_of_a_body_hides_one_of_its_entry(body: type[msgspec.Struct]) -> None:
    fields = {name.replace("sequence", "message") for name in body.__struct_fields__}
    of_entry = entry_object(Entry("#ops", 1, 0, "bob", AccountRegistered()), ANN)
    assert not fields & of_entry.keys()


def test_what_others_wrote_is_escaped() -> None:
    text = "\x1b]2;x\x07 \x9b1m \u202egnp.exe \u2028 \x7f é 👍"
    line = json_line(entry_object(Entry("#ops", 1, 0, "bob", MessagePosted(text)), ANN))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", line)
    assert line.count("\n") == 1
    assert "é 👍" in line
    assert json.loads(line)["text"] == text


def test_a_conversation_is_called_by_the_other() -> None:
    def conversation(author: str, body: EntryBody) -> str | None:
        shape = entry_object(Entry("@ann", 1, 0, author, body), ANN)
        return shape["conversation"]  # type: ignore[no-any-return]

    assert conversation("bob", PrivateMessageSent("ann", "psst")) == "@bob"
    assert conversation("ann", PrivateMessageSent("bob", "psst")) == "@bob"
    assert conversation("ann", Redacted("ann", "bob")) == "@bob"
    assert conversation("bob", MessageDeleted(1)) == "@bob"
    assert conversation("ann", MessageDeleted(1)) is None
    assert conversation("carl", InvitedToRoom("garden")) is None


def test_a_year_that_no_calendar_knows_is_empty() -> None:
    assert moment(2**53) == ""
    assert moment(0) == "1970-01-01T00:00:00.000Z"
