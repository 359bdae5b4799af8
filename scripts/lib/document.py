"""Writes what the documents say about the code from the code itself.

docs/protocol.md, docs/permissions.md and docs/metrics.md are generated as a whole; elsewhere only
what stands between two markers is.
"""

import ast
import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import click
import msgpack
import msgspec
from msgspec import inspect as shapes
from textual.binding import Binding

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # Also without an installation.

import browser  # noqa: E402
import browser_parity  # noqa: E402

from zchat.admin.cli import main as admin  # noqa: E402
from zchat.client.cli.output import REFERS  # noqa: E402
from zchat.client.commands.table import COMMANDS  # noqa: E402
from zchat.client.tui import keys as tui_keys  # noqa: E402
from zchat.gateway import metrics as gateway_metrics  # noqa: E402
from zchat.protocol import limits, messages  # noqa: E402
from zchat.protocol.messages import RefusalCode, Standing  # noqa: E402
from zchat.protocol.rules.permissions import PERMISSIONS, Place  # noqa: E402
from zchat.router import metrics as router_metrics  # noqa: E402
from zchat.runtime import settings  # noqa: E402
from zchat.runtime.core.measures import Measure  # noqa: E402
from zchat.service import metrics as service_metrics  # noqa: E402

WIRE: Final = ROOT / "tests/protocol/wire.txt"
"""One example of every message, which a test holds to these bytes."""

REFUSALS: Final[dict[RefusalCode, str]] = {
    RefusalCode.MALFORMED: "The bytes are not what this page says. The connection ends.",
    RefusalCode.UNSUPPORTED_VERSION: "`hello` has a version that is not spoken; the reason names "
    "the one that is. The connection ends.",
    RefusalCode.NOT_LOGGED_IN: "Log in first.",
    RefusalCode.ALREADY_LOGGED_IN: "A connection logs in once; open another one.",
    RefusalCode.INVALID_NAME: "No name that a user or room can have, or that a new one can.",
    RefusalCode.NAME_IN_USE: "Somebody else has this name, or one that it can be mistaken for.",
    RefusalCode.PASSWORD_REQUIRED: "The name is registered.",
    RefusalCode.WRONG_PASSWORD: "Name or password is wrong; which of them is not said.",
    RefusalCode.INVALID_PASSWORD: "Too short to register with.",
    RefusalCode.ALREADY_REGISTERED: "The name has a password already.",
    RefusalCode.EMPTY_TEXT: "The text shows nothing: blanks, controls, marks on nothing.",
    RefusalCode.UNKNOWN_USER: "No such account, and no such guest at the moment.",
    RefusalCode.UNKNOWN_ROOM: "No such room.",
    RefusalCode.UNKNOWN_LOG: "No such log, or not one of yours.",
    RefusalCode.ROOM_EXISTS: "The room is there already, or the new one could be mistaken for it.",
    RefusalCode.NOT_A_MEMBER: "Join the room first.",
    RefusalCode.NOT_ALLOWED: "[Somebody else](permissions.md) may do that; or it cannot be done to "
    "the lobby.",
    RefusalCode.LIMIT_REACHED: "A bound is reached; the reason says which.",
    RefusalCode.TOO_FAST: "More than one may say; `retry_after_ms` tells when to go on.",
    RefusalCode.GUESTS_NOT_ALLOWED: "Only accounts come in here.",
    RefusalCode.REGISTRATION_CLOSED: "Nobody makes an account here but the operator.",
    RefusalCode.NEW_PASSWORD_REQUIRED: "The password is a code of an operator, which takes a "
    "`new_password`, too.",
    RefusalCode.INVITATION_REQUIRED: "A new account takes an invitation.",
    RefusalCode.INVALID_INVITATION: "No such invitation, or it is used or out of date.",
    RefusalCode.CODE_REQUIRED: "The account asks for a one-time code, too.",
    RefusalCode.WRONG_CODE: "Not the one-time code, or one that was used before.",
    RefusalCode.SUSPENDED: "The account is not let in; the reason says until when.",
    RefusalCode.OUT_OF_SCOPE: "The app token may not do this, or not here.",
    RefusalCode.UNKNOWN_TOKEN: "The token is for no account of this name, as `account` in `log_in` "
    "says that it is: the name is mistaken, or the server.",
    RefusalCode.UNKNOWN_DEVICE: "No device or app token of yours has this number.",
    RefusalCode.UNKNOWN_ENTRY: "The log has no such entry.",
    RefusalCode.BLOCKED: "The user takes no private messages from you.",
    RefusalCode.BANNED: "The user is kept out of the room; the reason says for how long.",
    RefusalCode.MUTED: "You may read in this room, but not speak.",
    RefusalCode.WRONG_KEY: "The room has another key.",
    RefusalCode.OVERTAKEN: "A newer command of this client was answered before. It is not done any "
    "more.",
    RefusalCode.SESSION_ENDED: "The same client has connected anew, or its guest has ended. The "
    "connection ends, if the refusal has no `id`.",
    RefusalCode.TIMED_OUT: "Nothing was heard for too long. The connection ends.",
    RefusalCode.BUSY: "Nothing was done. Send it again in a moment.",
    RefusalCode.UNAVAILABLE: "No answer in time. A query must be asked again; a command still "
    "waits and will be done. Send it again with the same nonce to learn what became of it.",
    RefusalCode.OTHER: "Never sent: what a client makes of a code that it does not know.",
}


# --- Tables ---------------------------------------------------------------------------------------


def _table(*rows: tuple[str, ...]) -> str:
    """Markdown; the first row is the head."""
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def commands() -> str:
    return _table(
        ("line", "does"),
        ("any text", "Post it to the lobby; `::text` posts `:text`, and `//text` posts `/text`."),
        *((f"`{command.usage}`", command.summary) for command in COMMANDS.values()),
    )


def kinds_of_entries() -> str:
    """As `zchat-client --json` prints them."""
    rows = [
        (body.__struct_config__.tag, [REFERS.get(name, name) for name in body.__struct_fields__])
        for body in get_args(messages.EntryBody)
    ]
    return _table(
        ("kind", "fields"),
        *((f"`{kind}`", ", ".join(f"`{name}`" for name in names)) for kind, names in rows),
    )


def keys_table() -> str:
    bound = [
        (place, binding)
        for place, bindings in (
            ("everywhere", tui_keys.EVERYWHERE),
            ("in the conversation", tui_keys.TIMELINE),
            ("in the list of members", tui_keys.MEMBERS),
            ("while writing", tui_keys.COMPOSER),
        )
        for binding in bindings
        if isinstance(binding, Binding) and binding.id
    ]
    rows = []
    for place, binding in bound:
        keys = " ".join(f"`{tui_keys.name(key)}`" for key in binding.key.split(","))
        rows.append((f"`{binding.id}`", binding.description, keys, place))
    return _table(("is called", "does", "key", ""), *rows)


def admin_commands() -> str:
    return _table(("`zchat-admin`", "does"), *_commands_in(admin, ""))


_OF_EVERY_COMMAND: Final = {"config", "show_config", "version", "help"}


def _commands_in(group: click.Group, prefix: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands_in(command, f"{prefix}{name} ")
            continue
        own = [
            parameter
            for parameter in command.params
            if isinstance(parameter, click.Argument)
            or parameter.name not in {*settings.SETTING_NAMES, *_OF_EVERY_COMMAND}
        ]
        usage = " ".join([prefix + name, *map(_usage, own)])
        about = " ".join((command.help or "").split()).replace("*", "\\*")
        yield f"`{usage}`", about


def _usage(parameter: click.Parameter) -> str:
    """As in `USER`, `[--room ROOM]`."""
    match parameter:
        case click.Option(is_flag=True):
            usage = parameter.opts[-1]
        case click.Option():
            metavar = parameter.metavar or (parameter.name or "").upper()
            usage = f"{parameter.opts[0]} {metavar}"
        case click.Argument(type=click.Choice(choices=choices)):
            usage = "|".join(choices)
        case click.Argument(metavar=str(metavar)):
            return metavar
        case _:
            usage = (parameter.name or "").upper() + ("…" if parameter.nargs < 0 else "")
    return usage if parameter.required else f"[{usage}]"


def settings_table() -> str:
    rows = []
    for field in dataclasses.fields(settings.Settings):
        setting = field.metadata["setting"]
        name = field.name
        rows.append(
            (
                f"`--{name.replace('_', '-')}`",
                f"`ZCHAT_{name.upper()}`",
                f"`{setting.default}`",
                setting.help,
                ", ".join(sorted(setting.programs)),
            )
        )
    return _table(("flag", "variable", "default", "what it says", "read by"), *rows)


def refusals() -> str:
    return _table(("code", "means"), *((f"`{code}`", REFUSALS[code]) for code in RefusalCode))


def limits_table() -> str:
    rows: list[tuple[str, ...]] = []
    source = inspect.getsource(limits)
    nodes = ast.parse(source).body
    sections = {
        number: title
        for number, line in enumerate(source.splitlines(), start=1)
        if (title := (re.match(r"# --- (.+?) -+$", line) or ["", ""])[1])
    }
    for node, following in zip(nodes, [*nodes[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        while sections and min(sections) < node.lineno:
            rows.append((f"**{sections.pop(min(sections))}**", "", ""))
        name = node.target.id
        match following:
            case ast.Expr(value=ast.Constant(value=str(said))):
                about = " ".join(said.split())
            case _:
                about = ""
        rows.append((f"`{name}`", _bound(name, getattr(limits, name)), about))
    return _table(("bound", "value", "what it bounds"), *rows)


def _bound(name: str, value: float) -> str:
    if re.search(r"_S(_|$)", name):
        return f"{value:g} s"
    if re.search(r"_BYTES(_|$)", name) and value % 1024 == 0:
        return f"{value // 2**20:,} MiB" if value % 2**20 == 0 else f"{value // 1024:,} KiB"
    if value == 2**53:
        return "2^53"
    return f"{value:,}"


# --- Permissions ----------------------------------------------------------------------------------

_AT_LEAST: Final = {
    Place.BANNED: "everyone, even who is banned",
    Place.OUTSIDER: "everyone who is not banned",
    Place.MUTED: "every member, also a muted one",
    Place.MEMBER: "members who are not muted",
    Place.MODERATOR: "moderators and the owner",
    Place.OWNER: "the owner",
}
_STANDINGS: Final = {
    Standing.GUEST: "everyone",
    Standing.ACCOUNT: "accounts",
    Standing.MODERATOR: "moderators and operators of the cluster",
    Standing.OPERATOR: "operators of the cluster",
}


def permissions() -> str:
    intro = (ROOT / "docs/permissions.intro.md").read_text("utf-8")
    in_rooms, elsewhere = [], []
    for kind, permission in PERMISSIONS.items():
        name = f"[{kind.__name__}](protocol.md#{kind.__name__.lower()})"
        scope = f"`{permission.scope}`" if permission.scope else "none"
        if permission.place is None:
            elsewhere.append((name, _STANDINGS[permission.standing], scope))
        else:
            anywhere = _STANDINGS[permission.anywhere] if permission.anywhere else "nobody"
            in_rooms.append((name, _AT_LEAST[permission.place], anywhere, scope))
    room_table = _table(
        ("to do this in a room", "it takes to be one of", "and anywhere", "app token"), *in_rooms
    )
    others = _table(("to do this", "it takes to be one of", "app token"), *elsewhere)
    note = "<!-- Written by scripts/document from docs/permissions.intro.md and permissions.py. -->"
    text = intro.strip().replace("<!-- in rooms -->", room_table)
    return f"{note}\n\n{text.replace('<!-- elsewhere -->', others)}\n"


# --- The protocol ---------------------------------------------------------------------------------


def protocol() -> str:
    intro = (ROOT / "docs/protocol.intro.md").read_text("utf-8")
    intro = intro.replace("<!-- refusals -->", refusals())
    groups = {
        "From a client: the connection": (messages.Hello, messages.LogIn, messages.LogOut),
        "From a client: commands": get_args(messages.AnyCommand),
        "From a client: queries": get_args(messages.Query),
        "To a client: answers, entries and news": get_args(messages.ServerMessage),
        "Bodies of entries": get_args(messages.EntryBody),
        "Parts of answers": (
            messages.LogState,
            messages.RoomInfo,
            messages.ConversationInfo,
            messages.EditInfo,
            messages.MemberInfo,
            messages.UserInfo,
            messages.BanInfo,
            messages.UserBan,
            messages.DeviceInfo,
            messages.AuditRecord,
        ),
    }
    examples = dict(_examples())
    parts = [
        "<!-- Written by scripts/document from docs/protocol.intro.md and messages/. -->\n",
        intro.strip(),
    ]
    for title, kinds in groups.items():
        if title == "From a client: commands":
            parts.append(f"## What becomes of each request\n\n{_requests()}")
        parts.append(f"## {title}")
        parts.extend(_message(kind, examples) for kind in kinds)
    return "\n\n".join(parts) + "\n"


def _requests() -> str:
    def link(kind: type[msgspec.Struct] | None) -> str:
        return f"[{kind.__name__}](#{kind.__name__.lower()})" if kind else ""

    rows = (
        (link(kind), link(row.makes), link(row.answer), row.service.value)
        for kind, row in messages.REQUESTS.items()
    )
    return _table(("request", "makes the entry", "is answered with", "is for"), *rows)


def _examples() -> Iterator[tuple[str, bytes]]:
    for line in WIRE.read_text("utf-8").splitlines():
        name, frame = line.split(" ", 1)
        yield name.removeprefix("Entry/"), ast.literal_eval(frame)


def _message(kind: type[msgspec.Struct], examples: dict[str, bytes]) -> str:
    info = shapes.type_info(kind)
    assert isinstance(info, shapes.StructType)
    parts = [f"### {kind.__name__}"]
    # A struct without words of its own has those that msgspec makes of its fields.
    if kind.__doc__ and kind.__doc__ not in {base.__doc__ for base in kind.__mro__[1:]}:
        parts.append(inspect.cleandoc(kind.__doc__))
    rows = [("`kind`", f'`"{info.tag}"`', "")]
    rows.extend((f"`{f.encode_name}`", _shape(f.type), _default(f)) for f in info.fields)
    parts.append(_table(("field", "type", "may be left out"), *rows))
    if frame := examples.get(kind.__name__):
        parts.append(f"```text\n{_diagnostic(msgpack.unpackb(frame))}\n\n{_hex(frame)}\n```")
    return "\n\n".join(parts)


def _default(field: shapes.Field) -> str:
    if field.required or field.name in messages.NEVER_LEFT_OUT:
        return ""
    if field.default is msgspec.NODEFAULT:
        return "then empty"
    return f"then {_diagnostic(getattr(field.default, 'value', field.default))}"


def _shape(info: shapes.Type) -> str:
    match info:
        case shapes.NoneType():
            return "nil"
        case shapes.BoolType():
            return "boolean"
        case shapes.IntType():
            return "integer" + _range(info.ge, info.le)
        case shapes.StrType():
            return "string" + _range(info.min_length, info.max_length, " characters")
        case shapes.BytesType():
            return "binary" + _range(info.min_length, info.max_length, " bytes")
        case shapes.EnumType(cls=cls) if cls is RefusalCode:
            return "string, a [refusal code](#refusals)"
        case shapes.EnumType(cls=cls):
            return "string, one of " + ", ".join(f'`"{choice.value}"`' for choice in cls)
        case shapes.ListType():
            return f"array of {_shape(info.item_type)}"
        case shapes.DictType():
            size = _range(None, info.max_length, " keys")
            return f"map from {_shape(info.key_type)} to {_shape(info.value_type)}{size}"
        case shapes.StructType(cls=cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
        case shapes.UnionType() if all(isinstance(t, shapes.StructType) for t in info.types):
            return "one of the [bodies](#bodies-of-entries)"
        case shapes.UnionType():
            nil_first = sorted(info.types, key=lambda each: not isinstance(each, shapes.NoneType))
            return ", or ".join(_shape(each) for each in nil_first)
        case _:
            raise AssertionError(f"no words for {info}")


def _range(low: int | None, high: int | None, unit: str = "") -> str:
    def number(value: int) -> str:
        return "2^53" if value == 2**53 else f"{value:,}"

    if high is None:
        return ""
    if low == high:
        return f", {number(high)}{unit}"
    return f", {f'{number(low)} to' if low is not None else 'at most'} {number(high)}{unit}"


def _diagnostic(value: Any) -> str:
    """As JSON would have it, with `h'…'` for binary."""
    match value:
        case None:
            return "nil"
        case bool():
            return str(value).lower()
        case bytes():
            return f"h'{value.hex()}'"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case dict():
            inner = (f"{_diagnostic(k)}: {_diagnostic(v)}" for k, v in value.items())
            return "{" + ", ".join(inner) + "}"
        case list():
            return "[" + ", ".join(map(_diagnostic, value)) + "]"
        case _:
            return str(value)


def _hex(frame: bytes) -> str:
    return "\n".join(frame[at : at + 32].hex(" ") for at in range(0, len(frame), 32))


# --- Metrics --------------------------------------------------------------------------------------

MEASURES: Final[dict[str, Sequence[Measure]]] = {
    "gateway": gateway_metrics.MEASURES,
    "router": router_metrics.MEASURES,
    "user-service": service_metrics.MEASURES,
    "room-service": service_metrics.MEASURES,
}


def metrics_page() -> str:
    parts = [
        "<!-- Written by scripts/document from what the programs measure. -->\n\n# Metrics",
        (
            "What each process exports at `/metrics`; how to turn it on is in "
            "[operations.md](operations.md#metrics-and-health), and "
            "[a dashboard of it](grafana-dashboard.json) is ready for Grafana. A process also "
            "exports what the Python library knows of it: `process_cpu_seconds_total`, "
            "`process_resident_memory_bytes`, `process_open_fds`, `process_max_fds`, "
            "`process_start_time_seconds` and `process_virtual_memory_bytes`."
        ),
        (
            "A counter only rises, and begins anew with each life of the process. A histogram has "
            "`_bucket`, `_sum` and `_count`."
        ),
    ]
    for program, measures in MEASURES.items():
        rows = [
            (
                f"`{measure.full_name(program)}`",
                measure.kind,
                f"`{measure.label}`" if measure.label else "",
                measure.help,
            )
            for measure in measures
        ]
        parts += [f"## {program}", _table(("name", "type", "label", "what it is"), *rows)]
    return "\n\n".join(parts) + "\n"


# --- Files ----------------------------------------------------------------------------------------

BETWEEN_MARKERS: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "docs/architecture.md": {"limits": limits_table},
    "docs/client.md": {"commands": commands, "keys": keys_table},
    "docs/scripting.md": {"kinds": kinds_of_entries},
    "docs/operations.md": {"settings": settings_table, "admin": admin_commands},
}


def documents() -> Iterator[tuple[Path, str]]:
    """Each file with what it should hold."""
    yield ROOT / "docs/metrics.md", metrics_page()
    yield ROOT / "docs/protocol.md", protocol()
    yield ROOT / "docs/permissions.md", permissions()
    yield from browser.documents()
    yield from browser_parity.documents()
    for name, tables in BETWEEN_MARKERS.items():
        text = (ROOT / name).read_text("utf-8")
        for marker, table in tables.items():
            begin, end = f"<!-- {marker}: written by scripts/document -->", f"<!-- {marker} end -->"
            before, found_begin, rest = text.partition(begin)
            _, found_end, after = rest.partition(end)
            if not (found_begin and found_end):
                raise click.ClickException(f"{name} has no place for {marker}: {begin} … {end}")
            text = f"{before}{begin}\n{table()}\n{end}{after}"
        yield ROOT / name, text


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if anything is stale.")
def main(*, check: bool) -> None:
    """Write what is generated in the documents."""
    stale = [
        (path, text)
        for path, text in documents()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    for path, text in stale:
        click.echo(f"{path.relative_to(ROOT)} is stale" if check else f"writing {path.name}")
        if not check:
            path.write_text(text, "utf-8")
    if check and stale:
        raise click.ClickException("run scripts/document")


if __name__ == "__main__":
    main()
