"""What requests cost: one table, and one measure for all that is done to answer them.

The measure is nominal microseconds of a core. Nobody looks at a clock while something is done, so
the same request costs the same in a test, in the simulation and on any machine. The figures are
what worst cases took on two cores of 2026; that they keep their proportions is what counts.

A gateway charges each request to its account and its address
(`zchat/gateway/core/flow_control.py`), and a service does only so much at a time for anybody
(`zchat/service/core/scheduling.py`).
"""

from collections.abc import Generator
from typing import Final, TypeAlias, TypeVar, get_args

from zchat.protocol import messages
from zchat.protocol.messages import (
    REQUESTS,
    Message,
    Query,
)

Answer = TypeVar("Answer")

Steps: TypeAlias = Generator[int, None, Answer]
"""Work that is done in steps, each bounded: yields what the last one has cost, returns the answer.

Between two steps anything may have changed, so no step leaves a statement of the store open.
"""

ROW_US: Final = 4
"""A row that is read, decoded and looked at."""
KIB_US: Final = 4
"""A KiB of frames or text that is read, decoded and looked at."""
QUERY_US: Final = 200
"""A query that is looked at, whatever else it takes."""
ITEM_US: Final = 1
"""An item of a list that is in memory, such as a room or a member."""
WRITTEN_KIB_US: Final = 40
"""A KiB of a command, which is committed and published."""
FOLLOWER_US: Final = 6
"""An entry that is written to one client more."""
FOLLOWER_KIB_US: Final = 3
"""Each KiB of such an entry: it is copied more than once on its way."""
SAID_KIB_US: Final = 500
"""A KiB that is said and enters the index of messages, which is done later, when there is time."""

_SMALL: Final = 25
_ROW: Final = 200
_FRAMES: Final = 1_000
"""A few of the longest messages are read and written."""
_LIST: Final = 500
_HASH: Final = 20_000
"""A password is hashed, beside all else."""

COSTS: Final[dict[type[Message], int]] = {
    # Every service is asked, and everybody is told.
    messages.LogIn: 5_000,
    messages.Register: _HASH,
    messages.ChangePassword: _HASH,
    messages.LogOutEverywhere: _ROW,
    messages.DeleteAccount: _HASH,
    messages.RevokeDevice: _ROW,
    messages.CreateAppToken: _ROW,
    messages.EnableTotp: _HASH,
    messages.DisableTotp: _HASH,
    # The whole list is written with each change of it.
    messages.BlockUser: _FRAMES,
    messages.UnblockUser: _FRAMES,
    messages.SendPrivate: 2 * _SMALL,
    # Up to twenty are brought into a room that is made for them.
    messages.StartConversation: 5_000,
    messages.CreateInvitation: _ROW,
    messages.RevokeInvitation: _ROW,
    messages.DisconnectUser: _ROW,
    messages.SuspendUser: _ROW,
    messages.RestoreUser: _ROW,
    # All sessions are looked at.
    messages.BanUsers: 20_000,
    messages.UnbanUsers: _ROW,
    messages.KickUsers: 20_000,
    messages.SetStanding: _ROW,
    messages.Post: _SMALL,
    # Everybody is told.
    messages.CreateRoom: 5_000,
    messages.JoinRoom: _ROW,
    messages.LeaveRoom: _ROW,
    messages.SetTopic: _ROW,
    messages.InviteMember: _ROW,
    messages.KickMember: _ROW,
    messages.BanMember: _ROW,
    messages.UnbanMember: _ROW,
    messages.MuteMember: _ROW,
    messages.UnmuteMember: _ROW,
    messages.PromoteMember: _ROW,
    messages.DemoteMember: _ROW,
    messages.TransferRoom: _ROW,
    messages.ConfigureRoom: _ROW,
    # All members leave.
    messages.CloseRoom: 20_000,
    messages.PinMessage: _FRAMES,
    messages.UnpinMessage: _ROW,
    messages.EditMessage: _FRAMES,
    messages.DeleteMessage: _FRAMES,
    messages.AddReaction: _FRAMES,
    messages.RemoveReaction: _FRAMES,
    messages.ReportMessage: _FRAMES,
    messages.Announce: _ROW,
    messages.MarkRead: _SMALL,
    messages.SetNotify: _SMALL,
    messages.SayTyping: _SMALL,
    messages.SetAway: _SMALL,
    # Of queries this is the first step; whatever takes more of them costs more, a step at a time.
    messages.ReadHistory: _LIST,
    messages.ReadEdits: _LIST,
    messages.SearchMessages: 2_000,
    messages.ListPins: _LIST,
    messages.ListConversations: _LIST,
    messages.ListRooms: _LIST,
    # Of ten thousand members the gateway says who is online.
    messages.ListMembers: 5_000,
    messages.ListBans: _LIST,
    messages.ListUsers: 2_000,
    messages.ListUserBans: _LIST,
    messages.ListDevices: _ROW,
    messages.ListBlocked: _ROW,
    messages.ReadAudit: _LIST,
    messages.Ping: _SMALL,
}
_SAYS: Final = frozenset({messages.Post, messages.SendPrivate, messages.EditMessage})
_ASKS: Final = frozenset(get_args(Query))
_TELLS_NOBODY: Final = frozenset({*get_args(messages.SoftCommand), messages.ReportMessage})
# A request without a row would be free.
assert not (_odd := COSTS.keys() ^ {messages.LogIn, *REQUESTS}), _odd


def exhausted(steps: Steps[Answer]) -> Answer:
    """The answer, by all steps at once: for whoever keeps nobody waiting."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: Answer = end.value
            return answer


def of_rows(count: int, size_bytes: int) -> int:
    """What it costs to read so many rows that have so many bytes in all."""
    return count * ROW_US + size_bytes * KIB_US // 1024


def of_command(kind: type[Message], frame_bytes: int) -> int:
    """What the beat that does it spends on a command; what no client can send costs nothing."""
    return COSTS.get(kind, 0) + frame_bytes * WRITTEN_KIB_US // 1024


def of_request(kind: type[Message], frame_bytes: int, followers: int) -> int:
    """What a client is charged for a request when it comes in.

    `followers` are the clients of the gateway that see the log which it adds an entry to.
    """
    kib_us = SAID_KIB_US if kind in _SAYS else KIB_US if kind in _ASKS else WRITTEN_KIB_US
    cost_us = COSTS.get(kind, 0) + frame_bytes * kib_us // 1024
    if kind not in _TELLS_NOBODY:
        cost_us += followers * (FOLLOWER_US + frame_bytes * FOLLOWER_KIB_US // 1024)
    return cost_us
