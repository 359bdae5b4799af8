"""`zchat-client`: to chat, in a terminal or a pipe, and the subcommands that scripts call."""

import importlib
import os
import sys
from typing import Any, Final, NoReturn

import click

from zchat.client.cli.options import access_of, access_options, json_option, user_name
from zchat.client.exit_codes import end_with
from zchat.runtime.options import ConfiguredCommand, WholeOutput

NOTIFYING: Final = ("auto", "desktop", "terminal", "bell", "off")
SUBCOMMANDS: Final = {
    "send": "Send a message to a room or a person.",
    "tail": "Print the newest messages, and with -f those that follow.",
    "history": "Print the last messages of a room or conversation.",
    "search": "Find messages by their words.",
    "rooms": "List the rooms.",
    "users": "List who is online.",
    "export": "Print all that can be read of a room or conversation.",
    "edit": "Edit a message.",
    "delete": "Delete a message.",
    "react": "React to a message.",
    "unreact": "Take a reaction back.",
    "pin": "Pin a message in a room.",
    "unpin": "Unpin a message in a room.",
    "create-room": "Create a room.",
    "join": "Join a room.",
    "leave": "Leave a room.",
    "topic": "Set the topic of a room.",
    "invite": "Invite somebody to a room.",
}
"""What each does."""
MODULES: Final = {
    **{name: name for name in ("send", "tail")},
    **dict.fromkeys(("history", "search", "rooms", "users", "export"), "queries"),
    **dict.fromkeys(("edit", "delete", "react", "unreact", "pin", "unpin"), "commands"),
    **dict.fromkeys(("create-room", "join", "leave", "topic", "invite"), "commands"),
}
"""By subcommand: its module in `zchat.client.cli`, which is loaded when it is asked for."""

HELP: Final = """Chat as USER in a zchat cluster, or run one of the COMMANDS below for scripts.

On a terminal it fills the screen; F1 shows all keys. With --line there is a prompt: text goes to
everyone in the lobby, and :help lists the commands. Without a terminal lines are read from standard
input, and the end of it is :quit.

The password of a registered name comes from --password-file, from ZCHAT_PASSWORD, or is asked for
on a terminal. It is needed once: from then on this device is remembered, until :logout, --forget,
or a :revoke elsewhere. A bot logs in with an app token, from --token-file or ZCHAT_TOKEN.

\b
Examples:
  zchat-client ann
  zchat-client send -u ann ops "the backup is done"
  zchat-client tail -u ann -f ops
  zchat-client COMMAND --help

\b
Exit codes:
    0  all that was said is confirmed
    1  a message or command was refused
    2  wrong usage
    3  could not connect, or the login was refused
    4  the end came with unconfirmed messages
    5  of COMMANDS: refused for now; the same may be taken later
  130  interrupted
"""


# --- To chat --------------------------------------------------------------------------------------


def run(
    user: str,
    *,
    named: str | None,
    line: bool,
    plain: bool,
    notify: str,
    forget: bool,
    **given: Any,
) -> NoReturn:
    access = access_of(user, **given)
    # On a dumb terminal nothing can be drawn, and no line rewritten.
    plain = plain or (os.environ.get("TERM") == "dumb" and not line)

    def work() -> int:
        # Each is imported where it is chosen, since importing all of them takes longer than a
        # login.
        if forget:
            from zchat.client.cli.forget import forget_login  # noqa: PLC0415

            return forget_login(access)
        if sys.stdin.isatty() and sys.stdout.isatty() and not (line or plain):
            from zchat.client import tui  # noqa: PLC0415

            return tui.start(access, notify)
        from zchat.client.line.startup import chat_by_lines  # noqa: PLC0415

        return chat_by_lines(access, is_plain=plain)

    end_with(work)


# --- The entry point ------------------------------------------------------------------------------


def _user(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The name of the user: the argument or --user, which must agree, or else the environment."""
    named = ctx.params.get("named")
    if named is not None:
        by_argument = ctx.get_parameter_source("user") is click.core.ParameterSource.COMMANDLINE
        if by_argument and value != named:
            raise click.UsageError(f"are you {value} or {named}? Give one name", ctx)
        value = named
    return user_name(ctx, parameter, value)


class Chatting(ConfiguredCommand):
    """The program without a subcommand; its page of help is that of the whole program."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        # It is a subcommand for click, but no word of the command line calls it: messages and the
        # page of help have the name of the program alone.
        program = info_name if parent is None else parent.info_name
        return super().make_context(program, args, None, **extra)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


class Client(WholeOutput, click.Group):
    """Takes options before and after the subcommand; a first word that is no subcommand is a
    user."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        module = importlib.import_module(f"zchat.client.cli.{MODULES[cmd_name]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        words = parser.parse_args(list(args))[1]
        before = args[: len(args) - len(words)]
        if ctx.resilient_parsing and not words:
            # A shell asks what may come next: options of the program, and subcommands.
            return super().parse_args(ctx, args)
        if words and words[0] in SUBCOMMANDS and before[-1:] != ["--"]:
            ctx.args = [words[0], *before, *words[1:]]
        else:
            ctx.args = [CHAT, *args]
        return ctx.args

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == CHAT:
            return CHAT, chatting, args[1:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        name, command, args = self.resolve_command(ctx, ctx.args)
        assert command is not None
        with command.make_context(name, args, parent=ctx) as sub_context:
            return command.invoke(sub_context)


CHAT: Final = ""
"""The subcommand where none is given."""

_USER_OPTION: Final = click.Option(
    ["-u", "--user", "named"],
    # Eager, so that it is known when the argument is looked at.
    is_eager=True,
    help="The same as USER, also where USER is the name of a command.",
    metavar="NAME",
)

chatting: Final = Chatting(
    "zchat-client",
    params=[
        click.Argument(
            ["user"], required=False, envvar="ZCHAT_USER", callback=_user, metavar="USER"
        ),
        _USER_OPTION,
        click.Option(
            ["--line"], is_flag=True, help="On a terminal, a prompt in place of a full screen."
        ),
        click.Option(
            ["--plain"],
            is_flag=True,
            help="On a terminal, plain lines and nothing else, as a screen reader likes them.",
        ),
        click.Option(
            ["--notify"],
            type=click.Choice(NOTIFYING),
            default="auto",
            envvar="ZCHAT_NOTIFY",
            help="How a full screen tells of mentions and private messages; auto is the best of "
            "what there is.",
            show_default=True,
            show_envvar=True,
        ),
        *access_options(),
        click.Option(
            ["--register"],
            is_flag=True,
            help="Make a new account of the name; on a terminal the password is asked for.",
        ),
        click.Option(
            ["--invitation"],
            default="",
            envvar="ZCHAT_INVITATION",
            help="To register where that takes an invitation.",
            hide_input=True,
            metavar="CODE",
            show_envvar=True,
        ),
        click.Option(
            ["--forget"],
            is_flag=True,
            help="Log this device out, remove its token, and exit.",
        ),
    ],
    callback=run,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)

main: Final = Client(
    "zchat-client",
    params=[
        *(parameter for parameter in chatting.params if isinstance(parameter, click.Option)),
        json_option(),
    ],
    add_help_option=False,
)
