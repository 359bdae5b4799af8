"""What a programmer does wrong is said in a sentence, and nobody waits for ever."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from zchat.client import Chat, InvalidRequest, connect
from zchat.protocol.messages import Post

from .fake_gateway import FakeGateway


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


USES: dict[str, Callable[[Chat], Any]] = {
    "say": lambda chat: chat.say("hi"),
    "rooms": lambda chat: chat.rooms(),
    "next": lambda chat: anext(chat.events()),
    "wait_for": lambda chat: chat.wait_for(bool),
    "quit": lambda chat: chat.quit(),
}


async def wait(anything: Any) -> Any:
    return await asyncio.wait_for(anything, 90)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_chat_that_was_not_entered(use: Callable[[Chat], Any]) -> None:
    with pytest.raises(RuntimeError, match=r"async with connect\(...\) as chat"):
        await wait(use(connect("ann", "127.0.0.1:1")))


async def test_a_chat_that_was_entered_twice(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        with pytest.raises(RuntimeError, match="entered before"):
            await chat.__aenter__()


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_chat_of_another_loop(gateway: FakeGateway, use: Callable[[Chat], Any]) -> None:
    errors: list[BaseException] = []

    def elsewhere() -> None:
        try:
            asyncio.run(wait(use(chat)))
        except RuntimeError as error:
            errors.append(error)

    async with connect("ann", gateway.address) as chat:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await asyncio.to_thread(thread.join)
        assert "run_coroutine_threadsafe" in str(errors[0])
        # It is as good as before.
        await chat.say("hello")


async def test_what_needs_no_loop_does_not_forget_it(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(chat.mark_read, "#lobby", 1)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda chat: chat.say(123), "a text is a str, and 123 is none"),
        (lambda chat: chat.say(None), "a text is a str, and None is none"),
        (lambda chat: chat.say(b"hi"), "a text is a str"),
        (lambda chat: chat.post(7, "hi"), "the name of a room is a str"),
        (lambda chat: chat.private(None, "hi"), "a name is a str"),
        (lambda chat: chat.post("ops", "hi", "2"), "Post cannot be sent so: .*reply_to"),
        (lambda chat: chat.edit("#ops", -1, "hi"), "EditMessage cannot be sent so: .*sequence"),
        (lambda chat: chat.edit("#ops", 2**60, "hi"), "EditMessage cannot be sent so"),
        (lambda chat: chat.react("#ops", 1.5, "+1"), "AddReaction cannot be sent so"),
        (lambda chat: chat.react("#ops", 1, None), "a text is a str, and None is none"),
        (lambda chat: chat.history(5), "a place is a str"),
        (lambda chat: chat.history("#ops", "x"), "a number of entries is an int"),
        (lambda chat: chat.history("#ops", 5, "x"), "ReadHistory cannot be sent so"),
        (lambda chat: chat.search("a", limit="x"), "a number of messages is an int"),
        (lambda chat: chat.join("ops", 5), "a key is a str"),
        (lambda chat: chat.register(12345678), "a password is a str"),
        (lambda chat: chat.create_app_token("x", ["fly"]), "scope"),
        (lambda chat: chat.configure("ops", slow_mode_s="x"), "slow"),
        (lambda chat: chat.submit("hi"), "str is no request"),
        (lambda chat: chat.topic("ops", "\ud800"), "must be valid UTF-8"),
        (lambda chat: chat.kick("ops", "bob", "\x07"), r"cannot hold U\+0007"),
    ],
)
async def test_wrong_values_are_said_and_cost_no_connection(
    gateway: FakeGateway, ask: Callable[[Any], Any], why: str
) -> None:
    async with connect("ann", gateway.address) as chat:
        with pytest.raises(InvalidRequest, match=why):
            await wait(ask(chat))
        assert chat.unanswered == 0
        await chat.say("hello")
    assert len(gateway.logins) == 1


@pytest.mark.parametrize("mark", [("#lobby", "1"), ("#lobby", -1), ("lobby", 1), (5, 1)])
async def test_a_wrong_marker_is_said_when_it_is_given(
    gateway: FakeGateway, mark: tuple[Any, Any]
) -> None:
    async with connect("ann", gateway.address) as chat:
        with pytest.raises(InvalidRequest):
            chat.mark_read(*mark)
        await chat.say("hello")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.0.0.1:99999", "nowhere", []])
async def test_no_address_is_said_before_it_is_tried(address: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"address"):
        async with connect("ann", address):
            pass


def test_logs_are_several() -> None:
    with pytest.raises(InvalidRequest, match="'#lobby' is one name"):
        connect("ann", logs="#lobby")


async def test_a_refused_value_takes_no_number(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        first = chat.send(Post(room="lobby", text="one"))
        with pytest.raises(InvalidRequest):
            chat.send(Post(room="lobby", text="two", reply_to=-1))
        assert chat.send(Post(room="lobby", text="three")) == first + 1
    assert gateway.server.texts("#lobby") == ["one", "three"]
