"""Hashes and checks passwords in a small thread pool, away from the beat."""

import contextlib
import queue
import socket
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from zchat.service.core.beat import Job

# OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def outcome_of(job: Job) -> bool | str:
    """Whether the password is right, or the hash of a new one. Takes about 20 ms."""
    if job.password_hash is None:
        return hashed(job.password)
    try:
        return _hasher.verify(job.password_hash, job.password)
    except (VerificationError, InvalidHashError):
        return False


def hashed(password: str) -> str:
    return _hasher.hash(password)


class PasswordPool:
    """Runs jobs on `threads` threads; `fd` is readable while results wait."""

    def __init__(self, threads: int) -> None:
        self.waiting = 0
        """Jobs whose results were not taken yet."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._outcomes: queue.SimpleQueue[tuple[Job, bool | str]] = queue.SimpleQueue()
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)

    @property
    def fd(self) -> int:
        return self._woken.fileno()

    def submit(self, job: Job) -> None:
        self.waiting += 1
        self._executor.submit(self._run, job)

    def _run(self, job: Job) -> None:
        self._outcomes.put((job, outcome_of(job)))
        # A full buffer has enough bytes to wake up already.
        with contextlib.suppress(BlockingIOError):
            self._waking.send(b"x")

    def take_outcomes(self) -> list[tuple[Job, bool | str]]:
        if not self.waiting:
            return []  # As in most turns, which need not ask the system.
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        outcomes = []
        while not self._outcomes.empty():
            outcomes.append(self._outcomes.get())
        self.waiting -= len(outcomes)
        return outcomes

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
        # One that still runs finds nobody to wake up, and nobody is interested.
        self._waking.close()
        self._woken.close()
