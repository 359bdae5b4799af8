/** Before there is a session: who one is. A name is enough; a password only where the name has one. */

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { RefusedError, type Chat, type Credentials, type Door } from "../chat.ts";
import * as LIMITS from "../protocol/limits.ts";
import type { RefusalCode } from "../protocol/messages.ts";
import { words } from "../text/text.ts";

import { Check, Field, Form, isChecked, textOf, useDoing } from "./dialogs/form.tsx";
import { NewPassword, newPasswordOf } from "./dialogs/passwords.tsx";

interface Properties {
  readonly door: Door;
  readonly onEntered: (chat: Chat) => void;
}

/** As what one comes in. */
type How = "guest" | "account" | "register";
/** What the server has asked for besides. */
type Wanted = "code" | "invitation" | "new-password";

/** What is to be shown when the server refuses for such a reason. */
const ASKED_FOR: Partial<Record<RefusalCode, { readonly how?: How; readonly wants?: Wanted }>> = {
  password_required: { how: "account" },
  wrong_password: { how: "account" },
  guests_not_allowed: { how: "account" },
  code_required: { how: "account", wants: "code" },
  wrong_code: { how: "account", wants: "code" },
  new_password_required: { how: "account", wants: "new-password" },
  invitation_required: { how: "register", wants: "invitation" },
  invalid_invitation: { how: "register", wants: "invitation" },
};

export function Enter({ door, onEntered }: Properties): VNode {
  /** Undefined until it is known whether somebody was here before. */
  const name = useSignal<string | undefined>(undefined);
  const how = useSignal<How>("guest");
  const wants = useSignal<ReadonlySet<Wanted>>(new Set());
  const isNamed = useSignal(false);
  const doing = useDoing();

  const enter = async (credentials: Credentials) => {
    try {
      onEntered(await door.enter(credentials));
    } catch (error) {
      const asked = error instanceof RefusedError ? ASKED_FOR[error.code] : undefined;
      if (asked?.how) how.value = asked.how;
      if (asked?.wants) wants.value = new Set([...wants.value, asked.wants]);
      throw error;
    }
  };
  useEffect(() => {
    const come = async () => {
      const found = await door.remembered();
      if (found !== undefined) {
        how.value = "account";
        // Who was here before sees what was kept at once, and is asked only if that fails.
        await enter({ name: found, remember: true }).finally(() => (name.value = found));
      }
    };
    doing.run(() => come().finally(() => (name.value ??= "")));
  }, []);

  if (name.value === undefined) {
    return (
      <main class="enter waiting" aria-busy="true">
        <h1>zchat</h1>
      </main>
    );
  }
  const choose = (next: How) => {
    how.value = next;
    wants.value = new Set();
  };
  return (
    <main class="enter">
      <div class="enter-inside">
        <h1>zchat</h1>
        <p class="note">{words("enter.about")}</p>
        <Form
          doing={doing}
          does={words(`enter.${how.value}`)}
          onSend={(form) => enter(credentialsOf(form, how.peek()))}
        >
          <Field
            name="name"
            label={words("enter.name")}
            value={name.value}
            autocomplete="username"
            maxLength={2 * LIMITS.NAME_CHARS_MAX}
            required
            focused
            onInput={(typed) => (isNamed.value = typed.trim() !== "")}
            {...(how.value === "guest" ? { note: words("enter.name_note") } : {})}
          />
          {how.value === "account" && <Account wants={wants.value} named={isNamed.value} />}
          {how.value === "register" && <Registering wants={wants.value} />}
        </Form>
        <nav class="ways" aria-label={words("enter.ways")}>
          {(["guest", "account", "register"] as const)
            .filter((each) => each !== how.value)
            .map((each) => (
              <button key={each} type="button" class="quiet" onClick={() => choose(each)}>
                {words(`enter.as_${each}`)}
              </button>
            ))}
        </nav>
      </div>
    </main>
  );
}

function Account(properties: {
  readonly wants: ReadonlySet<Wanted>;
  /** The name stands there, and the password is what comes next. */
  readonly named: boolean;
}): VNode {
  const { wants, named } = properties;
  // Once, when it appears: later it would be taken from whoever corrects the name.
  const [focused] = useState(named);
  return (
    <>
      <Field
        name="password"
        type="password"
        label={words("enter.password")}
        autocomplete="current-password"
        maxLength={LIMITS.PASSWORD_CHARS_MAX}
        required
        focused={focused}
      />
      {wants.has("code") && (
        <Field
          name="code"
          label={words("enter.code")}
          note={words("enter.code_note")}
          autocomplete="one-time-code"
          required
          focused
        />
      )}
      {wants.has("new-password") && <NewPassword />}
      <Check name="remember" label={words("enter.remember")} checked />
    </>
  );
}

function Registering({ wants }: { readonly wants: ReadonlySet<Wanted> }): VNode {
  return (
    <>
      <NewPassword />
      {wants.has("invitation") && (
        <Field
          name="invitation"
          label={words("enter.invitation")}
          maxLength={LIMITS.INVITATION_CHARS_MAX}
          required
          focused
        />
      )}
      <Check name="remember" label={words("enter.remember")} checked />
    </>
  );
}

/** Throws a `RangeError` with a sentence. */
function credentialsOf(form: HTMLFormElement, how: How): Credentials {
  const name = textOf(form, "name").trim();
  if (how === "guest") return { name };
  const remember = isChecked(form, "remember");
  if (how === "register") {
    const invitation = textOf(form, "invitation").trim();
    const password = newPasswordOf(form);
    return { name, password, register: true, remember, ...(invitation ? { invitation } : {}) };
  }
  // As people copy it, with blanks.
  const code = textOf(form, "code").replaceAll(/\s/g, "");
  return {
    name,
    password: textOf(form, "password"),
    remember,
    ...(code ? { code } : {}),
    ...(form.elements.namedItem("new") ? { newPassword: newPasswordOf(form) } : {}),
  };
}
