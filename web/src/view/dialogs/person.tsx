import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { Arguments } from "../../commands/usage.ts";
import type { Key, Member } from "../../model/shapes.ts";
import type { Draft } from "../../protocol/messages.ts";
import { printable } from "../../protocol/names.ts";
import { presence } from "../../text/lists.ts";
import { words, type Phrase } from "../../text/more.ts";
import type { Screen } from "../screen.ts";
import { Field, Form, Trouble, textOf, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";

interface Properties {
  readonly screen: Screen;
  readonly who: string;
  readonly doing?: "kick" | "ban" | undefined;
  readonly onClose: () => void;
}

/** What asks for a reason, or for a time, before it is done. */
type Asking = "kick" | "ban" | "mute" | "transfer";

/** Who somebody is here, and what one may do with or to them. */
export function Person({ screen, who, doing, onClose }: Properties): VNode {
  const { chat } = screen;
  const key = chat.opened.value;
  const isMe = who === chat.me.value.name;
  const member = chat.members.value.find(({ name }) => name === who);
  const isOnline = member?.online ?? chat.online.value.has(who);
  const asking = useSignal<Asking | undefined>(doing);
  // What may be done to members is known of those that were asked for, with or without a list at the side.
  useEffect(() => {
    chat.watchMembers(true);
    return () => {
      if (screen.panel.peek() !== "members") chat.watchMembers(false);
    };
  }, [key]);
  return (
    <Modal title={`@${printable(who)}`} onClose={onClose}>
      <p class="about">
        <span class={isOnline ? "dot online" : "dot"} aria-hidden="true" />
        {presence(isOnline, member?.away)}
        {member && member.role !== "member" && ` · ${words(`role.${member.role}`)}`}
        {member?.muted && ` · ${words("role.muted")}`}
      </p>
      {asking.value ? (
        <Sentence
          screen={screen}
          asking={asking.value}
          who={who}
          onCancel={() => (asking.value = undefined)}
          onDone={onClose}
        />
      ) : (
        <>
          {!isMe && <With screen={screen} who={who} onClose={onClose} />}
          {member && !isMe && (
            <ToMember
              screen={screen}
              at={key}
              member={member}
              onAsk={(what) => (asking.value = what)}
              onClose={onClose}
            />
          )}
        </>
      )}
    </Modal>
  );
}

/** What anybody may do with anybody. */
function With({ screen, who, onClose }: Properties): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const isBlocked = useSignal<boolean | undefined>(undefined);
  const isGuest = chat.me.value.guest;
  useEffect(() => {
    if (isGuest) return;
    chat.ask({ kind: "list_blocked" }).then(
      (answer) => (isBlocked.value = answer.users.includes(who)),
      () => undefined,
    );
  }, [who]);
  const block = (kind: "block_user" | "unblock_user") =>
    doing.run(async () => {
      await chat.ask({ kind, user: who });
      isBlocked.value = kind === "block_user";
    });
  return (
    <>
      <p class="buttons start">
        <button
          type="button"
          class="main"
          autofocus
          onClick={() => {
            onClose();
            screen.goTo(`@${who}`);
          }}
        >
          {words("person.talk")}
        </button>
        <button
          type="button"
          onClick={() => {
            onClose();
            screen.write(`@${who} `);
          }}
        >
          {words("person.mention")}
        </button>
        {isBlocked.value !== undefined && (
          <button
            type="button"
            disabled={doing.busy}
            onClick={() => block(isBlocked.value ? "unblock_user" : "block_user")}
          >
            {words(isBlocked.value ? "person.unblock" : "person.block")}
          </button>
        )}
      </p>
      <Trouble of={doing} />
    </>
  );
}

interface ToMemberProperties {
  readonly screen: Screen;
  readonly at: Key;
  readonly member: Member;
  readonly onAsk: (what: Asking) => void;
  readonly onClose: () => void;
}

/** What moderators and owners may do; all of it is offered by the permission table. */
function ToMember({ screen, at, member, onAsk, onClose }: ToMemberProperties): VNode | null {
  const { chat } = screen;
  const doing = useDoing();
  const may = (kind: Draft["kind"]) => mayTo(screen, kind, at, member.name);
  const led = member.role === "moderator";
  const send = (kind: "promote_member" | "demote_member" | "unmute_member") =>
    doing.run(async () => {
      await chat.ask({ kind, room: at.slice(1), user: member.name });
      onClose();
    });
  const offers: readonly (readonly [may: boolean, phrase: Phrase, does: () => void])[] = [
    [
      may(led ? "demote_member" : "promote_member") && member.role !== "owner",
      led ? "person.demote" : "person.promote",
      () => send(led ? "demote_member" : "promote_member"),
    ],
    [may("transfer_room"), "person.transfer", () => onAsk("transfer")],
    [
      may("mute_member"),
      member.muted ? "person.unmute" : "person.mute",
      () => (member.muted ? send("unmute_member") : onAsk("mute")),
    ],
    [may("kick_member"), "person.kick", () => onAsk("kick")],
    [may("ban_member"), "person.ban", () => onAsk("ban")],
  ];
  const offered = offers.filter(([offer]) => offer);
  if (offered.length === 0) return null;
  return (
    <>
      <h3>{words("person.in_room", { room: printable(at) })}</h3>
      <p class="buttons start">
        {offered.map(([, phrase, does]) => (
          <button type="button" key={phrase} disabled={doing.busy} onClick={does}>
            {words(phrase)}
          </button>
        ))}
      </p>
      <Trouble of={doing} />
    </>
  );
}

/** Whether it is offered: what is not known here, the server is asked. */
export function mayTo(screen: Screen, kind: Draft["kind"], at: Key, who: string): boolean {
  return screen.chat.may(kind, at, { author: who, mine: false }) !== false;
}

interface SentenceProperties {
  readonly screen: Screen;
  readonly asking: Asking;
  readonly who: string;
  readonly onCancel: () => void;
  readonly onDone: () => void;
}

/** The form of what is not undone by another click. */
function Sentence({ screen, asking, who, onCancel, onDone }: SentenceProperties): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const room = chat.opened.value.slice(1);
  const onSend = async (form: HTMLFormElement) => {
    const reason = textOf(form, "reason").trim();
    await chat.ask(sentenced(asking, room, who, reason, textOf(form, "time")));
    onDone();
  };
  return (
    <>
      <p>{words(`person.${asking}_question`, { who: printable(who), room })}</p>
      <Form
        doing={doing}
        does={words(`person.${asking}`)}
        harms
        onCancel={onCancel}
        onSend={onSend}
      >
        {asking === "ban" && (
          <Field
            name="time"
            label={words("person.time")}
            note={words("person.time_note")}
            focused
          />
        )}
        {asking !== "transfer" && (
          <Field
            name="reason"
            label={words("person.reason")}
            maxLength={300}
            focused={asking !== "ban"}
          />
        )}
      </Form>
    </>
  );
}

/** Throws a `RangeError` with a sentence. */
function sentenced(
  asking: Asking,
  room: string,
  user: string,
  reason: string,
  time: string,
): Draft {
  const why = reason ? { reason } : {};
  switch (asking) {
    case "kick":
      return { kind: "kick_member", room, user, ...why };
    case "mute":
      return { kind: "mute_member", room, user, ...why };
    case "transfer":
      return { kind: "transfer_room", room, user };
    case "ban": {
      const seconds = new Arguments(time.trim()).time();
      if (time.trim() && !seconds) throw new RangeError(words("person.no_time"));
      const until = seconds ? { until_ms: Date.now() + seconds * 1_000 } : {};
      return { kind: "ban_member", room, user, ...why, ...until };
    }
  }
}

/** Who is online, since when, and how long idle. */
export function People({ screen, onClose }: Omit<Properties, "who">): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const users = useSignal<readonly { name: string; note: string }[]>([]);
  const total = useSignal(0);
  useEffect(() => {
    doing.run(async () => {
      const answer = await chat.ask({ kind: "list_users" });
      total.value = answer.total;
      users.value = answer.users.map((info) => ({
        name: info.name,
        note: [info.guest ? words("table.guest") : "", awayNote(info.away)]
          .filter(Boolean)
          .join(" · "),
      }));
    });
  }, []);
  return (
    <Modal title={words("people.title", { count: total.value })} onClose={onClose}>
      <ul class="rows">
        {users.value.map(({ name, note }) => (
          <li key={name}>
            <button
              type="button"
              onClick={() => (screen.dialog.value = { name: "person", who: name })}
            >
              <span class="dot online" aria-hidden="true" />
              <span class="name" dir="auto">
                {printable(name)}
              </span>
              <span class="note">{note}</span>
            </button>
          </li>
        ))}
      </ul>
      {total.value > users.value.length && (
        <p class="note">{words("table.more", { count: total.value - users.value.length })}</p>
      )}
      <Trouble of={doing} />
    </Modal>
  );
}

function awayNote(away: string | null): string {
  return away === null ? "" : presence(true, away);
}
