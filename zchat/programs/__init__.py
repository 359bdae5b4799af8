"""Entry points: the function behind each command that is installed.

A client may be installed without the libraries of servers. So a program imports its module when it
is called, and says in a sentence which library is missing.
"""

import contextlib
import gc
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Final

_SERVER: Final = "zchat[server]"


def _run(program: str, module: str) -> None:
    try:
        with _without_garbage():
            main = import_module(module).main
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in {"", "zchat"}:
            raise  # A mistake of ours, and nothing that could be installed.
        sys.exit(
            f"{program} needs {library}, which is not installed here: what runs a cluster comes "
            f"with pip install '{_SERVER}'"
        )
    main()


@contextlib.contextmanager
def _without_garbage() -> Iterator[None]:
    """For imports: what they make stays. To look for garbage in it is a fifth of their time."""
    gc.disable()
    try:
        yield
    finally:
        if sys.implementation.name == "cpython":
            # Or all of it would be looked through as soon as garbage is looked for again.
            gc.freeze()
        gc.enable()


gateway = partial(_run, "zchat-gateway", "zchat.gateway.process")
router = partial(_run, "zchat-router", "zchat.router.process")
user_service = partial(_run, "zchat-user-service", "zchat.users.process")
room_service = partial(_run, "zchat-room-service", "zchat.rooms.process")
client = partial(_run, "zchat-client", "zchat.programs.client_entry")
admin = partial(_run, "zchat-admin", "zchat.admin.cli")
reviver = partial(_run, "zchat-reviver", "zchat.admin.reviver")
up = partial(_run, "zchat-up", "zchat.admin.up")
