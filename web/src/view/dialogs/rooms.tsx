/** What is done with rooms: made, joined, set, left and closed. */

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { checked, roomName, userName } from "../../commands/checks.ts";
import { Arguments } from "../../commands/usage.ts";
import type { Conversation, Key } from "../../model/shapes.ts";
import * as LIMITS from "../../protocol/limits.ts";
import { NOTIFY_LEVELS, type BanInfo, type Draft, type RoomInfo } from "../../protocol/messages.ts";
import { printable } from "../../protocol/names.ts";
import { settings } from "../../text/entries.ts";
import { words } from "../../text/more.ts";
import { moment } from "../../text/text.ts";
import type { Screen } from "../screen.ts";
import { Check, Choices, Field, Form, isChecked, textOf, Trouble, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";
import { titleOf } from "./places.ts";

interface Properties {
  readonly screen: Screen;
  readonly onClose: () => void;
}

export function NewRoom({ screen, onClose }: Properties): VNode {
  const doing = useDoing();
  return (
    <Modal title={words("new_room.title")} onClose={onClose}>
      <Form
        doing={doing}
        does={words("new_room.does")}
        onSend={async (form) => {
          const room = roomName(textOf(form, "room").trim());
          const isPrivate = isChecked(form, "private") ? { private: true } : {};
          await screen.chat.ask({ kind: "create_room", room, ...isPrivate });
          onClose();
          screen.goTo(`#${room}`);
        }}
      >
        <Field
          name="room"
          label={words("new_room.name")}
          note={words("new_room.note")}
          maxLength={LIMITS.NAME_CHARS_MAX + 1}
          required
          focused
        />
        <Check name="private" label={words("new_room.private")} />
      </Form>
      <p class="buttons start">
        <button type="button" onClick={() => (screen.dialog.value = { name: "several" })}>
          {words("new_room.several")}
        </button>
        <button type="button" onClick={() => (screen.dialog.value = { name: "go-to" })}>
          {words("new_room.join")}
        </button>
      </p>
    </Modal>
  );
}

/** Of a room that has a key. */
export function Join({ screen, room, onClose }: Properties & { readonly room: string }): VNode {
  const doing = useDoing();
  return (
    <Modal title={words("join.title", { room: printable(room) })} onClose={onClose}>
      <Form
        doing={doing}
        does={words("join.does")}
        onSend={async (form) => {
          await screen.chat.ask({ kind: "join_room", room, key: textOf(form, "key") });
          onClose();
          screen.goTo(`#${room}`);
        }}
      >
        <Field
          name="key"
          type="password"
          label={words("join.key")}
          maxLength={LIMITS.ROOM_KEY_CHARS_MAX}
          focused
        />
      </Form>
    </Modal>
  );
}

/** A conversation of several, in a room of its own. */
export function Several({ screen, onClose }: Properties): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const me = chat.me.value.name;
  const people = [...chat.online.value].filter((name) => name !== me).sort();
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const toggle = (name: string, on: boolean) => {
    const next = new Set(chosen.value);
    if (on) next.add(name);
    else next.delete(name);
    chosen.value = next;
  };
  return (
    <Modal title={words("several.title")} onClose={onClose}>
      <Form
        doing={doing}
        does={words("several.does")}
        onSend={async (form) => {
          const typed = textOf(form, "others")
            .split(/[\s,]+/)
            .filter(Boolean)
            .map(userName);
          const users = [...new Set([...chosen.value, ...typed])];
          const answer = await chat.ask(checked({ kind: "start_conversation", users }));
          onClose();
          if (answer.log) screen.goTo(answer.log);
        }}
      >
        <Field name="others" label={words("several.names")} note={words("several.note")} focused />
        {people.length > 0 && (
          <fieldset class="choices people">
            <legend>{words("presence.online")}</legend>
            {people.map((name) => (
              <Check
                key={name}
                name={`person-${name}`}
                label={printable(name)}
                onChange={(on) => toggle(name, on)}
              />
            ))}
          </fieldset>
        )}
      </Form>
    </Modal>
  );
}

// --- One that is there ---------------------------------------------------------------------------

export function Room({ screen, at, onClose }: Properties & { readonly at: Key }): VNode {
  const { chat } = screen;
  const found = chat.conversations.value.find(({ key }) => key === at);
  const info = useSignal<RoomInfo | undefined>(undefined);
  const room = at.slice(1);
  const load = () => {
    chat.ask({ kind: "list_rooms", room }).then(
      (answer) => (info.value = answer.rooms[0]),
      () => undefined,
    );
  };
  useEffect(load, [at]);
  const may = (kind: Draft["kind"]) => chat.may(kind, at) !== false;
  const isRoom = at !== "#lobby" && at.startsWith("#");
  return (
    <Modal title={found ? titleOf(found) : at} onClose={onClose}>
      {info.value && (
        <p class="note">
          {info.value.members === null
            ? settings(info.value)
            : `${words("go_to.members", { count: info.value.members })}, ${settings(info.value)}`}
        </p>
      )}
      {found && <Loudness screen={screen} conversation={found} />}
      {found?.joined && isRoom && (
        <>
          {found.kind === "room" && (
            <Topic screen={screen} conversation={found} editable={may("set_topic")} />
          )}
          {may("invite_member") && <Invite screen={screen} room={room} />}
          {info.value && found.kind === "room" && may("configure_room") && (
            <Settings key={settings(info.value)} screen={screen} info={info.value} onDone={load} />
          )}
          {found.kind === "room" && may("list_bans") && <Bans screen={screen} room={room} />}
          <Leaving
            screen={screen}
            room={room}
            closes={found.kind === "room" && may("close_room")}
            onClose={onClose}
          />
        </>
      )}
    </Modal>
  );
}

/** How loud it is, and whether it is kept at the top. */
function Loudness(properties: {
  readonly screen: Screen;
  readonly conversation: Conversation;
}): VNode {
  const { screen, conversation } = properties;
  const { chat } = screen;
  const doing = useDoing();
  const { key } = conversation;
  return (
    <section>
      <Choices
        name="notify"
        legend={words("notify.legend")}
        chosen={conversation.notify}
        choices={NOTIFY_LEVELS.map((level) => [level, words(`notify.${level}`)] as const)}
        onChoose={(level) => doing.run(() => chat.setNotify(key, level))}
      />
      <Check
        name="kept"
        label={words("room.keep")}
        checked={conversation.kept}
        onChange={(kept) => chat.keep(key, kept)}
      />
      <Trouble of={doing} />
    </section>
  );
}

function Topic(properties: {
  readonly screen: Screen;
  readonly conversation: Conversation;
  readonly editable: boolean;
}): VNode {
  const { screen, conversation, editable } = properties;
  const doing = useDoing();
  if (!editable) return <p dir="auto">{printable(conversation.topic)}</p>;
  return (
    <Form
      doing={doing}
      does={words("room.set_topic")}
      onSend={async (form) => {
        const topic = textOf(form, "topic");
        await screen.chat.ask(
          checked({ kind: "set_topic", room: conversation.key.slice(1), topic }),
        );
      }}
    >
      <Field
        name="topic"
        label={words("room.topic")}
        value={conversation.topic}
        maxLength={LIMITS.TOPIC_CHARS_MAX}
      />
    </Form>
  );
}

function Invite({ screen, room }: { readonly screen: Screen; readonly room: string }): VNode {
  const doing = useDoing();
  const invited = useSignal("");
  return (
    <Form
      doing={doing}
      does={words("room.invite")}
      onSend={async (form) => {
        const user = userName(textOf(form, "who").trim());
        await screen.chat.ask({ kind: "invite_member", room, user });
        invited.value = words("room.invited", { user });
        form.reset();
      }}
    >
      <Field name="who" label={words("room.invite_whom")} required />
      <p class="note" role="status">
        {invited}
      </p>
    </Form>
  );
}

function Settings(properties: {
  readonly screen: Screen;
  readonly info: RoomInfo;
  readonly onDone: () => void;
}): VNode {
  const { screen, info, onDone } = properties;
  const doing = useDoing();
  return (
    <details>
      <summary>{words("room.settings")}</summary>
      <Form
        doing={doing}
        does={words("room.set")}
        onSend={async (form) => {
          await screen.chat.ask(checked(configured(form, info)));
          onDone();
        }}
      >
        <Check name="private" label={words("room.is_private")} checked={info.private} />
        <Check
          name="moderators"
          label={words("room.moderators_speak")}
          checked={info.posting === "moderators"}
        />
        <Field
          name="key"
          type="password"
          label={words("room.key")}
          note={words(info.keyed ? "room.key_stays" : "room.no_key")}
          maxLength={LIMITS.ROOM_KEY_CHARS_MAX}
          autocomplete="new-password"
        />
        {info.keyed && <Check name="nokey" label={words("room.take_key")} />}
        <Field
          name="slow"
          label={words("room.slow_mode")}
          value={info.slow_mode_s ? `${info.slow_mode_s}s` : ""}
          note={words("room.slow_note")}
        />
        <Field
          name="limit"
          label={words("room.members_max")}
          value={info.members_max ? String(info.members_max) : ""}
          numeric
        />
      </Form>
    </details>
  );
}

/** Only what is to be changed. */
function configured(form: HTMLFormElement, info: RoomInfo): Draft {
  const slow = textOf(form, "slow").trim();
  const seconds = slow ? new Arguments(slow).time() : 0;
  if (seconds === undefined) throw new RangeError(words("room.slow_note"));
  const limit = textOf(form, "limit").trim();
  if (limit && !/^\d+$/.test(limit)) throw new RangeError(words("room.limit_note"));
  const key = isChecked(form, "nokey") ? "" : textOf(form, "key") || undefined;
  const isPrivate = isChecked(form, "private");
  const posting = isChecked(form, "moderators") ? "moderators" : "members";
  return {
    kind: "configure_room",
    room: info.room,
    ...(isPrivate === info.private ? {} : { private: isPrivate }),
    ...(posting === info.posting ? {} : { posting }),
    ...(key === undefined ? {} : { key }),
    ...(seconds === info.slow_mode_s ? {} : { slow_mode_s: seconds }),
    ...(Number(limit) === info.members_max ? {} : { members_max: Number(limit) }),
  };
}

function Bans({ screen, room }: { readonly screen: Screen; readonly room: string }): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const bans = useSignal<readonly BanInfo[] | undefined>(undefined);
  const load = () =>
    doing.run(async () => {
      bans.value = (await chat.ask({ kind: "list_bans", room })).bans;
    });
  const unban = (user: string) =>
    doing.run(async () => {
      await chat.ask({ kind: "unban_member", room, user });
      bans.value = bans.value?.filter((ban) => ban.user !== user);
    });
  return (
    <details onToggle={(event) => event.currentTarget.open && load()}>
      <summary>{words("room.bans")}</summary>
      <ul class="rows">
        {bans.value?.map((ban) => (
          <li key={ban.user} class="with-button">
            <span class="name">{printable(ban.user)}</span>
            <span class="note">
              {[
                ban.until_ms === null ? words("table.for_ever") : moment(ban.until_ms),
                printable(ban.reason),
              ]
                .filter(Boolean)
                .join(" · ")}
            </span>
            <button type="button" onClick={() => unban(ban.user)}>
              {words("room.unban")}
            </button>
          </li>
        ))}
      </ul>
      {bans.value?.length === 0 && <p class="note">{words("table.no_bans")}</p>}
      <Trouble of={doing} />
    </details>
  );
}

function Leaving(properties: {
  readonly screen: Screen;
  readonly room: string;
  readonly closes: boolean;
  readonly onClose: () => void;
}): VNode {
  const { screen, room, closes, onClose } = properties;
  const doing = useDoing();
  const asks = useSignal(false);
  const end = (kind: "leave_room" | "close_room") =>
    doing.run(async () => {
      await screen.chat.ask({ kind, room });
      onClose();
    });
  return (
    <section class="leaving">
      {asks.value ? (
        <>
          <p>{words("close.question", { room: printable(room) })}</p>
          <p class="buttons">
            <button type="button" onClick={() => (asks.value = false)}>
              {words("dialog.cancel")}
            </button>
            <button type="button" class="harms" onClick={() => end("close_room")}>
              {words("close.does")}
            </button>
          </p>
        </>
      ) : (
        <p class="buttons start">
          <button type="button" disabled={doing.busy} onClick={() => end("leave_room")}>
            {words("room.leave")}
          </button>
          {closes && (
            <button type="button" class="harms" onClick={() => (asks.value = true)}>
              {words("room.close")}
            </button>
          )}
        </p>
      )}
      <Trouble of={doing} />
    </section>
  );
}
