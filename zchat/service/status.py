"""The numbers by which a service is judged."""

from zchat.log.store import Store
from zchat.service.beat import Beat


def numbers(beat: Beat, store: Store, jobs: int) -> dict[str, float]:
    """`jobs` are the passwords that wait; `outbox` is what it owes to other services."""
    commits = store.commits
    return {
        "position_entries": store.position,
        "epoch": store.epoch,
        "askers": beat.asker_count,
        "commands_total": beat.commands_done,
        "commits_total": commits.count,
        "commit_seconds_total": commits.total_s,
        "commit_seconds_last": commits.last_s,
        "password_jobs_waiting": jobs,
        "outbox": beat.owed,
        "protocol_errors_total": beat.protocol_errors,
    }
