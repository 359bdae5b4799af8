/** Dialogs that show or ask one thing. */

import type { VNode } from "preact";
import { useSignal } from "@preact/signals";

import { emojiBeginning, quickEmoji } from "../../commands/emoji.ts";
import { commandNamed, usageOf } from "../../commands/table.ts";
import { COMMANDS } from "../../protocol/commands.ts";
import type { Said } from "../../model/shapes.ts";
import type { Table } from "../../text/lists.ts";
import { words } from "../../text/more.ts";
import type { Screen } from "../screen.ts";
import { react } from "../timeline/acts.ts";
import { Field, Form, textOf, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";
import { Picker } from "./picker.tsx";

interface Properties {
  readonly screen: Screen;
  readonly onClose: () => void;
}

// --- What is shown -------------------------------------------------------------------------------

export function TableDialog({ table, onClose }: { table: Table; onClose: () => void }): VNode {
  return (
    <Modal title={table.title} size="wide" onClose={onClose}>
      <Rows table={table} />
    </Modal>
  );
}

export function Rows({ table }: { table: Table }): VNode {
  return (
    // It may be wider than the page, and is scrolled by the keyboard, too.
    <div class="scrolled" tabIndex={0} role="region" aria-label={table.title}>
      {table.rows.length > 0 && (
        <table>
          <thead>
            <tr>
              {table.head.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, at) => (
              <tr key={at}>
                {row.map((cell, column) => (
                  <td key={column} dir="auto">
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {table.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
    </div>
  );
}

/** A token or codes, which are never shown again. */
export function Secret(properties: {
  readonly title: string;
  readonly secret: string;
  readonly onClose: () => void;
}): VNode {
  const { title, secret, onClose } = properties;
  return (
    <Modal title={words("secret.title")} onClose={onClose}>
      <p>{title}</p>
      <Copied text={secret} />
    </Modal>
  );
}

/** Text to be taken along, and a button that copies it. */
export function Copied({ text }: { text: string }): VNode {
  const copied = useSignal("");
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => (copied.value = words("secret.copied")),
      () => (copied.value = words("secret.not_copied")),
    );
  };
  return (
    <>
      <pre class="secret" tabIndex={0}>
        {text}
      </pre>
      <p class="buttons">
        <span role="status" class="note">
          {copied}
        </span>
        <button type="button" onClick={copy}>
          {words("secret.copy")}
        </button>
      </p>
    </>
  );
}

export function Help({ command, onClose }: { command: string; onClose: () => void }): VNode {
  const one = commandNamed(command);
  const shown = command && one ? [one] : COMMANDS;
  return (
    <Modal title={words("help.title")} size="wide" onClose={onClose}>
      <dl class="usages" tabIndex={0}>
        {shown.length > 1 && (
          <>
            <dt>{words("help.text")}</dt>
            <dd>{words("help.text_does")}</dd>
          </>
        )}
        {shown.map((each) => (
          <>
            <dt key={each.name}>
              <code>{usageOf(each)}</code>
            </dt>
            <dd>{each.summary}</dd>
          </>
        ))}
      </dl>
    </Modal>
  );
}

// --- What is asked -------------------------------------------------------------------------------

export function Confirm(properties: {
  readonly question: string;
  readonly does: string;
  readonly answered: (yes: boolean) => void;
  readonly onClose: () => void;
}): VNode {
  const { question, does, answered, onClose } = properties;
  const doing = useDoing();
  const no = () => {
    answered(false);
    onClose();
  };
  return (
    <Modal title={does} onClose={no}>
      <p>{question}</p>
      <Form
        doing={doing}
        does={does}
        harms
        begins="cancel"
        onCancel={no}
        onSend={async () => {
          answered(true);
          onClose();
        }}
      />
    </Modal>
  );
}

export function JumpToDate({ screen, onClose }: Properties): VNode {
  const doing = useDoing();
  return (
    <Modal title={words("date.title")} onClose={onClose}>
      <Form
        doing={doing}
        does={words("date.go")}
        onSend={async (form) => {
          const [year = 0, month = 1, day = 1] = textOf(form, "date").split("-").map(Number);
          await screen.goToTime(new Date(year, month - 1, day).getTime());
          onClose();
        }}
      >
        <Field name="date" type="date" label={words("date.label")} required focused />
      </Form>
    </Modal>
  );
}

/** How many emoji stand in a row. */
const COLUMNS = 8;
const OFFERED_MAX = 96;

/** A reaction to a message; for none it is written where the cursor is. */
export function EmojiPicker(properties: Properties & { readonly of: Said | undefined }): VNode {
  const { screen, of, onClose } = properties;
  const options = (query: string) => {
    const wanted = query.trim();
    const found = wanted ? emojiBeginning(wanted, OFFERED_MAX) : quickEmoji();
    const named = found.map(({ name, emoji }) => ({ value: name, name: emoji, note: name }));
    const isWord = of && wanted && !wanted.includes(" ");
    const itself = { value: `word:${wanted}`, name: wanted, note: words("emoji.word") };
    return isWord ? [...named, itself] : named;
  };
  return (
    <Modal title={words(of ? "emoji.react" : "emoji.write")} onClose={onClose}>
      <Picker
        label={words("emoji.label")}
        columns={COLUMNS}
        options={options}
        none={words("emoji.none")}
        onPick={({ name }) => {
          onClose();
          if (of) void react(screen, of, name);
          else screen.write(name);
        }}
      />
    </Modal>
  );
}
