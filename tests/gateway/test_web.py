"""What browsers ask of the web door and are answered: files, sockets, origins, cookies."""

import base64
from pathlib import Path
from typing import Any

import msgpack
import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from zchat.gateway.core.cookies import Jar, with_token
from zchat.gateway.core.web import (
    CONTENT_SECURITY_POLICY,
    Opening,
    Response,
    Site,
    WebFile,
    answer_by,
    answer_to,
    answer_to_garbage,
    is_http,
)
from zchat.gateway.doors import read_files
from zchat.protocol import limits
from zchat.protocol.messages import GoingAway, RefusalCode, Refused

FRESH = b"f" * limits.TOKEN_BYTES
KEPT = b"k" * limits.TOKEN_BYTES
SCRIPT = WebFile("text/javascript", {"": b"whole", "br": b"brotli", "gzip": b"zipped"}, "tag")
SITE = Site({"/app.js": SCRIPT})
HOST = "localhost:7447"
UPGRADE = {"Upgrade": "websocket", "Origin": f"http://{HOST}"}


def ask(path: str, site: Site = SITE, method: str = "GET", **headers: Any) -> Response | Opening:
    wanted = {"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = Headers()
    for name, values in wanted.items():
        for value in [values] if isinstance(values, str) else values:
            sent[name] = value
    return answer_to(Request(path, sent, method), site, FRESH)


def get(path: str, site: Site = SITE, method: str = "GET", **headers: Any) -> Response:
    answer = ask(path, site, method, **headers)
    assert isinstance(answer, Response)
    return answer


def opened(path: str = "/socket/0", site: Site = SITE, **headers: Any) -> Opening:
    answer = ask(path, site, **{**UPGRADE, **headers})
    assert isinstance(answer, Opening)
    return answer


# --- The first byte -------------------------------------------------------------------------------


def test_a_letter_is_http_and_no_map_of_msgpack_begins_with_one() -> None:
    maps = {*range(0x80, 0x90), 0xDE, 0xDF}
    letters = set(b"GETPUTHEADDELETEOPTIONSconnect")
    assert all(map(is_http, letters))
    assert not any(map(is_http, maps))
    assert {packed[0] for packed in map(msgpack.packb, ({}, {"kind": 1}))} <= maps


# --- Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br;q=0.0,gzip;q=0", ""),
        ("BR ; q=1", "br"),
        ("identity, *;q=0", ""),
    ],
)
def test_a_file_comes_in_the_shortest_form_that_the_browser_takes(
    accepted: str, coding: str
) -> None:
    answer = get("/app.js?x", Accept_Encoding=accepted)
    assert (answer.status, answer.body) == (200, SCRIPT.variants[coding])
    headers = dict(answer.headers)
    assert headers.get("Content-Encoding", "") == coding
    assert headers["ETag"] == ('"tag"' if not coding else f'"tag-{coding}"')
    assert headers["Vary"] == "Accept-Encoding"


def test_what_the_browser_has_is_not_sent_again() -> None:
    for known in ('"tag-br"', '"other", W/"tag-br"', "*"):
        answer = get("/app.js", Accept_Encoding="br", If_None_Match=known)
        assert (answer.status, answer.body) == (304, b"")
        assert dict(answer.headers)["ETag"] == '"tag-br"'
    # In another form it is another thing.
    assert get("/app.js", If_None_Match='"tag-br"').status == 200


def test_files_are_read_and_nothing_else_is_there() -> None:
    head = get("/app.js", method="HEAD").serialize("now", close=False, bare=True)
    assert head.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Length: 5\r\n" in head
    assert get("/app.js", method="POST").status == 405
    for path in ("/", "/app.js.br", "/../app.js", "//app.js", "/socket/10", "/socket/", "*"):
        assert get(path).status == 404, path


def test_each_answer_says_what_a_page_may_do() -> None:
    for answer in (get("/app.js"), get("/nothing"), get("/socket/0")):
        text = answer.serialize("Mon, 30 Nov 2026 19:37:50 GMT", close=True)
        assert f"\r\nContent-Security-Policy: {CONTENT_SECURITY_POLICY}\r\n".encode() in text
        for line in (
            b"X-Content-Type-Options: nosniff",
            b"Cross-Origin-Opener-Policy: same-origin",
            b"Referrer-Policy: no-referrer",
            b"Connection: close",
        ):
            assert b"\r\n" + line + b"\r\n" in text


def test_a_request_names_one_host() -> None:
    assert get("/app.js", Host=[HOST, HOST]).status == 400
    assert get("/app.js", Host=[]).status == 400


def test_a_folder_is_read_as_it_was_built(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("page")
    (tmp_path / "index.html.br").write_bytes(b"short")
    (tmp_path / "notes.secret").write_text("not for anybody")
    (tmp_path / "js.js").mkdir()
    files = read_files(tmp_path)
    assert set(files) == {"/", "/index.html"}
    assert files["/"].variants == {"": b"page", "br": b"short"}
    (tmp_path / "index.html.br").write_bytes(b"other")
    assert read_files(tmp_path)["/"].tag != files["/"].tag
    assert read_files(tmp_path / "none") == {}


# --- Sockets --------------------------------------------------------------------------------------


def test_a_socket_has_a_token_that_stays() -> None:
    first = opened()
    assert first.token == FRESH
    assert first.cookie.startswith("zchat-0-7447=")
    assert "; HttpOnly; SameSite=Strict" in first.cookie
    assert "Secure" not in first.cookie
    pair = first.cookie.partition(";")[0]
    again = opened(Cookie=f"other=1; {pair}")
    # Another one would have been drawn meanwhile.
    assert again == Opening(FRESH, first.cookie)
    assert opened(Cookie=[f"a={pair}", "zchat-0-7447=short", pair]).token == FRESH


def test_each_account_has_a_token_of_its_own() -> None:
    jar = Jar(f"http://{HOST}", 3)
    kept = jar.cookie(KEPT).partition(";")[0]
    assert opened("/socket/3", Cookie=kept).token == KEPT
    assert opened("/socket/4", Cookie=kept).token == FRESH


def test_with_tls_nobody_else_of_the_domain_can_set_it() -> None:
    site = Site(encrypted=True)
    cookie = opened(site=site, Host="chat.example", Origin="https://chat.example").cookie
    assert cookie.startswith("__Host-zchat-0=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")


def test_a_cookie_is_forgotten_when_its_page_says_so() -> None:
    answer = get("/socket/2", method="DELETE", Origin=f"http://{HOST}")
    assert answer.status == 204
    assert dict(answer.headers)["Set-Cookie"].startswith("zchat-2-7447=; Max-Age=0; Path=/;")
    assert get("/socket/2", method="DELETE", Origin="http://evil.example").status == 403
    assert get("/socket/2", method="DELETE").status == 403
    assert get("/socket/2", method="POST").status == 405


LISTED = ("https://chat.example",)


@pytest.mark.parametrize(
    ("host", "origin", "encrypted", "welcome"),
    [
        ("127.0.0.1:7447", "http://127.0.0.1:7447", False, True),
        ("[::1]:7447", "http://[::1]:7447", False, True),
        ("Localhost:7447", "http://localhost:7447", False, True),
        ("localhost:7447", "http://localhost:7448", False, False),
        ("localhost:7447", "https://localhost:7447", False, False),
        ("localhost:7447", "http://localhost", False, False),
        ("localhost:7447", "null", False, False),
        ("localhost:7447", "", False, False),
        # Whose name leads here is none of ours.
        ("evil.example:7447", "http://evil.example:7447", False, False),
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example", False, False),
        ("10.0.0.5:7447", "http://10.0.0.5:7447", False, False),
        ("chat.example", "https://chat.example", True, True),
        ("chat.example", "http://chat.example", True, False),
        ("chat.example", "https://chat.example:443", True, False),
        ("chat.example:8443", "https://chat.example:8443", True, True),
        ("anything", LISTED[0], False, True),
        ("anything", LISTED[0] + ".evil", False, False),
    ],
)
def test_a_page_may_chat_where_it_was_loaded_from(
    host: str, origin: str, encrypted: bool, welcome: bool
) -> None:
    site = Site({}, LISTED, encrypted)
    answer = ask("/socket/0", site, Host=host, Upgrade="websocket", Origin=origin or [])
    assert isinstance(answer, Opening) is welcome
    if isinstance(answer, Response):
        assert answer.status == 403


def test_two_origins_are_none() -> None:
    origin = UPGRADE["Origin"]
    assert get("/socket/0", Upgrade="websocket", Origin=[origin, origin]).status == 403


def test_without_a_handshake_a_socket_is_no_page() -> None:
    assert get("/socket/0").status == 426


# --- Tokens ---------------------------------------------------------------------------------------


def test_a_login_that_shows_no_token_gets_that_of_the_cookie() -> None:
    frame = msgpack.packb({"kind": "log_in", "id": 1, "name": "änn", "cursors": {"#a": 2**40}})
    read = msgpack.unpackb(with_token(frame, KEPT))
    assert read == {**msgpack.unpackb(frame), "token": KEPT}


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "log_in", "id": 1, "name": "ann", "token": FRESH},
        {"kind": "post", "id": 1, "text": "log_in"},
        {"kind": ["log_in"]},
        ["log_in"],
        "log_in",
    ],
)
def test_nothing_else_is_changed(message: object) -> None:
    frame = msgpack.packb(message)
    assert with_token(frame, KEPT) is frame


@pytest.mark.parametrize("frame", [b"\xa6log_in\xc1", b"\x91" * 5_000 + b"\xa6log_in", b"\xd9\x06"])
def test_what_cannot_be_read_is_left_to_whoever_reads_it_next(frame: bytes) -> None:
    assert with_token(frame, KEPT) == frame


def test_only_a_whole_token_is_one() -> None:
    jar = Jar("https://chat.example", 0)
    whole = base64.urlsafe_b64encode(KEPT).decode().rstrip("=")
    assert jar.token([f"__Host-zchat-0={whole}"]) == KEPT
    for value in ("", whole[:-1], whole + "=", whole + "A", whole[:-1] + "!", "ä" * 43, whole * 2):
        assert jar.token([f"__Host-zchat-0={value}"]) is None, value
    assert jar.token([f"zchat-0={whole}"]) is None


# --- Refusals -------------------------------------------------------------------------------------


def test_what_a_client_would_be_told_is_said_by_a_status() -> None:
    fast = answer_by(Refused(None, RefusalCode.TOO_FAST, "too fast", 1_001))
    assert (fast.status, dict(fast.headers)["Retry-After"], fast.body) == (429, "2", b"Too fast.\n")
    assert answer_by(Refused(None, RefusalCode.TIMED_OUT, "late")).status == 408
    assert answer_by(Refused(None, RefusalCode.LIMIT_REACHED, "full")).status == 503
    assert answer_by(GoingAway("this gateway stops")).status == 503


def test_what_cannot_be_read_is_told_apart() -> None:
    body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
    assert answer_to_garbage(body, too_long=False).status == 413
    assert answer_to_garbage(b"HELO there\r\n\r\n", too_long=False).status == 400
    assert answer_to_garbage(b"", too_long=True).status == 431
    assert answer_to_garbage(b"x" * 20_000, too_long=False).status == 431
