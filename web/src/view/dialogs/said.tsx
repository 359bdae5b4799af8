/** What is asked and shown about one message. */

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Said } from "../../model/shapes.ts";
import * as LIMITS from "../../protocol/limits.ts";
import type { EditInfo } from "../../protocol/messages.ts";
import { printable, safeText } from "../../protocol/names.ts";
import { words } from "../../text/more.ts";
import { moment } from "../../text/text.ts";
import type { Screen } from "../screen.ts";
import { logOf } from "../timeline/acts.ts";
import { Field, Form, textOf, Trouble, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";

interface Properties {
  readonly screen: Screen;
  readonly of: Said;
  readonly onClose: () => void;
}

/** What it said before, where the cluster keeps that. */
export function Versions({ screen, of, onClose }: Properties): VNode {
  const doing = useDoing();
  const edits = useSignal<readonly EditInfo[] | undefined>(undefined);
  useEffect(() => {
    const log = logOf(screen.chat, screen.chat.opened.peek());
    doing.run(async () => {
      edits.value = (
        await screen.chat.ask({ kind: "read_edits", log, sequence: of.sequence })
      ).edits;
    });
  }, []);
  return (
    <Modal title={words("table.edits")} onClose={onClose}>
      <ol class="versions" tabIndex={0}>
        {edits.value?.map((edit) => (
          <li key={edit.at_ms}>
            <p class="note">{words("versions.until", { when: moment(edit.at_ms) })}</p>
            <p class="text" dir="auto">
              {safeText(edit.text)}
            </p>
          </li>
        ))}
        <li>
          <p class="note">{words("versions.now")}</p>
          <p class="text" dir="auto">
            {safeText(of.text)}
          </p>
        </li>
      </ol>
      {edits.value?.length === 0 && <p class="note">{words("table.no_edits")}</p>}
      <Trouble of={doing} />
    </Modal>
  );
}

export function Delete({ screen, of, onClose }: Properties): VNode {
  const doing = useDoing();
  const moved = useRef(false);
  /** Enter deletes. Whoever was typing a word did not mean to, and has it whole in the composer. */
  const goOn = (event: KeyboardEvent) => {
    if (event.key === "Tab") moved.current = true;
    if (moved.current || event.key.length !== 1 || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    onClose();
    screen.write(event.key);
  };
  return (
    <Modal title={words("delete.title")} onClose={onClose} onKey={of.mine ? goOn : undefined}>
      <Quoted said={of} />
      <Form
        doing={doing}
        does={words("delete.does")}
        harms
        {...(of.mine ? { begins: "does" as const } : {})}
        onCancel={onClose}
        onSend={async (form) => {
          const { chat } = screen;
          const reason = textOf(form, "reason").trim();
          await chat.ask({
            kind: "delete_message",
            log: logOf(chat, chat.opened.peek()),
            sequence: of.sequence,
            ...(reason ? { reason } : {}),
          });
          onClose();
        }}
      >
        {/* Of one's own message no reason is kept. */}
        {!of.mine && (
          <Field
            name="reason"
            label={words("person.reason")}
            maxLength={LIMITS.REASON_CHARS_MAX}
            focused
          />
        )}
      </Form>
    </Modal>
  );
}

/** Tells the operators of it. */
export function Report({ screen, of, onClose }: Properties): VNode {
  const doing = useDoing();
  return (
    <Modal title={words("report.title")} onClose={onClose}>
      <p>{words("report.about")}</p>
      <Quoted said={of} />
      <Form
        doing={doing}
        does={words("report.does")}
        onCancel={onClose}
        onSend={async (form) => {
          const { chat } = screen;
          await chat.ask({
            kind: "report_message",
            log: logOf(chat, chat.opened.peek()),
            sequence: of.sequence,
            reason: textOf(form, "reason").trim(),
          });
          onClose();
          screen.hint.value = words("report.sent");
        }}
      >
        <Field
          name="reason"
          label={words("report.reason")}
          maxLength={LIMITS.REASON_CHARS_MAX}
          required
          focused
        />
      </Form>
    </Modal>
  );
}

function Quoted({ said }: { readonly said: Said }): VNode {
  return (
    <blockquote dir="auto" tabIndex={0}>
      <strong>{printable(said.author)}</strong> {safeText(said.text)}
    </blockquote>
  );
}
