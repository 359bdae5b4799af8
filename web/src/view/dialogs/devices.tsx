import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { checked } from "../../commands/checks.ts";
import { asBase64, digest } from "../../commands/run.ts";
import * as LIMITS from "../../protocol/limits.ts";
import type { DeviceInfo } from "../../protocol/messages.ts";
import { printable } from "../../protocol/names.ts";
import { words } from "../../text/more.ts";
import { moment } from "../../text/text.ts";
import type { Screen } from "../screen.ts";
import { Check, Field, Form, isChecked, textOf, Trouble, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";
import { Copied } from "./small.tsx";

interface Properties {
  readonly screen: Screen;
  readonly onClose: () => void;
}

/** What logs in without a password; each may be forgotten. */
export function Devices({ screen, onClose }: Properties): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const devices = useSignal<readonly DeviceInfo[] | undefined>(undefined);
  const left = useSignal("");
  const load = () =>
    doing.run(async () => {
      const answer = await chat.ask({ kind: "list_devices" });
      devices.value = answer.devices;
      left.value = answer.totp ? words("table.codes_left", { count: answer.recovery_codes }) : "";
    });
  useEffect(load, []);
  const revoke = (device: number) =>
    doing.run(async () => {
      await chat.ask({ kind: "revoke_device", device });
      devices.value = devices.value?.filter((each) => each.device !== device);
    });
  return (
    <Modal title={words("table.devices")} size="wide" onClose={onClose}>
      <ul class="rows">
        {devices.value?.map((info) => (
          <li key={info.device} class="with-button">
            <span class={info.online ? "dot online" : "dot"} aria-hidden="true" />
            <span class="name" dir="auto">
              {printable(info.name) || words("devices.unnamed")}
            </span>
            <span class="note">{about(info)}</span>
            <button type="button" disabled={doing.busy} onClick={() => revoke(info.device)}>
              {words("devices.revoke")}
            </button>
          </li>
        ))}
      </ul>
      {devices.value?.length === 0 && <p class="note">{words("table.no_devices")}</p>}
      <p class="note">{left}</p>
      <Trouble of={doing} />
      <AppToken screen={screen} onMade={load} />
    </Modal>
  );
}

function about(info: DeviceInfo): string {
  const may = info.scopes.length
    ? words("devices.may", { what: info.scopes.map(printable).join(", ") })
    : "";
  const rooms = info.rooms.map((room) => `#${printable(room)}`).join(" ");
  const seen = info.online
    ? words("presence.online")
    : words("devices.seen", { when: moment(info.seen_ms) });
  const since = words("devices.since", { when: moment(info.created_ms) });
  return [seen, since, may, rooms].filter(Boolean).join(" · ");
}

/** For a bot: it may do no more than its scopes say, and only in these rooms. */
function AppToken(properties: { readonly screen: Screen; readonly onMade: () => void }): VNode {
  const { screen, onMade } = properties;
  const doing = useDoing();
  const made = useSignal("");
  return (
    <details>
      <summary>{words("devices.new_token")}</summary>
      {made.value ? (
        <>
          <p>{words("devices.once")}</p>
          <Copied text={made.value} />
        </>
      ) : (
        <Form
          doing={doing}
          does={words("devices.make_token")}
          onSend={async (form) => {
            const token = crypto.getRandomValues(new Uint8Array(LIMITS.TOKEN_BYTES));
            const scopes = (["read", "post"] as const).filter((scope) => isChecked(form, scope));
            await screen.chat.ask(
              checked({
                kind: "create_app_token",
                digest: await digest(token),
                name: textOf(form, "bot"),
                scopes,
                rooms: textOf(form, "rooms")
                  .split(/[\s,]+/)
                  .filter(Boolean),
              }),
            );
            made.value = asBase64(token);
            onMade();
          }}
        >
          <Field
            name="bot"
            label={words("argument.bot")}
            maxLength={LIMITS.DEVICE_NAME_CHARS_MAX}
            required
          />
          <Check name="read" label={words("devices.read")} checked />
          <Check name="post" label={words("devices.post")} checked />
          <Field name="rooms" label={words("devices.rooms")} note={words("devices.rooms_note")} />
        </Form>
      )}
    </details>
  );
}
