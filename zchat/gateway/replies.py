"""How a gateway reads what services say to it alone; all else goes to clients as it is."""

from zchat.protocol.cluster import ClusterInfo, SessionEnded, SessionReply, UserLogs
from zchat.protocol.codec import Decoder
from zchat.protocol.pages import LogPage, StreamPage
from zchat.protocol.presence import PresenceSnapshot

user_replies: Decoder[SessionReply] = Decoder(SessionReply)  # type: ignore[arg-type]
words = Decoder(SessionEnded)
user_logs = Decoder(UserLogs)
log_pages = Decoder(LogPage)
stream_pages = Decoder(StreamPage)
snapshots = Decoder(PresenceSnapshot)
clusters = Decoder(ClusterInfo)
