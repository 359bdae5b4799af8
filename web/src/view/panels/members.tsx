import { useComputed, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Member } from "../../model/shapes.ts";
import { printable } from "../../protocol/names.ts";
import { presence } from "../../text/lists.ts";
import { words } from "../../text/more.ts";
import { mayTo } from "../dialogs/person.tsx";
import { hueOf } from "../hue.ts";
import type { Screen } from "../screen.ts";
import { told } from "../timeline/acts.ts";
import { PanelHead } from "./head.tsx";

/** More would take long to draw, and nobody looks through them. */
const SHOWN_MAX = 500;

/** Who is in the room, and who of them is there. */
export function Members({ screen }: { readonly screen: Screen }): VNode {
  const { chat } = screen;
  const list = useRef<HTMLUListElement>(null);
  const key = chat.opened.value;
  const at = useSignal(0);
  const filter = useSignal("");
  useEffect(() => {
    chat.watchMembers(true);
    return () => chat.watchMembers(false);
  }, []);
  const found = useComputed(() => {
    const wanted = filter.value.trim().toLowerCase();
    return wanted
      ? chat.members.value.filter(({ name }) => name.includes(wanted))
      : chat.members.value;
  });
  const members = found.value.slice(0, SHOWN_MAX);
  const online = members.filter((member) => member.online).length;
  const go = (index: number) => {
    at.value = Math.max(0, Math.min(members.length - 1, index));
    list.current?.querySelectorAll("button")[at.value]?.focus();
  };
  return (
    <>
      <PanelHead screen={screen} title={words("members.title", { count: found.value.length })} />
      {chat.members.value.length > 20 && (
        <input
          type="search"
          class="filter"
          aria-label={words("list.filter")}
          placeholder={words("list.filter")}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
      )}
      <p class="note">{words("members.online", { count: online })}</p>
      <ul
        ref={list}
        class="rows"
        onKeyDown={(event) => {
          if (onKey(event, screen, members[at.peek()], at.peek(), members.length - 1, go))
            event.preventDefault();
        }}
      >
        {members.map((member, index) => (
          <li key={member.name}>
            <button
              type="button"
              // One of them is reached by Tab, the others by arrows.
              tabIndex={index === Math.min(at.value, members.length - 1) ? 0 : -1}
              {...(index === at.value ? { "data-first": "" } : {})}
              onFocus={() => (at.value = index)}
              onClick={() => (screen.dialog.value = { name: "person", who: member.name })}
            >
              <Row member={member} />
            </button>
          </li>
        ))}
      </ul>
      {found.value.length > members.length && (
        <p class="note">{words("table.more", { count: found.value.length - members.length })}</p>
      )}
      {chat.members.value.length === 0 && <p class="note">{words("members.none")}</p>}
      {key !== "#lobby" && chat.may("invite_member", key) !== false && (
        <p class="note">
          <button type="button" onClick={() => (screen.dialog.value = { name: "room", key })}>
            {words("members.invite")}
          </button>
        </p>
      )}
    </>
  );
}

function Row({ member }: { readonly member: Member }): VNode {
  const away = member.away !== undefined;
  const dot = member.online ? (away ? "dot away" : "dot online") : "dot";
  return (
    <>
      <span class={dot} aria-hidden="true" />
      <span class={`name hue-${hueOf(member.name)}`} dir="auto">
        {printable(member.name)}
      </span>
      <span class="note">
        {member.role !== "member" && `${words(`role.${member.role}`)} `}
        {member.muted && `${words("role.muted")} `}
        {away && presence(true, member.away)}
        <span class="spoken-only">{presence(member.online, undefined)}</span>
      </span>
    </>
  );
}

/** Those of the terminal client; true if it was one. */
function onKey(
  event: KeyboardEvent,
  screen: Screen,
  member: Member | undefined,
  at: number,
  last: number,
  go: (index: number) => void,
): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || !member) return false;
  switch (event.key) {
    case "j":
    case "ArrowDown":
      go(at + 1);
      return true;
    case "k":
    case "ArrowUp":
      go(at - 1);
      return true;
    case "g":
    case "Home":
      go(0);
      return true;
    case "G":
    case "End":
      go(last);
      return true;
    case "Escape":
      screen.write();
      return true;
    default:
      return actOn(event.key, screen, member.name, member.role);
  }
}

function actOn(key: string, screen: Screen, who: string, role: Member["role"]): boolean {
  const { chat } = screen;
  const room = chat.opened.peek();
  switch (key) {
    case "Enter":
      screen.goTo(`@${who}`);
      return true;
    case "m":
      screen.write(`@${who} `);
      return true;
    case "i":
      screen.dialog.value = { name: "person", who };
      return true;
    case "x":
    case "b": {
      const kind = key === "x" ? "kick_member" : "ban_member";
      if (mayTo(screen, kind, room, who))
        screen.dialog.value = { name: "person", who, doing: key === "x" ? "kick" : "ban" };
      else screen.hint.value = words("act.not_allowed");
      return true;
    }
    case "+": {
      const kind = role === "moderator" ? "demote_member" : "promote_member";
      if (!mayTo(screen, kind, room, who)) screen.hint.value = words("act.not_allowed");
      else void told(screen, chat.ask({ kind, room: room.slice(1), user: who }));
      return true;
    }
    default:
      return false;
  }
}
