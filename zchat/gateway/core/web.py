"""What browsers ask of the web door over HTTP, and what they are answered. Every rule of that is
here: files, sockets, origins, and which status says what.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias

from websockets.http11 import Request  # Of the layer that does no I/O: a parsed head, no more.

from zchat.gateway.core import cookies
from zchat.protocol import limits
from zchat.protocol.messages import GoingAway, RefusalCode, Refused
from zchat.protocol.rules.networks import is_of_this_machine

Header: TypeAlias = tuple[str, str]

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"
)
_ALWAYS: Final[tuple[Header, ...]] = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
SOCKET_PATH: Final = "/socket/"
"""With the number of one of the browser's accounts: each has a cookie of its own."""

_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def is_http(first: int) -> bool:
    """By the first byte of a connection: a client of our own begins with a map of MessagePack."""
    return first in _LETTERS


class WebFile(NamedTuple):
    """One file of the page, as it is sent; `variants` are by content coding, "" for none."""

    kind: str
    variants: Mapping[str, bytes]
    tag: str
    """Another one for other content."""


@dataclass(frozen=True, slots=True)
class Site:
    """What is served at one address, and to whom."""

    files: Mapping[str, WebFile] = field(default_factory=dict)
    """By path."""
    origins: Collection[str] = ()
    """Origins of pages that may open a socket besides those that were loaded from here."""
    encrypted: bool = False


class Response(NamedTuple):
    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""

    def serialize(self, date: str, *, close: bool, bare: bool = False) -> bytes:
        """`bare` is without its body, as HEAD wants it."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", f"Date: {date}"]
        lines += [f"{name}: {value}" for name, value in (*_ALWAYS, *self.headers)]
        if self.status not in (204, 304):
            lines.append(f"Content-Length: {len(self.body)}")
        if close:
            lines.append("Connection: close")
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        return head if bare else head + self.body


class Opening(NamedTuple):
    """A socket is wanted, and may be had."""

    token: bytes
    """For a login that shows none."""
    cookie: str
    """What the browser is to keep."""


def refusal(status: int, why: str, *headers: Header) -> Response:
    """`why` is a sentence for whoever looks."""
    body = f"{why}.\n".encode()
    kind = ("Content-Type", "text/plain; charset=utf-8")
    return Response(status, (kind, ("Cache-Control", "no-store"), *headers), body)


def answer_to(request: Request, site: Site, fresh: bytes) -> Response | Opening:
    """`fresh` is a token that nobody has."""
    hosts = request.headers.get_all("Host")
    if len(hosts) > 1 or (not hosts and request.protocol == "HTTP/1.1"):
        return refusal(400, "A request names one host")
    path = request.path.partition("?")[0]
    if (account := _account(path)) is not None:
        return _answer_of_socket(request, site, account, fresh)
    if (file := site.files.get(path)) is None:
        return refusal(404, "There is nothing here")
    if request.method not in ("GET", "HEAD"):
        return refusal(405, "This can only be read", ("Allow", "GET, HEAD"))
    return _answer_with(file, request)


# --- Files ----------------------------------------------------------------------------------------


def _answer_with(file: WebFile, request: Request) -> Response:
    accepted = _accepted(",".join(request.headers.get_all("Accept-Encoding")))
    coding = next(
        (each for each in ("br", "gzip") if each in file.variants and each in accepted), ""
    )
    etag = f'"{file.tag}-{coding}"' if coding else f'"{file.tag}"'
    headers = [
        ("Content-Type", file.kind),
        ("ETag", etag),
        # Asked again each time, in a few hundred bytes: a page and its script are of one release.
        ("Cache-Control", "no-cache"),
        ("Vary", "Accept-Encoding"),
    ]
    known = ",".join(request.headers.get_all("If-None-Match")).split(",")
    if any(one.strip().removeprefix("W/") in (etag, "*") for one in known):
        return Response(304, tuple(headers))
    if coding:
        headers.append(("Content-Encoding", coding))
    return Response(200, tuple(headers), file.variants[coding])


def _accepted(text: str) -> set[str]:
    """The content codings that are not refused by a weight of zero."""
    accepted = set()
    for part in text.lower().split(","):
        coding, _, parameters = part.partition(";")
        weight = parameters.replace(" ", "").removeprefix("q=")
        if weight.strip("0.") or not parameters:
            accepted.add(coding.strip())
    return accepted


# --- Sockets --------------------------------------------------------------------------------------


def _account(path: str) -> int | None:
    """Which of the browser's accounts the path is about, if it is about any."""
    number = path.removeprefix(SOCKET_PATH)
    if number == path or not (len(number) == 1 and number in "0123456789"):
        return None
    return int(number)


def _answer_of_socket(
    request: Request, site: Site, account: int, fresh: bytes
) -> Response | Opening:
    if request.method not in ("GET", "DELETE"):
        return refusal(405, "A socket can be opened or forgotten", ("Allow", "GET, DELETE"))
    if request.method == "GET" and "Upgrade" not in request.headers:
        upgrade = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
        return refusal(426, "This is a WebSocket", *upgrade)
    origins = request.headers.get_all("Origin")
    origin = origins[0] if len(origins) == 1 else ""
    if not _is_welcome(origin, "".join(request.headers.get_all("Host")), site):
        return refusal(403, "Pages of another origin may not chat here; see web_origins")
    jar = cookies.Jar(origin, account)
    if request.method == "DELETE":
        forgotten = (("Set-Cookie", jar.removal), ("Cache-Control", "no-store"))
        return Response(204, forgotten)
    token = jar.token(request.headers.get_all("Cookie")) or fresh
    return Opening(token, jar.cookie(token))


def _is_welcome(origin: str, host: str, site: Site) -> bool:
    """Whether the page that asks was loaded from here, or from where it may be loaded.

    Without TLS a name proves nothing: any page can have its own name lead to this machine.
    """
    if origin in site.origins:
        return True
    scheme = "https" if site.encrypted else "http"
    if not host or origin != f"{scheme}://{host.lower()}":
        return False
    return site.encrypted or _names_this_machine(host.lower())


def _names_this_machine(host: str) -> bool:
    name = host.partition("]")[0][1:] if host[0] == "[" else host.partition(":")[0]
    return name == "localhost" or is_of_this_machine(name)


# --- Refusals -------------------------------------------------------------------------------------

_STATUSES: Final = {RefusalCode.TOO_FAST: 429, RefusalCode.TIMED_OUT: 408}


def answer_by(word: Refused | GoingAway) -> Response:
    """What the client would be told on a socket, for one that has none."""
    reason = word.reason[:1].upper() + word.reason[1:]
    if isinstance(word, GoingAway):
        return refusal(503, reason)
    headers: list[Header] = []
    if word.retry_after_ms:
        headers.append(("Retry-After", str(-(-word.retry_after_ms // 1000))))
    return refusal(_STATUSES.get(word.code, 503), reason, *headers)


def answer_to_garbage(head: bytes, *, too_long: bool) -> Response:
    """The head of a request that cannot be read."""
    if too_long or len(head) > limits.HTTP_HEAD_BYTES_MAX:
        most = limits.HTTP_HEAD_BYTES_MAX
        return refusal(431, f"A request has a head of up to {most} bytes")
    lower = head.lower()
    if b"\r\ncontent-length:" in lower or b"\r\ntransfer-encoding:" in lower:
        return refusal(413, "No request here has a body")
    return refusal(400, "This is not HTTP/1.1")
