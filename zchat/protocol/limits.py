"""Every bound that zchat keeps, with its unit in its name; nothing grows without a number here."""

from typing import Final

# --- What a client may send -----------------------------------------------------------------------
FRAME_BYTES_MAX: Final = 128 * 1024
"""One msgpack value from or to a client; large enough for the longest text in any script."""
TEXT_CHARS_MAX: Final = 16_000
"""One message; a pasted page of code is one message."""
TOPIC_CHARS_MAX: Final = 300
"""One line, which stands above a room; of a conversation it is the names of those in it."""
NAME_CHARS_MAX: Final = 32
"""A user or a room, in the one spelling that every name has."""
TARGET_CHARS_MAX: Final = 64
"""Whom an operator means: an address, a block of them, a name or a pattern."""
LOG_NAME_CHARS_MAX: Final = NAME_CHARS_MAX + 1
"""A name, after `#` or `@`."""
SOFTWARE_CHARS_MAX: Final = 64
"""What a program calls itself when it says hello."""
PASSWORD_CHARS_MIN: Final = 8
"""The one thing that is asked of a new password; guessing is slowed down besides."""
PASSWORD_CHARS_MAX: Final = 256
"""A longer one is refused, and not cut: all of it counts."""
NONCE_BYTES: Final = 16
"""A prefix and a number, by which a command that comes twice is known."""
NONCE_PREFIX_BYTES: Final = 8
"""Drawn once by each client; the number after it rises with each command."""
TOKEN_BYTES: Final = 32
"""Random, and made by the client, which proves with it that it is the same one as before."""
INSTANCE_BYTES_MAX: Final = 16
"""By which the connections of one running program are known; eight random ones will do."""
DIGEST_BYTES: Final = 32
"""SHA-256: all that a server keeps of the secrets that clients make."""
CLUSTER_ID_BYTES: Final = 8
"""Random, and no secret: by it a client knows the cluster again."""
DEVICE_NAME_CHARS_MAX: Final = 64
"""What a user calls a device, or the token of a bot."""
REASON_CHARS_MAX: Final = 300
"""Why somebody does something to others, in one line."""
ROOM_KEY_CHARS_MAX: Final = 64
"""The key of a room, which is told to those who may join it."""
INVITATION_CHARS_MAX: Final = 64
"""The code of an invitation."""
ONE_TIME_CODE_CHARS_MAX: Final = 32
"""A one-time code or recovery code as it is typed, perhaps with spaces."""
TOTP_SECRET_BYTES: Final = 20
"""160 bits, as RFC 4226 recommends."""
RECOVERY_CODES_MAX: Final = 10
"""Of one account; each works once, in the place of a one-time code."""
APP_TOKEN_ROOMS_MAX: Final = 50
"""Rooms that one app token is for; without any it is for all of its user's."""
AUDIT_RECORDS_MAX: Final = 200
"""Records in one answer; older ones are asked for by the time of the last."""
SLOW_MODE_S_MAX: Final = 6 * 3600
"""The longest time that a room may make a member wait between two messages."""
EMOJI_CHARS_MAX: Final = 16
"""Of one reaction: the longest sequences of joined emoji have about ten."""
REACTION_KINDS_MAX: Final = 20
"""Different emoji on one message."""
REACTIONS_MAX: Final = 200
"""Reactions to one message in all, so that it fits in a frame together with them."""
MENTIONS_MAX: Final = 50
"""Names that one message mentions; more are not looked at."""
SEARCH_CHARS_MAX: Final = 200
"""All words of one search together."""
SEARCH_RESULTS_MAX: Final = 100
"""Messages in one answer; older ones are asked for by the time of the last."""
CONVERSATION_USERS_MAX: Final = 20
"""Whom one conversation of several is started with; more may be invited later."""
CURSORS_MAX: Final = 800
"""Cursors in one `LogIn`, and logs that it asks for, so that it fits in a frame; of all logs those
without a cursor go on at the read marker."""
HISTORY_ENTRIES_MAX: Final = 200
"""Entries in one answer; older ones are asked for by the sequence of the first."""
INTEGER_MAX: Final = 2**53
"""Largest integer on the wire: every language with doubles reads it exactly."""

# --- Client connections at a gateway --------------------------------------------------------------
SESSIONS_MAX: Final = 20_000
"""Client connections of one gateway."""
SESSION_ANSWERS_BYTES_MAX: Final = 64 * 1024
"""With so much to be written to one client, nothing is asked for it that makes long answers."""
SESSION_REQUESTS_MAX: Final = 64
"""Unanswered requests of one session; until one is answered nothing more is read from it."""
SESSION_FETCHES_MAX: Final = 2
"""Pages that are on their way to one session, so that a return after weeks costs no memory."""
SESSION_ABSENCES_MAX: Final = 16
"""Leaves and returns to one room that a slow session has still to see; then visits are left out."""
WRITE_BUFFER_BYTES_MAX: Final = 256 * 1024
"""What waits for one slow reader; past it the gateway remembers only where it stopped."""
HELLO_TIMEOUT_S: Final = 10.0
"""A connection that is not logged in by then is closed."""
CLOSING_TIMEOUT_S: Final = 10.0
"""A client that has not read its goodbye by then, or said nothing for so long, is cut off."""
SESSION_IDLE_TIMEOUT_S: Final = 90.0
"""A client that sends nothing, not even a ping, for so long is gone; so is one that is being
written to, and reads nothing."""
CLIENT_PING_INTERVAL_S: Final = 20.0
"""A client with nothing to say pings so often, several times before it counts as gone."""
FAN_OUT_WRITES_MAX: Final = 500
"""Client writes in one loop turn; the rest goes on in the next, so that nobody starves."""
FAN_OUT_BYTES_MAX: Final = 2 * 1024 * 1024
"""The same in bytes, as long texts take longer."""
SHORT_BYTES_MAX: Final = 4 * 1024
"""Who has no more to read than this is written to first."""
ADDRESS_SHARES: Final = 10
"""An address, behind which many may be, may say so many times as much as an account."""
ADDRESS_WORK_SHARES: Final = 2
"""And so many times as much work may be asked for from it."""
GUEST_WORK_SHARES: Final = 0.5
"""Of what an account may ask for."""
GUESTS_SHARES: Final = 0.5
"""All guests and new accounts of an address together may say so much of what one account may."""
GUESTS_WORK_SHARES: Final = 0.25
"""And ask for so much work. In a room that many read that is two long texts at once, and few after
those."""
NEWCOMER_SHARES: Final = 0.25
"""A guest or account that has its name only for minutes may say so much of what others may."""
NEWCOMER_S: Final = 600.0
"""How long somebody counts as new."""
MODERATOR_WORK_SHARES: Final = 4
"""Moderators and operators of the cluster may ask for so many times as much work as others."""
QUOTA_NAMES_MAX: Final = 20_000
"""Accounts, and addresses, whose rates a gateway remembers: those that have said most."""
FLOOD_FRAMES: Final = 256
"""A session with more frames that wait for its rate, and for longer than `FLOOD_WAIT_S`, floods."""
FLOOD_WAIT_S: Final = 60.0
"""Whoever has to wait less is only too fast, and nothing of it is refused."""
SHUT_OUT_S_MAX: Final = 300.0
"""How long the address of a flood is kept out at most."""
QUOTA_NOTES_MAX: Final = 10
"""Different lines about floods in the log, in each `QUOTA_NOTES_INTERVAL_S`."""
QUOTA_NOTES_INTERVAL_S: Final = 10.0
"""Such lines are counted for so long, and then written."""
HELD_BACK_NOTED_PER_S: Final = 1 / 60
"""Lines in the log about one address whose clients are held back by their rates."""
ACCEPTS_MAX: Final = 16
"""Clients accepted in one loop turn; the others wait in the kernel's queue, lest those before them
are pushed out of their handshakes because we are slow."""
REFUSALS_TOLD_BURST: Final = 10
"""Refused clients of one address that get a TLS handshake at once, to be told why."""
REFUSALS_TOLD_PER_S: Final = 1.0
"""And so many after those; the others are closed without a word."""
TLS_HANDSHAKES_MAX: Final = 500
"""TLS handshakes of a gateway at a time; for one more, another one is ended."""
TLS_HANDSHAKES_PER_ADDRESS_MAX: Final = 200
"""Of one address; for one more, its oldest is ended."""
TLS_CROWD_SHARE: Final = 50
"""A network that holds one in so many of all places for handshakes is a crowd: its oldest handshake
is ended at once for a new client."""
TLS_HANDSHAKE_CHANCE_S: Final = 0.5
"""Other handshakes are not ended before that to make room; new connections wait in the kernel."""
TLS_SILENCE_TIMEOUT_S: Final = 5.0
"""A client that has not sent its first byte by then is cut off; TCP repeats it after 1 and 3 s."""
TLS_HANDSHAKE_TIMEOUT_S: Final = 10.0
"""From the first byte on."""
TLS_READ_BUFFER_BYTES_MAX: Final = 64 * 1024
"""What is read ahead, still encrypted, of a client that nothing is taken from."""
HTTP_HEAD_BYTES_MAX: Final = 16 * 1024
"""The head of a request at the web door; browsers send one or two KiB."""
HTTP_REQUESTS_MAX: Final = 100
"""Requests on one connection; the next one takes another, which counts as such."""
HTTP_KEPT_S: Final = 5.0
"""How long after its first answer a connection is kept for more: a page asks for all at once."""
WEB_FRAMES_MAX: Final = 256
"""WebSocket frames of a client between two whole messages: pieces, empty ones and pings."""
WEB_SLICE_BYTES: Final = 4 * 1024
"""So much is unpacked before that is looked at: the smallest frame has six bytes."""
REFUSED_SILENCE_TIMEOUT_S: Final = 1.0
"""A client that must go is told so in its own words, if it says by then which those are."""
REFUSED_SILENT_MAX: Final = 100
"""Such clients at a time, and fewer where few files may be open; others are told at once, in the
words of our own clients."""

# --- Between processes ----------------------------------------------------------------------------
HEARTBEAT_INTERVAL_S: Final = 0.5
"""Processes tell each other so often that they are alive, as long as they have something to say;
eight that fail to come are `PEER_EXPIRY_S`."""
QUIET_BEATS: Final = 2
"""Of so many heartbeats one is sent by who has nothing to say; four that fail to come are
`PEER_EXPIRY_S`."""
CONNECT_RETRY_S: Final = 0.05
"""How soon a heartbeat is tried again while there is no router to hear it."""
PEER_EXPIRY_S: Final = 4.0
"""A peer that is silent for so long counts as dead; its sessions start their grace."""
STREAM_BEATS_MISSED_MAX: Final = 3
"""A gateway that has heard nothing of a stream for more of its own heartbeats is deaf to it: it has
its answers sent by a way of their own."""
HANG_KILL_S: Final = 20.0
"""A process under supervisord whose main loop has not turned for so long is killed."""
METRICS_REQUESTS_MAX: Final = 8
"""Requests for metrics and health at a time; one more is closed at once."""
METRICS_TIMEOUT_S: Final = 5.0
"""Whoever asks for metrics and then neither sends nor reads for so long is cut off."""
LINK_WINDOW_ITEMS: Final = 4_096
"""Commands on their way on one link that are not yet accepted."""
LINK_WINDOW_BYTES: Final = 4 * 1024 * 1024
"""The same in bytes."""
LINK_QUEUE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Unanswered commands that one link keeps; past it the gateway stops reading from their senders."""
LINK_REPLIES_MAX: Final = 16_384
"""Replies that a service keeps for a gateway that does not confirm them; then the link restarts."""
BATCH_ITEMS_MAX: Final = 512
"""Commands or replies in one envelope of a link."""
BATCH_BYTES_MAX: Final = 512 * 1024
"""The same in bytes."""
PUBLISHED_REPLIES_BYTES_MAX: Final = 1024 * 1024
"""Replies that are published together; the rest of them follows in another envelope."""
BEAT_ENVELOPES_MAX: Final = 512
"""Envelopes that are taken from one socket in a turn, so that the others get theirs."""
BEAT_BYTES_MAX: Final = 1024 * 1024
"""With so many bytes of commands taken in, a service makes its commit before it takes more."""
RESEND_INTERVAL_S: Final = 0.25
"""The same gap is not filled twice within this time."""
ENVELOPES_HIGH_WATER_MARK: Final = 1_000
"""ZeroMQ queue of one peer, in envelopes. Past it envelopes are dropped and the link resends."""
EVENTS_HIGH_WATER_MARK: Final = 256
"""Published envelopes waiting for one subscriber. Past it they are dropped and it backfills."""
COMMAND_TIMEOUT_S: Final = 10.0
"""A command without an answer by then is answered `unavailable`, and still delivered later."""
QUERY_TIMEOUT_S: Final = 10.0
"""A query without an answer by then is given up."""
QUERY_RESEND_INTERVAL_S: Final = 1.0
"""A query that is not answered is asked again so often: whoever had it may be dead."""
QUERY_BATCH_MAX: Final = 32
"""Queries in one envelope, so that their answers, of a page each, fit in one message."""
QUERIES_MAX: Final = 10_000
"""Queries of one gateway that wait for one service; past it they are refused as `busy`."""
QUERIES_SHARE_MAX: Final = 4
"""Queries of one user in one envelope."""
QUERIES_BEGUN_MAX: Final = 8
"""Queries of one gateway that one service has begun and not finished; later ones wait for them."""
QUERIES_KEPT_MAX: Final = 1_024
"""Begun queries that a service keeps, as many as 25 gateways may ask for at a time. Past it those
go that were asked for longest ago, and begin anew if they are asked for again."""
QUERY_STEP_US: Final = 2_000
"""What a service does of one query before it turns to the next one, in nominal microseconds."""
QUERIES_TURN_US: Final = 4_000
"""What it does of all queries between two beats."""
LIST_STEP_ITEMS: Final = 4_000
"""Items of a list that are looked at in one step of a query."""
BEAT_USER_US: Final = 5_000
"""What one beat does for one user who has more for it to do, in nominal microseconds."""
BEAT_US: Final = 100_000
"""With so much done, a beat does for nobody more than one command."""
BEAT_WAITING_US: Final = 500_000
"""With so much left to do, a service takes in no commands; they wait on their links."""
PEERS_MAX: Final = 1_000
"""Links that a process keeps with those who ask it."""
STATUS_INTERVAL_S: Final = 0.9
"""A process tells the router at most so often how it is."""
STATUS_BYTES_MAX: Final = 8 * 1024
"""A longer status is not kept by the router."""
SETTING_CHARS_MAX: Final = 200
"""Value of a setting that is set while the cluster runs."""
SETTINGS_BYTES_MAX: Final = 32 * 1024
"""All settings that were changed; the router hands on no more."""
WARNINGS_BURST: Final = 5
"""Alike warnings in the log at once; the others are counted."""
WARNINGS_PER_S: Final = 0.1
"""And so many after those."""
FOLLOWER_ENVELOPES_MAX: Final = 64
"""Envelopes that a follower holds behind a gap; later ones are fetched again."""

# --- Logs -----------------------------------------------------------------------------------------
ANSWER_BYTES_MAX: Final = 96 * 1024
"""Lists and history in one answer to a client; the rest is counted or asked for again."""
LIST_PAGE_MAX: Final = 500
"""Users or rooms in one page of an operator's list."""
PAGE_ENTRIES_MAX: Final = 1_000
"""Entries in one page of a log or stream."""
PAGE_BYTES_MAX: Final = 256 * 1024
"""The same in bytes: a page ends with the entry that reaches this size."""
NONCE_CLIENTS_MAX: Final = 20_000
"""Clients of which a service remembers the newest nonce; of others it is read again."""
NONCES_UNWRITTEN_MAX: Final = 8_192
"""Entries whose nonces are found in memory; then a commit writes them to the index, in 20 ms."""
PLACES_UNWRITTEN_MAX: Final = 4_096
"""Entries of a log that are found in memory; then a commit writes them to the index, in 10 ms."""
ANSWERS_MAX: Final = 100_000
"""Refusals, and answers to what changed nothing, that a service keeps for those who ask again."""
REFUSALS_LOGGED_MAX: Final = 100
"""Suspicious refusals that are logged at once, and then one a second; the rest are counted."""
REMOVED_ENTRIES_MAX: Final = 500
"""Entries that are too old, of which so many go with one heartbeat; the rest with the next ones."""
REMOVED_BYTES_MAX: Final = 128 * 1024
"""Fewer go, or are looked at, if they are larger than this in all."""
REMOVED_LOGS_MAX: Final = 50
"""Logs of which the oldest entry is looked at with one heartbeat."""
COUNTED_LOGS_MAX: Final = 100
"""Logs of which one answer says how many entries are too old."""
SEARCH_BATCH_ENTRIES: Final = 100
"""Entries whose messages enter the index of what is said in one step, at most."""
SEARCH_BATCH_BYTES: Final = 32 * 1024
"""Such a step ends with the entry that reaches this size."""
SEARCH_BATCH_PIECES: Final = 1_500
"""Pieces that one step writes to the index, or takes out of it, in 2 ms."""
SEARCH_BUSY_STEPS_MAX: Final = 4
"""Such steps that are done after each heartbeat though there is something else to do."""
SEARCH_MERGE_PAGES: Final = 8
"""Pages of 4 KiB of the index that are merged in one step, in 1 ms."""
SEARCH_SPAN_ENTRIES: Final = 2_000
"""Positions of which a search knows from when to when they are."""
SEARCH_SPAN_BYTES: Final = 1024 * 1024
"""They are fewer if their entries are larger than this in all."""
SEARCH_STEP_SPANS: Final = 500
"""Spans that are read in one step of a search."""
SEARCH_PIECES_MAX: Final = 20
"""Pieces of words that the index is asked for; the others are looked for in what it finds."""
SEARCH_STEP_ROWS: Final = 100
"""Entries that one step of a search looks at, in 1 ms."""
SEARCH_STEP_BYTES: Final = 128 * 1024
"""A step of a search ends with the entry that reaches this size."""
SEARCH_ROWS_MAX: Final = 4_000
"""Entries that one search looks at, in 50 ms."""
SEARCH_BYTES_MAX: Final = 8 * 1024 * 1024
"""A search looks at no more after entries of so many bytes."""
SEARCH_UNINDEXED_MAX: Final = 2_000
"""Entries that are not in the index yet, of which a search looks at so many."""
SEARCH_UNINDEXED_BYTES_MAX: Final = 4 * 1024 * 1024
"""It looks at fewer of these if they are larger than this in all."""
RETENTION_DAYS_MAX: Final = 36_500
"""A hundred years: whoever wants more keeps entries for ever."""
RETENTION_S_MIN: Final = 60
"""Nothing is kept for less: whoever was away for a moment is to read what was said."""
IMPORTED_ENTRIES_MAX: Final = 200
"""Entries in one command that imports them."""
REDACTED_MESSAGES_MAX: Final = 100
"""Messages in one command that removes them, in 10 ms; for more it is said again."""
FOUND_AUTHORS_MAX: Final = 1_000
"""Authors whose messages one query of an operator looks for."""
FOUND_MESSAGES_MAX: Final = 1_000
"""Messages of them in one answer."""
FOUND_ENTRIES_MAX: Final = 20_000
"""Entries that are looked at for one such answer, in 100 ms."""
FOUND_LOGS_MAX: Final = 500
"""Logs that are looked through for one such answer."""
BUSY_RETRY_INTERVAL_S: Final = 1.0
"""How long a service waits after its store refused a commit."""

# --- Rooms ----------------------------------------------------------------------------------------
ROOMS_MAX: Final = 10_000
"""Rooms of one partition."""
ROOM_MEMBERS_MAX: Final = 10_000
"""A room may have a lower bound of its own."""
USER_ROOMS_MAX: Final = 100
"""Rooms that one user is in, in one partition."""
GUEST_ROOMS_MAX: Final = 5
"""A guest who owns so many rooms of one partition makes no more; conversations do not count."""
ACCOUNT_ROOMS_MAX: Final = 50
"""The same of an account; moderators and operators of the cluster own as many as they are in."""
GUEST_ROOMS_SHARE: Final = 0.5
"""In a partition that has so much of its rooms guests make no more: the rest is for accounts."""
NEW_ROOMS_MAX: Final = 10
"""Rooms and, as many, conversations of several that one user begins at once, and then one in each
interval; moderators and operators of the cluster begin as many as they like."""
NEW_ROOM_INTERVAL_S: Final = 300.0
"""See `NEW_ROOMS_MAX`."""
BROUGHT_ROOMS_MAX: Final = 80
"""Whoever is in so many is brought into no conversation: the last places are for rooms that one
joins oneself."""
ROOM_PINS_MAX: Final = 50
"""Pinned messages of one room; for one more, another one is unpinned first."""
MEMBER_MENTIONS_MAX: Final = 100
"""Unread mentions of one member that are counted."""
ROOM_BANS_MAX: Final = 1_000
"""Bans of one room, and as many mutes, and as many invitations that nobody has taken up."""
PARTITIONS_MAX: Final = 64
"""The router has a socket for each, and where it is `tcp://` a port."""

# --- Users ----------------------------------------------------------------------------------------
USERS_MAX: Final = 100_000
"""Accounts and guests, with those that are deleted: their names stay taken."""
USER_SESSIONS_MAX: Final = 50
"""Sessions of one account at a time; with one more, its client is told to wait."""
USER_TOKENS_MAX: Final = 20
"""Remembered tokens of one account, of each kind."""
SESSION_PLACE_WAIT_S: Final = 1.0
"""A client that finds all places of its account taken is told to ask again after so long."""
USER_BLOCKED_MAX: Final = 1_000
"""Users whom one user blocks."""
USER_CONVERSATIONS_MAX: Final = 1_000
"""Conversations of which a read marker or level of one user is kept: those that came last."""
CONVERSATIONS_WALKED_MAX: Final = 10_000
"""Others with whom a user has exchanged private messages: more are not looked at for a list."""
CONVERSATION_UNREAD_MAX: Final = 1_000
"""Unread entries of one conversation, or room, in which messages are counted."""
UNREAD_READ_BYTES_MAX: Final = 4 * 1024 * 1024
"""Entries that one list of conversations, or of rooms, is counted from; more are only said to be
there."""
INVITATIONS_MAX: Final = 1_000
"""Invitations that are neither used nor out of date."""
PASSWORD_JOBS_MAX: Final = 256
"""Passwords waiting to be hashed; one more is refused as `busy`."""
USER_PASSWORD_JOBS_MAX: Final = 2
"""Of them those of one user who is in, so that nobody can keep the others out."""
LOGIN_ATTEMPTS_MAX: Final = 10
"""Wrong passwords and codes for one name at once, and then one in each interval."""
LOGIN_ATTEMPT_INTERVAL_S: Final = 30.0
"""See `LOGIN_ATTEMPTS_MAX`."""
ADDRESS_ATTEMPTS_MAX: Final = 50
"""The same from one address, whatever the names."""
ADDRESS_ATTEMPT_INTERVAL_S: Final = 6.0
"""See `ADDRESS_ATTEMPTS_MAX`."""
ADDRESS_NEWCOMERS_MAX: Final = 100
"""New guests and accounts from one address at once, and then one in each interval."""
ADDRESS_NEWCOMER_INTERVAL_S: Final = 6.0
"""See `ADDRESS_NEWCOMERS_MAX`."""
USER_REPORTS_MAX: Final = 20
"""Reports of one user to one service at once, and then one in each interval."""
USER_REPORT_INTERVAL_S: Final = 30.0
"""See `USER_REPORTS_MAX`."""
LIMITED_NAMES_MAX: Final = 20_000
"""Names, and addresses, of which attempts are remembered: those that have to wait longest."""
TOKEN_SEEN_INTERVAL_S: Final = 3600.0
"""How exactly it is known when a device was last used: it is written no more often."""
SIGHTINGS_MAX: Final = 100_000
"""Pairs of a name and an address that it came from, which operators may ask for."""
SIGHTINGS_KEPT_S: Final = 7 * 86_400
"""How long it is known after the last time that somebody came from where."""
SIGHTING_INTERVAL_S: Final = 60.0
"""How exactly that time is known of who is not connected: it is written no more often."""
SIGHTINGS_WRITTEN_MAX: Final = 100
"""So many are written with one heartbeat, and so many go that are too old."""
BANS_MAX: Final = 2_000
"""Bans from the server; those that are over do not count."""
BAN_PATTERNS_MAX: Final = 100
"""Of them those of patterns, each of which is compared with every name that comes."""
BAN_S_MAX: Final = 3_650 * 86_400
"""The longest ban that has an end."""
KICK_S: Final = 600
"""How long somebody who was kicked from the server is kept out, if it is not said."""
ENDED_GUESTS_MAX: Final = 10_000
"""Guests of whom a service remembers that they are gone, for what they said may arrive later."""
KICK_SEEN_S: Final = 3_600
"""A guest who is kicked while not connected is known by where it was within this time."""
PRESENCE_NAMES_MAX: Final = 20
"""Names in one presence frame to a client; the others are counted."""
PRESENCE_TOLD_PER_S: Final = 4_000
"""Clients that a gateway tells who came and went; a larger crowd hears of it more rarely."""
TYPING_S: Final = 6.0
"""Whoever says that it types does so for so long, unless it says so again, or something else."""
TYPING_INTERVAL_S: Final = 3.0
"""A client says at most so often that its user types in one place."""
TYPING_FREE_PLACES: Final = 3
"""Places where an account may say so at a time without that being counted as messages."""
TYPING_TOLD_INTERVAL_S: Final = 1.0
"""A client is told at most so often who types in one place."""
TYPING_NAMES_MAX: Final = 5
"""Those of one place that are named."""
TYPING_LOGS_MAX: Final = 2_000
"""Places of which a gateway collects who types; nobody is told of more at a time."""
TYPING_FOLLOWERS_MAX: Final = 500
"""A room that more sessions of a gateway follow is a crowd, which is not told who types."""
PRESENCE_GRACE_S: Final = 10.0
"""A client whose connection broke is still online for so long."""
SESSION_GRACE_S: Final = 60.0
"""A guest whose connection broke keeps its name and rooms for so long."""
SETTLE_S: Final = 3.0
"""After a restart the user-service waits so long for gateways to say who is here."""
ACTIVITY_INTERVAL_S: Final = 5.0
"""A gateway reports at most so often which sessions were active."""

# --- The client -----------------------------------------------------------------------------------
CLIENT_QUEUE_MAX: Final = 10_000
"""Requests that a client keeps while it has no connection."""
CLIENT_RECONNECT_S: Final = 0.1
"""How long a client waits before it connects anew; twice as long each further time."""
CLIENT_RECONNECT_S_MAX: Final = 10.0
"""The longest of these waits."""
CLIENT_RETRY_AFTER_S_MAX: Final = 600.0
"""A client that a server tells to come back later does so by then, whatever it was told."""
CLIENT_RETRY_S: Final = 5.0
"""How long a client waits before it repeats a command that was `unavailable`."""
CLIENT_SILENCE_S: Final = 45.0
"""A gateway that answers nothing for so long is gone; the client connects anew."""
CLIENT_ANSWER_SILENCE_S: Final = 15.0
"""The same while it owes an answer, of which "not now" takes the longest: `COMMAND_TIMEOUT_S`."""
