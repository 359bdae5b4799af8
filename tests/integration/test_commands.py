"""Every line of the command table, entered in the real client against a real cluster."""

import re

import pytest

from testbed.cluster import Cluster
from testbed.people import new_name
from zchat.protocol import limits

from .lines import Program, TerminalProgram

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"
TIME = r"^\d\d:\d\d "


async def test_text_goes_to_everyone(shared_cluster: Cluster) -> None:
    ann, bob = new_name("ann"), new_name("bob")
    async with Program(shared_cluster, ann) as one, Program(shared_cluster, bob) as two:
        await one.shows(f"you are {ann} .a guest; :register keeps the name.")
        await two.shows(f"you are {bob}")
        await one.say("hello, all", f"{TIME}{ann}: hello, all$")
        await two.shows(f"{TIME}{ann}: hello, all$")
        await two.say("::smile", f"{TIME}{bob}: :smile$")
        await one.shows(f"{TIME}{bob}: :smile$")


async def test_a_private_message_is_seen_by_two(shared_cluster: Cluster) -> None:
    ann, bob, eve = (new_name(name) for name in ("ann", "bob", "eve"))
    async with (
        Program(shared_cluster, ann) as one,
        Program(shared_cluster, bob) as two,
        Program(shared_cluster, eve) as third,
    ):
        await two.shows(f"you are {bob}")
        await third.shows(f"you are {eve}")
        await one.say(f":pm {bob} psst", rf"{TIME}\[you -> {bob}\] psst$")
        await two.shows(rf"{TIME}\[{ann} -> you\] psst$")
        # What is said to all comes later than what was not said to her.
        await one.say("aloud", f"{ann}: aloud$")
        await third.shows(f"{ann}: aloud$")
        assert "psst" not in third.output


async def test_a_private_message_waits_for_an_account_that_is_away(
    shared_cluster: Cluster,
) -> None:
    ann, bob = new_name("ann"), new_name("bob")
    async with Program(shared_cluster, bob) as away:
        await away.say(f":register {PASSWORD}", "your name is registered")
        await away.say(":quit")
        assert await away.exit_code() == 0
    async with Program(shared_cluster, ann) as one:
        await one.say(f":pm {bob} for later", rf"\[you -> {bob}\] for later$")
    async with Program(shared_cluster, bob, environment={"ZCHAT_PASSWORD": PASSWORD}) as back:
        await back.shows(
            f"you are {bob} .registered.", "missed line", rf"\[{ann} -> you\] for later$"
        )


async def test_users_are_listed(shared_cluster: Cluster) -> None:
    ann, bob = new_name("ann"), new_name("bob")
    async with Program(shared_cluster, ann) as one, Program(shared_cluster, bob) as two:
        await two.say(f":register {PASSWORD}", "your name is registered")
        await one.say(
            ":users",
            r"^name +since +idle$",
            rf"^{ann} +guest +\d\d:\d\d$",
            rf"^{bob} +\d\d:\d\d$",
        )


async def test_the_life_of_a_room(shared_cluster: Cluster) -> None:
    ann, bob, den = new_name("ann"), new_name("bob"), new_name("den")
    async with Program(shared_cluster, ann) as one, Program(shared_cluster, bob) as two:
        await two.shows(f"you are {bob}")
        await one.say(f":cr {den}", f"you created #{den}$", f"you opened the room #{den}$")
        await two.shows(rf"{ann} opened the room #{den} \(:jr {den}\)$")
        await two.say(f":rm {den} too early", f"^! you are not in {den}; join it first$")
        await two.say(f":jr {den}", f"you joined #{den}$")
        await one.shows(f"{bob} joined #{den}$")
        await one.say(f":rm {den} to the few", f"{TIME}#{den} {ann}: to the few$")
        await two.shows(f"{TIME}#{den} {ann}: to the few$")
        await two.say(f":topic {den}", rf"^#{den}: \(no topic\)$")
        await one.say(f":topic {den} all of it", f"#{den} you set the topic to: all of it$")
        await two.shows(f"#{den} {ann} set the topic to: all of it$")
        await two.say(f":topic {den}", f"^#{den}: all of it$")
        await one.say(":lrs", rf"^\* #{den} +2( +\d+)? +all of it$", r"^\* #lobby +everyone")
        await two.say(f":lru {den}", f"^in #{den}$", rf"^{ann} +\w+ +owner$", rf"^{bob} +\w+$")
        await two.say(f":lr {den}", f"you left #{den}$")
        await one.shows(f"{bob} left #{den}$")
        await two.say(":lrs", rf"^  #{den} +1 +all of it$")
        await one.say(f":rm {den} alone now", f"{ann}: alone now$")
        await two.say("is anybody here?", f"{bob}: is anybody here\\?$")
        assert "alone now" not in two.output


async def test_history_is_shown(shared_cluster: Cluster) -> None:
    ann, bob, den = new_name("ann"), new_name("bob"), new_name("den")
    async with Program(shared_cluster, bob) as two, Program(shared_cluster, ann) as one:
        await two.shows(f"you are {bob}")
        await one.say(f":cr {den}", f"you created #{den}")
        for number in range(3):
            await one.say(f":rm {den} line {number}", f"line {number}$")
        await one.say(f":pm {bob} between us", "between us$")
        await one.say(f":history {den} 2", f"— the last 2 in #{den} —", "line 1\n.*line 2\n— end —")
        await one.say(f":history {bob}", f"— the last 1 in what you and {bob} said —", "between us")
        await one.say("in the lobby", f"{ann}: in the lobby$")
        await one.say(":history 1", "the last 1 in #lobby", f"{ann}: in the lobby\n— end —")


async def test_the_rest_of_the_table(shared_cluster: Cluster) -> None:
    ann = new_name("ann")
    async with Program(shared_cluster, ann) as one:
        times = [rf"^{name} +\d+\.\d ms$" for name in ("gateway", "user-service", "room-service")]
        await one.say(":ping", *times)
        await one.say(":whoami", rf"^\* you are {ann} \(a guest; :register keeps the name\)$")
        await one.say(":help", "^:pm <name> <message> +Send", "^:quit +Quit")
        await one.say(":help jr", r"^:jr <room> \[key\]\nJoin a room.$")
        await one.say(f":register {PASSWORD}", "your name is registered")
        await one.say(":whoami", rf"^\* you are {ann} \(registered\)$")
        # What was said last is confirmed before the goodbye.
        one.write("last words\n:quit\n")
        assert await one.exit_code() == 0
        assert f"{ann}: last words" in one.output


async def test_a_script_pipes_its_lines_and_gets_its_answers(shared_cluster: Cluster) -> None:
    ann, den = new_name("ann"), new_name("den")
    async with Program(shared_cluster, ann) as script:
        script.write(f":cr {den}\n" + "".join(f":rm {den} number {n}\n" for n in range(500)))
        script.end_input()
        assert await script.exit_code() == 0
    said = re.findall(rf"#{den} {ann}: number (\d+)$", script.output, re.MULTILINE)
    assert said == [str(n) for n in range(500)]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (":topics", "there is no command ':topics'; did you mean :topic <room> [text]?"),
        (":xyzzy", "there is no command ':xyzzy'. :help lists them all."),
        (":pm", ":pm: the user name is missing. Usage: :pm <name> <message>"),
        (":pm ann", ":pm: the message is missing. Usage: :pm <name> <message>"),
        (":cr", ":cr: the room name is missing. Usage: :cr <room>"),
        (":cr two words", ":cr: a new room is public, or private; 'words' is neither."),
        (":jr no/such", "is no name: use letters, digits,"),
        (":jr " + "x" * 33, "a name has at most 32 characters"),
        (":pm nobody-was-called-so hi", "there is no user nobody-was-called-so"),
        (":jr nowhere", "there is no room nowhere"),
        (":lr nowhere", "there is no room nowhere"),
        (":lru nowhere", "there is no room nowhere"),
        (":lr lobby", "everyone is in the lobby, always"),
        (":cr lobby", "there is a room lobby already; join it"),
        (":register short", ":register: a password has 8 to 256 characters"),
        (":history lobby many", "'many' is not a number of messages"),
        ("x" * (limits.TEXT_CHARS_MAX + 1), "a message has at most 16,000 characters"),
    ],
    ids=lambda text: text[:20].replace(" ", "_"),
)
async def test_a_mistake_gets_one_clear_line(
    shared_cluster: Cluster, line: str, answer: str
) -> None:
    async with Program(shared_cluster, new_name()) as program:
        await program.shows("you are")
        await program.say(line, rf"^! .*{re.escape(answer)}")
        await program.say(":quit")
        # A script can tell.
        assert await program.exit_code() == 1
    assert len(re.findall(r"^! ", program.output, re.MULTILINE)) == 1
    assert "Traceback" not in program.output


async def test_a_login_that_is_refused_says_why(shared_cluster: Cluster) -> None:
    ann = new_name("ann")
    async with Program(shared_cluster, ann) as first:
        await first.shows(f"you are {ann}")
        async with Program(shared_cluster, ann) as second:
            assert await second.exit_code() == 3
            assert f"somebody is here as {ann}; choose another name" in second.output
        await first.say(f":register {PASSWORD}", "your name is registered")
        async with Program(shared_cluster, ann) as without:
            assert await without.exit_code() == 3
            assert "its password is needed; give it with --password-file or" in without.output
        wrong = {"ZCHAT_PASSWORD": "wrong password"}
        async with Program(shared_cluster, ann, environment=wrong) as third:
            assert await third.exit_code() == 3
            assert "name or password is wrong" in third.output
        right = shared_cluster.folder / "password"
        right.write_text(PASSWORD + "\n")
        async with Program(shared_cluster, ann, "--password-file", str(right)) as again:
            await again.shows(f"you are {ann} .registered.")
        await first.say("undisturbed", "undisturbed$")
    async with Program(shared_cluster, "no/name") as wrong_usage:
        assert await wrong_usage.exit_code() == 2


async def test_on_a_terminal_there_is_a_prompt(shared_cluster: Cluster) -> None:
    ann, bob, den = new_name("ann"), new_name("bob"), new_name("den")
    async with TerminalProgram(shared_cluster, ann) as one, Program(shared_cluster, bob) as two:
        await one.shows(f"you are {ann}", "^>")
        await two.shows(f"you are {bob}")
        await one.say("hello", f"{ann}: hello$")
        await two.shows(f"{ann}: hello$")
        # Somebody else's line stands above the prompt and what is half typed there.
        await one.type("half ", "half")
        await two.say("in between", f"{bob}: in between$")
        await one.shows(f"{bob}: in between$")
        await one.say("and half", f"{ann}: half and half$")
        # Commands and rooms are completed.
        await one.type(":whoa\t", "mi")
        await one.say("", f"you are {ann} .a guest")
        await two.say(f":cr {den}", f"you created #{den}$")
        await one.shows(f"opened the room #{den}")
        await one.type(f":jr {den[:6]}\t", den[6:])
        await one.say("", f"you joined #{den}")
        # A password is asked for twice, and not shown.
        await one.say(":register", "New password, 8 or more")
        await one.say(PASSWORD, "Once more:")
        # Between two prompts the terminal, and not the client, would take the end of input.
        await one.say(PASSWORD, "your name is registered", "^>")
        assert PASSWORD not in one.output
        one.write("\x04")
        assert await one.exit_code() == 0


async def test_on_a_terminal_the_password_is_asked_for(shared_cluster: Cluster) -> None:
    ann = new_name("ann")
    async with Program(shared_cluster, ann) as guest:
        await guest.say(f":register {PASSWORD}", "your name is registered")
    async with TerminalProgram(shared_cluster, ann) as account:
        await account.shows(f"Password of {ann}: ")
        await account.say(PASSWORD, f"you are {ann} .registered.")
        await account.say(":quit")
        assert await account.exit_code() == 0
        assert PASSWORD not in account.output
