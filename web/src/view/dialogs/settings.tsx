import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { words } from "../../text/more.ts";
import { permission, askPermission, quiet, setQuiet } from "../notifying.ts";
import type { Screen } from "../screen.ts";
import { theme, THEMES } from "../theme.ts";
import { Check, Choices, Field, Form, textOf, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";

interface Properties {
  readonly screen: Screen;
  readonly onClose: () => void;
}

export function Settings({ screen, onClose }: Properties): VNode {
  const opens = (name: "account" | "devices" | "keys" | "people") => (
    <li>
      <button type="button" onClick={() => (screen.dialog.value = { name })}>
        {words(`settings.${name}`)}
      </button>
    </li>
  );
  return (
    <Modal title={words("settings.title")} onClose={onClose}>
      <Choices
        name="theme"
        legend={words("settings.theme")}
        chosen={theme.value}
        choices={THEMES.map((each) => [each, words(`theme.${each}`)] as const)}
        onChoose={(each) => (theme.value = each)}
      />
      <Aloud />
      <Words screen={screen} />
      <Away screen={screen} />
      <ul class="menu">
        {opens("account")}
        {!screen.chat.me.value.guest && opens("devices")}
        {opens("people")}
        {opens("keys")}
      </ul>
    </Modal>
  );
}

/** Browsers ask only because of a click, and never again once somebody has said no. */
function Aloud(): VNode {
  const allowed = permission.value;
  return (
    <section>
      <h3>{words("settings.aloud")}</h3>
      {allowed === "default" && (
        <p class="buttons start">
          <button type="button" class="main" onClick={() => void askPermission()}>
            {words("settings.allow")}
          </button>
        </p>
      )}
      <p class="note">{words(`settings.aloud_${allowed}`)}</p>
      {allowed === "granted" && (
        <Check
          name="quiet"
          label={words("settings.quiet")}
          checked={quiet.value}
          onChange={setQuiet}
        />
      )}
    </section>
  );
}

/** Those that mention the user as the name does. */
function Words({ screen }: { readonly screen: Screen }): VNode {
  const doing = useDoing();
  const done = useSignal("");
  return (
    <Form
      doing={doing}
      does={words("settings.set_words")}
      onSend={async (form) => {
        const given = textOf(form, "words").split(",");
        screen.chat.setHighlights(given.map((each) => each.trim()).filter(Boolean));
        done.value = words("settings.words_set");
      }}
    >
      <Field
        name="words"
        label={words("settings.words")}
        value={screen.chat.highlights.value.join(", ")}
        note={words("settings.words_note")}
      />
      <p class="good" role="status">
        {done}
      </p>
    </Form>
  );
}

function Away({ screen }: { readonly screen: Screen }): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const { away } = chat.me.value;
  if (away !== undefined) {
    return (
      <Form
        doing={doing}
        does={words("settings.back")}
        onSend={async () => void (await chat.ask({ kind: "set_away", away: null }))}
      >
        <p>{away ? words("done.away_word", { word: away }) : words("done.away")}</p>
      </Form>
    );
  }
  return (
    <Form
      doing={doing}
      does={words("settings.away")}
      onSend={async (form) => {
        await chat.ask({ kind: "set_away", away: textOf(form, "away").trim() });
      }}
    >
      <Field name="away" label={words("settings.away_word")} maxLength={300} />
    </Form>
  );
}
