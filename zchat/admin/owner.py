"""What root does in the name of whom a folder belongs to."""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Root does all within as the folder's owner, to whom files of root would be of no use.

    Others do it as themselves. A folder that is not there yet is whose the nearest one above it is.
    No right of root is left meanwhile, so that links which the owner has put there lead nowhere.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    owner = there.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
