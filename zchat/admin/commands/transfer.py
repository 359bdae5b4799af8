"""`zchat-admin export` and `import`: a room or an account as a file, and back."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Final

import click
import msgspec
from msgspec import structs

from zchat import __version__
from zchat.admin import times
from zchat.admin.commands.moderation import sightings_of
from zchat.admin.commands.redaction import pages_of
from zchat.admin.commands.rooms import room_of
from zchat.admin.exported import (
    ACCOUNT_FORMAT,
    FORMAT,
    BadExport,
    Header,
    Line,
    import_nonce,
    read_header,
    read_lines,
    standing_alone,
    still_in,
)
from zchat.admin.output import CommandGroup, admin_command, argument, option, refuse
from zchat.admin.output import name as spelled
from zchat.admin.rpc import REQUEST, NoAnswer, ask_one, do, entries_in, entries_of, open_queries
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import USER_SERVICE
from zchat.protocol.messages import (
    Entry,
    MemberLeft,
    PrivateMessageSent,
    Redacted,
    inbox_log,
    room_log,
)
from zchat.protocol.operators import (
    AccountAnswer,
    FindMessages,
    ImportedEntry,
    ImportedFacts,
    ImportEntries,
    ReadAccount,
)
from zchat.protocol.rules.partitions import address_of_room, room_addresses
from zchat.runtime.durable_files import replacing
from zchat.runtime.settings import Settings
from zchat.service.password_pool import hashed

_accounts: Decoder[AccountAnswer] = Decoder(AccountAnswer)  # type: ignore[arg-type]

_BATCH_BYTES_MAX: Final = 128 * 1024
"""One command ends with the entry that reaches this; both fit in an envelope of a link."""


# --- Export ---------------------------------------------------------------------------------------


def _export_room(settings: Settings, name: str, output: Path | None) -> None:
    address = address_of_room(name, settings.partitions)
    with open_queries(settings) as asking, written(output) as file:
        room = room_of(asking, address, name)
        header = _header("room", name, room.topic if room else "")
        _write(file, header, entries_of(asking, address, room_log(name)))


def _export_account(settings: Settings, name: str, output: Path | None) -> None:
    """All that is kept of it and that it has said; nothing that anybody could log in with."""
    seen = [each for each in sightings_of(settings, f"@{name}") if each.user == name]
    with open_queries(settings) as asking, written(output) as file:
        facts = ask_one(asking, USER_SERVICE, ReadAccount(name), _accounts)
        if facts.guest:
            refuse(f"{name} is a guest, who is gone with the last connection")
        header = structs.replace(
            _header("account", name),
            zchat_export=ACCOUNT_FORMAT,
            addresses=seen,
            created_at_ms=facts.created_at_ms,
            registered_at_ms=facts.registered_at_ms,
            devices=facts.devices,
            totp=facts.totp,
        )
        _write(file, header, entries_of(asking, USER_SERVICE, inbox_log(name)))
        # What was said under the name before was said by somebody else.
        said = FindMessages([name], facts.created_at_ms, frames=True)
        for address in room_addresses(settings.partitions):
            for page in pages_of(asking, address, said):
                for entry in entries_in(page.frames):
                    file.write(msgspec.json.encode(_line_of(entry, of_room=True)) + b"\n")


def _header(kind: str, name: str, topic: str = "") -> Header:
    now = times.iso(times.now_ms())
    return Header(FORMAT, kind, name, now, f"zchat {__version__}", topic)


def _write(file: IO[bytes], header: Header, entries: Iterable[Entry]) -> None:
    file.write(msgspec.json.encode(header) + b"\n")
    for entry in entries:
        file.write(msgspec.json.encode(_line_of(entry)) + b"\n")


def _line_of(entry: Entry, *, of_room: bool = False) -> Line:
    return Line(
        *(entry.sequence, entry.at_ms, entry.author, entry.body),
        *(entry.edited, entry.reactions),
        entry.log if of_room else "",
    )


@contextmanager
def written(output: Path | None) -> Iterator[IO[bytes]]:
    """A file that only its owner can read, and that appears when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        return
    try:
        # Where a link leads to. A pipe or a device stays, or root would put a file in its place.
        output = output.resolve()
        if output.exists() and not output.is_file():
            with output.open("wb") as file:
                yield file
            return
        with replacing(output) as file:
            yield file
    except OSError as error:
        refuse(f"cannot write {output}: {error.strerror}")


# --- Import ---------------------------------------------------------------------------------------


def _import_room(settings: Settings, file: Path, new_name: str | None) -> None:
    try:
        header = read_header(file, "room")
        name = new_name or spelled(header.name)
        members, last_ms = still_in(read_lines(file))
        first = next(read_lines(file), None)
        nonce = import_nonce(file, room_log(name))
        entries = chain(
            (
                ImportedEntry(line.at_ms, line.author, line.body)
                for line in standing_alone(read_lines(file))
            ),
            # Whoever has such a name here need not be who was in the room.
            (ImportedEntry(last_ms, member, MemberLeft()) for member in members),
        )
        facts = ImportedFacts(first.at_ms if first else 0, header.topic)
        address = address_of_room(name, settings.partitions)
        count = _send(settings, address, room_log(name), nonce, facts, entries)
    except (BadExport, OSError) as error:
        refuse(f"nothing was imported from {file}: {error}")
    click.echo(f"imported {name}: {count} entries; whoever joins first is its owner")


def _import_account(
    settings: Settings, file: Path, new_name: str | None, password_file: Path | None
) -> None:
    try:
        header = read_header(file, "account")
        name = new_name or spelled(header.name)
        for _ in read_lines(file):
            pass  # All of it is looked at before anything is done.
        password_hash = hashed(_new_password(name, password_file))
        created_at_ms = header.registered_at_ms or header.created_at_ms
        facts = ImportedFacts(created_at_ms, password_hash=password_hash)
        lines = standing_alone(read_lines(file))
        entries = (_of_inbox(line, header.name, name) for line in lines)
        nonce = import_nonce(file, inbox_log(name))
        count = _send(settings, USER_SERVICE, inbox_log(name), nonce, facts, entries)
    except (BadExport, OSError) as error:
        refuse(f"nothing was imported from {file}: {error}")
    click.echo(f"imported {name}: {count} entries; give its user the new password")


def _of_inbox(line: Line, former: str, name: str) -> ImportedEntry:
    """The entry in the inbox of `name`, who was called `former`."""
    author = name if line.author == former else line.author
    body, thread = line.body, None
    if isinstance(body, PrivateMessageSent | Redacted):
        to = name if body.to == former else body.to
        body, thread = structs.replace(body, to=to), to if author == name else author
    return ImportedEntry(line.at_ms, author, body, thread)


def _new_password(name: str, file: Path | None) -> str:
    if file is not None:
        password = file.read_text().partition("\n")[0]
    else:
        password = click.prompt(
            f"New password of {name}", hide_input=True, confirmation_prompt=True
        )
    if not limits.PASSWORD_CHARS_MIN <= len(password) <= limits.PASSWORD_CHARS_MAX:
        least, most = limits.PASSWORD_CHARS_MIN, limits.PASSWORD_CHARS_MAX
        refuse(f"a password has {least} to {most} characters")
    return password


def _send(
    settings: Settings,
    address: str,
    log: str,
    nonce: bytes,
    facts: ImportedFacts,
    entries: Iterable[ImportedEntry],
) -> int:
    """Has the service add the entries, a batch at a time; what it did before it does not again."""
    start = 0
    for batch in _batches(entries):
        command = ImportEntries(REQUEST, nonce, start, log, batch, None if start else facts)
        try:
            do(settings, address, command)
        except NoAnswer:
            click.echo(f"{start} entries were imported; repeat this to go on", err=True)
            raise
        start += len(batch)
    return start


def _batches(entries: Iterable[ImportedEntry]) -> Iterator[list[ImportedEntry]]:
    """None too large for an envelope; and one at least, which makes the room or account itself."""
    batch: list[ImportedEntry] = []
    batch_bytes, is_first = 0, True
    for entry in entries:
        batch.append(entry)
        batch_bytes += len(encode(entry))
        if len(batch) >= limits.IMPORTED_ENTRIES_MAX or batch_bytes >= _BATCH_BYTES_MAX:
            yield batch
            batch, batch_bytes, is_first = [], 0, False
    if batch or is_first:
        yield batch


_FILE = click.Argument(["file"], type=click.Path(exists=True, dir_okay=False, path_type=Path))
_OUTPUT = click.Option(
    ["-o", "--output"],
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write there, and not to the terminal.",
    metavar="FILE",
)
_AS = option("--as new_name", "NAME", "Call it so.", spelled)
_PASSWORD = click.Option(
    ["--password-file"],
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the new password from the first line of this file, and do not ask.",
    metavar="FILE",
)

EXPORT = CommandGroup("export", help="Write a room or an account as JSON, one object a line.")
EXPORT.add_command(
    admin_command(
        "room",
        _export_room,
        "Write the room NAME with all its entries, also if it is closed.",
        argument("name"),
        _OUTPUT,
    )
)
EXPORT.add_command(
    admin_command(
        "account",
        _export_account,
        "Write the account NAME, its inbox, and what it has said in rooms.",
        argument("name"),
        _OUTPUT,
    )
)
IMPORT = CommandGroup("import", help="Read what was exported, into a name that is free.")
IMPORT.add_command(
    admin_command("room", _import_room, "Make a room of FILE, which nobody is in.", _FILE, _AS)
)
IMPORT.add_command(
    admin_command(
        "account",
        _import_account,
        "Make an account of FILE, with a new password.",
        _FILE,
        _AS,
        _PASSWORD,
    )
)
