"""What supervisord does before it starts anything: a plug-in of it, named in procfiles/*.conf.

In the foreground supervisord has the umask of whoever starts it, and in the background it opens its
first log before it sets its own. It looks for programs in PATH, which may be missing.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from zchat.process import close_to_others


class Nothing:
    """A plug-in has to add something that one can call from outside; this one does not."""


def begin(supervisord: Any) -> Nothing:
    """Keeps all in `var` from other users, and finds the programs beside supervisord's Python."""
    os.umask(0o077)
    log = logging.getLogger("zchat.supervisord")
    log.addHandler(_Passing(supervisord.options.logger))
    # Beside the folder of the conf file, as that has it.
    var = Path(supervisord.options.here).parent / "var"
    close_to_others(var, log)
    for path in var.iterdir():
        # Logs of a cluster that was there before.
        if path.is_file() and not path.is_symlink():
            close_to_others(path, log)
    # Those of an activated environment come first.
    programs = [os.environ.get("PATH", ""), os.path.dirname(sys.executable)]  # noqa: PTH120
    os.environ["PATH"] = os.pathsep.join(filter(None, programs))
    return Nothing()


class _Passing(logging.Handler):
    """Hands our log lines to the logger of supervisord, which is of another kind."""

    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.warn(record.getMessage())
