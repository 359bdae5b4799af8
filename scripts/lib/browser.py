"""Writes what the browser client has of the protocol: types, bounds and tables, in TypeScript.

They are made from the same modules as the documents, and checked with them, so that a message that
changes here and not there is an error of the compiler there.
"""

import ast
import enum
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from msgspec import inspect as shapes

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # Also without an installation.

from zchat.client.commands.table import COMMANDS  # noqa: E402
from zchat.client.model import emoji  # noqa: E402
from zchat.protocol import limits, messages  # noqa: E402
from zchat.protocol.messages import Command  # noqa: E402
from zchat.protocol.rules import permissions  # noqa: E402
from zchat.protocol.rules.names import RESERVED_ROOMS, RESERVED_USERS  # noqa: E402

PROTOCOL: Final = ROOT / "web/src/protocol"

ENUMS: Final[dict[type[enum.StrEnum], str]] = {
    messages.Standing: "STANDINGS",
    messages.Role: "ROLES",
    messages.Posting: "POSTINGS",
    messages.Scope: "SCOPES",
    messages.Notify: "NOTIFY_LEVELS",
    messages.PingTarget: "PING_TARGETS",
    messages.AccountChange: "ACCOUNT_CHANGES",
    messages.RefusalCode: "REFUSAL_CODES",
}
"""Each with what all of its values are called there."""
LIMITS_OF_CLIENTS: Final = ("What a client may send", "The client")
"""Sections of `limits.py` that a client needs as a whole."""
OTHER_LIMITS: Final = (
    "SESSION_REQUESTS_MAX",
    "CLIENT_PING_INTERVAL_S",
    "TYPING_S",
    "TYPING_INTERVAL_S",
    "PRESENCE_NAMES_MAX",
    "ROOM_MEMBERS_MAX",
    "ROOM_PINS_MAX",
    "BAN_S_MAX",
    "KICK_S",
)


def documents() -> Iterator[tuple[Path, str]]:
    """Each file with what it should hold."""
    yield PROTOCOL / "messages.ts", messages_file()
    yield PROTOCOL / "fields.ts", fields_file()
    yield PROTOCOL / "limits.ts", limits_file()
    yield PROTOCOL / "permissions.ts", permissions_file()
    yield PROTOCOL / "commands.ts", commands_file()
    yield PROTOCOL / "emoji.ts", emoji_file(PROTOCOL / "emoji.ts")


# --- Types ----------------------------------------------------------------------------------------

_PARTS: Final = (
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
)
_FROM_SERVER: Final = (
    *get_args(messages.ServerMessage),
    *get_args(messages.EntryBody),
    *_PARTS,
)
_UNIONS: Final[dict[str, tuple[type, ...]]] = {
    "AnyCommand": get_args(messages.AnyCommand),
    "Query": get_args(messages.Query),
    "Command": tuple(kind for kind in messages.REQUESTS if issubclass(kind, Command)),
    "EntryBody": get_args(messages.EntryBody),
    "Answer": get_args(messages.Answer),
    "ServerMessage": get_args(messages.ServerMessage),
}


_ABOUT_MESSAGES: Final = """
Every message between a client and a gateway. Fields are called as on the wire. What comes from a
server is whole: `codec.ts` fills in what was left out.
"""


def messages_file() -> str:
    parts = [
        _head("zchat/protocol/messages", _ABOUT_MESSAGES),
        f"export const PROTOCOL_VERSION = {messages.PROTOCOL_VERSION};",
        f"/** The room that everyone is in. */\nexport const LOBBY = {_js(messages.LOBBY)};",
        "/** Author of entries that no user wrote. */",
        f"export const SYSTEM_AUTHOR = {_js(messages.SYSTEM_AUTHOR)};",
        f"export const RESERVED_USERS = {_js(sorted(RESERVED_USERS))};",
        f"export const RESERVED_ROOMS = {_js(sorted(RESERVED_ROOMS))};\n",
    ]
    parts += [_enum(kind, name) for kind, name in ENUMS.items()]
    parts.append("// --- To a server " + "-" * 83)
    requests: tuple[type[msgspec.Struct], ...] = (
        messages.Hello,
        messages.LogIn,
        messages.LogOut,
        *messages.REQUESTS,
    )
    parts += [_interface(kind, to_server=True) for kind in requests]
    parts.append("// --- From a server " + "-" * 81)
    parts += [_interface(kind, to_server=False) for kind in dict.fromkeys(_FROM_SERVER)]
    parts.append("// --- Unions " + "-" * 88)
    parts += [_union(name, kinds) for name, kinds in _UNIONS.items()]
    parts.append(_REQUESTS)
    answers = "\n".join(
        f"  readonly {_kind(kind)}: {row.answer.__name__};"
        for kind, row in messages.REQUESTS.items()
    )
    parts.append(f"export interface Answers {{\n{answers}\n}}\n")
    commands = ",\n  ".join(_js(_kind(kind)) for kind in _UNIONS["Command"])
    parts.append(f"const COMMANDS: ReadonlySet<string> = new Set([\n  {commands},\n]);\n")
    parts.append(_IS_COMMAND)
    return "\n".join(parts)


_REQUESTS: Final = """\
/** Answered with the same `id`. */
export type Request = AnyCommand | Query;

export type ClientMessage = Hello | LogIn | LogOut | Request;

type WithoutNumbers<R> = R extends unknown ? Omit<R, "id" | "nonce"> : never;

/** A request as whoever wants something makes it: the core gives it its `id` and `nonce`. */
export type Draft = WithoutNumbers<Request>;

/** What a request is answered with, unless it is refused. */
export type AnswerOf<D extends { readonly kind: Request["kind"] }> = Answers[D["kind"]];
"""
_IS_COMMAND: Final = """\
/** Whether it has a nonce: it changes something once, however often it is sent. */
export function isCommand<R extends { readonly kind: string }>(
  request: R,
): request is Extract<R, { readonly kind: Command["kind"] }> {
  return COMMANDS.has(request.kind);
}
"""


def _enum(kind: type[enum.StrEnum], name: str) -> str:
    values = ", ".join(_js(each.value) for each in kind)
    return (
        f"{_comment(kind)}export const {name} = [{values}] as const;\n"
        f"export type {kind.__name__} = (typeof {name})[number];\n"
    )


def _interface(kind: type[msgspec.Struct], *, to_server: bool) -> str:
    lines = [f"{_comment(kind)}export interface {kind.__name__} {{"]
    lines.append(f"  readonly kind: {_js(_kind(kind))};")
    for field in _fields(kind):
        optional = to_server and not field.required and field.name not in messages.NEVER_LEFT_OUT
        # The door of the gateway has the token in a cookie, and puts it in.
        optional = optional or (kind is messages.LogIn and field.name == "token")
        default = f" // Else {_js(_default(field))}." if optional and not field.required else ""
        mark = "?" if optional else ""
        shape = _type(field.type, to_server=to_server)
        lines.append(f"  readonly {field.encode_name}{mark}: {shape};{default}")
    return "\n".join([*lines, "}\n"])


def _union(name: str, kinds: tuple[type, ...]) -> str:
    return f"export type {name} =\n  | " + "\n  | ".join(kind.__name__ for kind in kinds) + ";\n"


def _type(info: shapes.Type, *, to_server: bool) -> str:
    def inner(other: shapes.Type) -> str:
        return _type(other, to_server=to_server)

    match info:
        case shapes.NoneType():
            return "null"
        case shapes.BoolType():
            return "boolean"
        case shapes.IntType():
            return "number"
        case shapes.StrType():
            return "string"
        case shapes.BytesType():
            return "Uint8Array"
        case shapes.EnumType(cls=cls) | shapes.StructType(cls=cls):
            return cls.__name__
        case shapes.ListType():
            item = inner(info.item_type)
            return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
        case shapes.DictType() if to_server:
            return f"Readonly<Record<string, {inner(info.value_type)}>>"
        case shapes.DictType():
            return f"ReadonlyMap<string, {inner(info.value_type)}>"
        case shapes.UnionType() if all(isinstance(t, shapes.StructType) for t in info.types):
            return "EntryBody"
        case shapes.UnionType():
            nil_last = sorted(info.types, key=lambda each: isinstance(each, shapes.NoneType))
            return " | ".join(map(inner, nil_last))
        case _:
            raise AssertionError(f"no type for {info}")


# --- What the codec reads by ----------------------------------------------------------------------


_ABOUT_FIELDS: Final = """
What a server's messages are made of, for `codec.ts`: of each field its shape, and what stands for
it where it was left out.
"""


def fields_file() -> str:
    parts = [_head("zchat/protocol/messages", _ABOUT_FIELDS), "export const FIELDS = {"]
    for kind in dict.fromkeys(_FROM_SERVER):
        inner = ", ".join(f"{field.encode_name}: {_field(field)}" for field in _fields(kind))
        parts.append(f"  {_kind(kind)}: {{ {inner} }}," if inner else f"  {_kind(kind)}: {{}},")
    parts.append("} as const;\n")
    for name, union in (
        ("SERVER_MESSAGES", messages.ServerMessage),
        ("BODIES", messages.EntryBody),
    ):
        kinds = ",\n  ".join(_js(_kind(kind)) for kind in get_args(union))
        parts.append(f"export const {name}: ReadonlySet<string> = new Set([\n  {kinds},\n]);\n")
    return "\n".join(parts)


def _field(field: shapes.Field) -> str:
    shape = _js(_shape(field.type))
    return shape if field.required else f"[{shape}, {_js(_default(field))}]"


def _shape(info: shapes.Type) -> str:
    match info:
        case shapes.BoolType():
            return "boolean"
        case shapes.IntType():
            return "count" if info.ge == 0 else "integer"
        case shapes.StrType():
            return "string"
        case shapes.EnumType(cls=cls) if issubclass(cls, enum.StrEnum):
            return ENUMS[cls]
        case shapes.StructType(cls=cls):
            return _kind(cls)
        case shapes.ListType():
            return f"array of {_shape(info.item_type)}"
        case shapes.DictType():
            return f"map of {_shape(info.value_type)}"
        case shapes.UnionType() if all(isinstance(t, shapes.StructType) for t in info.types):
            return "body"
        case shapes.UnionType(types=types):
            (other,) = (each for each in types if not isinstance(each, shapes.NoneType))
            return f"nil or {_shape(other)}"
        case _:
            raise AssertionError(f"no shape for {info}")


# --- Bounds ---------------------------------------------------------------------------------------


_ABOUT_LIMITS: Final = """
The bounds that concern a client: seconds, bytes and characters, as their names say.
"""


def limits_file() -> str:
    parts = [_head("zchat/protocol/limits.py", _ABOUT_LIMITS)]
    section = ""
    source = inspect.getsource(limits)
    titles = {
        number: title
        for number, line in enumerate(source.splitlines(), start=1)
        if (title := (re.match(r"# --- (.+?) -+$", line) or ["", ""])[1])
    }
    nodes = ast.parse(source).body
    for node, following in zip(nodes, [*nodes[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        section = titles[max(number for number in titles if number < node.lineno)]
        name = node.target.id
        if section not in LIMITS_OF_CLIENTS and name not in OTHER_LIMITS:
            continue
        match following:
            case ast.Expr(value=ast.Constant(value=str(said))):
                parts.append(_as_comment(said))
            case _:
                pass
        parts.append(_limit(name, getattr(limits, name)))
    return "\n".join(parts) + "\n"


def _limit(name: str, value: float) -> str:
    whole = int(value) if value == int(value) else value
    return f"export const {name} = {whole:_};"


# --- Who may do what ------------------------------------------------------------------------------


_PERMISSION: Final = """\
/** The least standing and the least place that it takes; without a place it is about no room.
 * Whoever has the standing `anywhere` needs no place. */
export type Permission = readonly [
  standing: Standing,
  place: Place | null,
  anywhere: Standing | null,
];
"""


def permissions_file() -> str:
    rows = []
    for kind, permission in permissions.PERMISSIONS.items():
        place = None if permission.place is None else permission.place.name.lower()
        cells = [permission.standing, place, permission.anywhere]
        rows.append(f"  {_kind(kind)}: [{', '.join(map(_js, cells))}],")
    places = [place.name.lower() for place in permissions.Place]
    of_role = {role: place.name.lower() for role, place in permissions.PLACE_OF_ROLE.items()}
    return "\n".join(
        [
            _head("zchat/protocol/rules/permissions.py"),
            'import type { Request, Role, Standing } from "./messages.ts";\n',
            "/** What somebody is to a room, least first. */",
            f"export const PLACES = {_js(places)} as const;",
            "export type Place = (typeof PLACES)[number];\n",
            f"export const PLACE_OF_ROLE: Readonly<Record<Role, Place>> = {_js(of_role)};\n",
            _PERMISSION,
            'export const PERMISSIONS: Readonly<Record<Request["kind"], Permission>> = {',
            *rows,
            "};\n",
        ]
    )


# --- Commands and emoji ---------------------------------------------------------------------------


_COMMAND_LINE: Final = """\
/** A `:command` as people type it in the terminal. `takes` is what each argument names, for
 * completion; empty for anything else. */
export interface CommandLine {
  readonly name: string;
  readonly arguments: string;
  readonly takes: readonly ("user" | "users" | "room" | "either" | "command" | "")[];
  readonly summary: string;
}
"""
_ABOUT_EMOJI: Final = "Emoji by name, a line each: loaded once somebody wants one."


def commands_file() -> str:
    rows = []
    for command in COMMANDS.values():
        takes = [kind.completes for kind in command.kinds]
        fields = {"name": command.name, "arguments": command.arguments, "takes": takes}
        inner = ", ".join(f"{name}: {_js(value)}" for name, value in fields.items())
        rows.append(f"  {{ {inner}, summary: {_js(command.summary)} }},")
    return "\n".join(
        [
            _head("zchat/client/commands"),
            _COMMAND_LINE,
            "export const COMMANDS: readonly CommandLine[] = [",
            *rows,
            "];\n",
        ]
    )


def emoji_file(path: Path) -> str:
    """Names that only a newer Python knows stay: which those are depends on its Unicode."""
    known = emoji.by_name()
    text = path.read_text("utf-8") if path.is_file() else ""
    kept = dict(re.findall(r"^(\S+) (\S+)$", text, re.MULTILINE))
    names = "\n".join(f"{name} {char}" for name, char in sorted({**kept, **known}.items()))
    head = _head("zchat/client/model/emoji.py", _ABOUT_EMOJI)
    return f"{head}\nexport const EMOJI = `\n{names}\n`;\n"


# --- Words ----------------------------------------------------------------------------------------


def _head(source: str, about: str = "") -> str:
    note = f"// Written by scripts/document from {source}. Do not edit.\n"
    return f"{note}\n{_as_comment(about)}\n" if about else note


def _kind(kind: type[msgspec.Struct]) -> str:
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def _fields(kind: type[msgspec.Struct]) -> tuple[shapes.Field, ...]:
    info = shapes.type_info(kind)
    assert isinstance(info, shapes.StructType)
    return info.fields


def _default(field: shapes.Field) -> Any:
    if field.default is msgspec.NODEFAULT:
        return field.default_factory()
    return getattr(field.default, "value", field.default)


def _js(value: Any) -> str:
    return "new Uint8Array()" if value == b"" else json.dumps(value, ensure_ascii=False)


def _comment(kind: type) -> str:
    """A class without words of its own has those of its base, or of what made it."""
    said = kind.__doc__
    if not said or said in {base.__doc__ for base in kind.__mro__[1:]}:
        return ""
    return _as_comment(said) + "\n"


def _as_comment(said: str) -> str:
    lines = "\n * ".join(inspect.cleandoc(said).replace("*/", "* /").split("\n"))
    return f"/** {lines} */".replace(" * \n", " *\n")
