// Written by scripts/document from zchat/protocol/rules/permissions.py. Do not edit.

import type { Request, Role, Standing } from "./messages.ts";

/** What somebody is to a room, least first. */
export const PLACES = ["banned", "outsider", "muted", "member", "moderator", "owner"] as const;
export type Place = (typeof PLACES)[number];

export const PLACE_OF_ROLE: Readonly<Record<Role, Place>> = {"muted": "muted", "member": "member", "moderator": "moderator", "owner": "owner"};

/** The least standing and the least place that it takes; without a place it is about no room.
 * Whoever has the standing `anywhere` needs no place. */
export type Permission = readonly [
  standing: Standing,
  place: Place | null,
  anywhere: Standing | null,
];

export const PERMISSIONS: Readonly<Record<Request["kind"], Permission>> = {
  post: ["guest", "member", null],
  create_room: ["guest", null, null],
  join_room: ["guest", "outsider", "operator"],
  leave_room: ["guest", "muted", null],
  mark_read: ["guest", "muted", null],
  edit_message: ["guest", "member", null],
  delete_message: ["guest", "muted", "moderator"],
  add_reaction: ["guest", "member", null],
  remove_reaction: ["guest", "muted", null],
  pin_message: ["guest", "moderator", "moderator"],
  unpin_message: ["guest", "moderator", "moderator"],
  say_typing: ["guest", "member", null],
  set_notify: ["guest", "muted", null],
  set_topic: ["guest", "member", "operator"],
  invite_member: ["guest", "moderator", "operator"],
  kick_member: ["guest", "moderator", "moderator"],
  ban_member: ["guest", "moderator", "moderator"],
  unban_member: ["guest", "moderator", "moderator"],
  mute_member: ["guest", "moderator", "moderator"],
  unmute_member: ["guest", "moderator", "moderator"],
  list_bans: ["guest", "moderator", "moderator"],
  promote_member: ["guest", "owner", "operator"],
  demote_member: ["guest", "owner", "operator"],
  transfer_room: ["guest", "owner", "operator"],
  configure_room: ["guest", "owner", "operator"],
  close_room: ["guest", "owner", "moderator"],
  read_history: ["guest", "muted", null],
  read_edits: ["guest", "muted", null],
  list_members: ["guest", "muted", null],
  list_pins: ["guest", "muted", null],
  search_messages: ["guest", null, null],
  list_rooms: ["guest", null, null],
  report_message: ["guest", "muted", null],
  send_private: ["guest", null, null],
  start_conversation: ["guest", null, null],
  list_conversations: ["guest", null, null],
  set_away: ["guest", null, null],
  list_users: ["guest", null, null],
  ping: ["guest", null, null],
  register: ["guest", null, null],
  change_password: ["account", null, null],
  log_out_everywhere: ["account", null, null],
  delete_account: ["account", null, null],
  list_devices: ["account", null, null],
  revoke_device: ["account", null, null],
  create_app_token: ["account", null, null],
  enable_totp: ["account", null, null],
  disable_totp: ["account", null, null],
  block_user: ["account", null, null],
  unblock_user: ["account", null, null],
  list_blocked: ["account", null, null],
  announce: ["moderator", null, null],
  disconnect_user: ["moderator", null, null],
  suspend_user: ["moderator", null, null],
  restore_user: ["moderator", null, null],
  ban_users: ["moderator", null, null],
  unban_users: ["moderator", null, null],
  kick_users: ["moderator", null, null],
  list_user_bans: ["moderator", null, null],
  read_audit: ["moderator", null, null],
  create_invitation: ["operator", null, null],
  revoke_invitation: ["operator", null, null],
  set_standing: ["operator", null, null],
};
