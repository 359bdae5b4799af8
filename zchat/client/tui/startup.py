"""Opens the screen: at once with what an earlier run has cached, or after the login."""

import asyncio
import os
from datetime import datetime
from typing import NoReturn

from zchat.client import exit_codes
from zchat.client.auth.access import Access
from zchat.client.auth.clusters import identify
from zchat.client.auth.login import Login, log_in
from zchat.client.core.events import Event, SessionBegun
from zchat.client.model.book import Book
from zchat.client.model.conversation import Kept
from zchat.client.model.entries import HIGHLIGHT_SETTING, split_words
from zchat.client.sdk.chat import Chat, UnconfirmedError
from zchat.client.storage import config
from zchat.client.storage.cache import Cache
from zchat.client.storage.log_files import LogFiles
from zchat.client.tui.notifications import How, best


def open_screen(access: Access, notify: str) -> int:
    how = best(os.environ) if notify == "auto" else How(notify)
    cluster, unknown = _cluster_of(access)
    cache = Cache(access.user, access.addresses, cluster=cluster)
    settings = config.read()
    log_files = None
    if settings.log_folder is not None:
        log_files = LogFiles(settings.log_folder, access.user, access.addresses, cluster=cluster)
    try:
        kept = cache.load()
        # Whoever was here before sees the cache without waiting for the server. Others may have to
        # be asked for a password first, and have nothing to look at until they are logged in.
        been_here = bool(kept.cursors)
        if unknown is not None and not been_here:
            raise unknown

        async def use(chat: Chat, login: Login) -> int:
            return await _show(chat, login, cache, kept, how, settings, log_files)

        return log_in(access, use, at_once=been_here, mark_read=False, cursors=kept.cursors)
    finally:
        if log_files is not None:
            log_files.close()
        cache.close()


def _cluster_of(access: Access) -> tuple[str, exit_codes.Failed | None]:
    """The id of the cluster behind the address; or an empty one, and why it is not known."""
    try:
        return identify(access, needed=True).id, None
    except exit_codes.Failed as failed:
        return "", failed


async def _show(
    chat: Chat,
    login: Login,
    cache: Cache,
    kept: Kept,
    how: How,
    settings: config.Config,
    log_files: LogFiles | None,
) -> int:
    """Raises what ended the session, once the terminal is as it was before."""
    from zchat.client.text.renderer import Renderer  # noqa: PLC0415
    from zchat.client.tui.app import ScreenClient  # noqa: PLC0415
    from zchat.client.tui.driver import HangUpDriver  # noqa: PLC0415

    chosen = split_words(cache.settings().get(HIGHLIGHT_SETTING, ""))
    book = Book(chat.name, [*settings.highlight, *chosen])
    book.restore(kept)

    def seen(event: Event) -> None:
        if isinstance(event, SessionBegun):
            login.remember(chat)

    render = Renderer(chat.name, datetime.now().astimezone().date(), None, colour=False)
    app = ScreenClient(
        chat,
        book,
        cache,
        render,
        forget=login.forget,
        seen=seen,
        how=how,
        first_time=not kept.cursors,
        driver=HangUpDriver,
        config=settings,
        log_files=log_files,
    )
    app.gc_policy.begin()
    told = exit_codes.told_to_leave()
    running = asyncio.create_task(app.run_async())
    leaving = asyncio.create_task(told.wait())
    await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        # As when the user quits: nothing else does it on this way out.
        app.keep()
        if not os.isatty(exit_codes.STDIN):
            await _end_without_terminal(chat, cache)
        app.exit(0)
        await running
        await chat.quit(exit_codes.SIGNAL_QUIT_TIMEOUT_S)
    leaving.cancel()
    code = running.result()
    if app.over is not None:
        raise app.over
    return code or 0


async def _end_without_terminal(chat: Chat, cache: Cache) -> NoReturn:
    """Ends the process at once: without a terminal Textual would wait for ever for its thread that
    reads keys."""
    code = 0
    try:
        await chat.quit(exit_codes.SIGNAL_QUIT_TIMEOUT_S)
    except UnconfirmedError:
        code = exit_codes.UNCONFIRMED
    cache.close()
    os._exit(code)
