/** One's own account: its password, one-time codes, and its end. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";

import type { Asked } from "../../commands/actions.ts";
import { oneTimeCode, userName } from "../../commands/checks.ts";
import { digest } from "../../commands/run.ts";
import * as LIMITS from "../../protocol/limits.ts";
import { printable } from "../../protocol/names.ts";
import { words } from "../../text/more.ts";
import type { Screen } from "../screen.ts";
import { Field, Form, textOf, Trouble, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";
import { NewPassword, newPasswordOf } from "./passwords.tsx";
import { Copied } from "./small.tsx";
import { asBase32, keyUri, newRecoveryCodes, newTotpSecret } from "./totp.ts";

interface Properties {
  readonly screen: Screen;
  readonly onClose: () => void;
}

type Shown = Asked | "log-out" | "overview";

/** `begun` is what a command has asked for at once. */
export function Account({
  screen,
  begun,
  onClose,
}: Properties & { readonly begun?: Asked }): VNode {
  const shown = useSignal<Shown>(begun ?? "overview");
  const done = useSignal("");
  const back = () => (begun ? onClose() : (shown.value = "overview"));
  const finish = (sentence: string) => {
    done.value = sentence;
    shown.value = "overview";
  };
  const title = shown.value === "overview" ? "account.title" : (`account.${shown.value}` as const);
  const parts = { screen, onCancel: back, onDone: finish };
  return (
    <Modal title={words(title)} onClose={onClose}>
      {shown.value === "overview" && (
        <Overview screen={screen} done={done.value} onChoose={(what) => (shown.value = what)} />
      )}
      {shown.value === "register" && <Register {...parts} />}
      {shown.value === "password" && <Password {...parts} />}
      {shown.value === "totp-on" && <TotpOn {...parts} />}
      {shown.value === "totp-off" && <TotpOff {...parts} />}
      {shown.value === "delete-account" && <Delete {...parts} />}
      {shown.value === "log-out" && <LogOut {...parts} />}
    </Modal>
  );
}

function Overview(properties: {
  readonly screen: Screen;
  readonly done: string;
  readonly onChoose: (what: Shown) => void;
}): VNode {
  const { screen, done, onChoose } = properties;
  const { chat } = screen;
  const { name, guest, standing } = chat.me.value;
  const totp = useSignal<boolean | undefined>(undefined);
  useEffect(() => {
    if (guest) return;
    chat.ask({ kind: "list_devices" }).then(
      (answer) => (totp.value = answer.totp),
      () => undefined,
    );
  }, [done]);
  const choice = (what: Shown, harms = false) => (
    <li>
      <button type="button" class={harms ? "harms" : ""} onClick={() => onChoose(what)}>
        {words(`account.${what as Exclude<Shown, "overview">}`)}
      </button>
    </li>
  );
  return (
    <>
      <p>{words(guest ? "account.guest" : `account.is_${standing}`, { name: printable(name) })}</p>
      <p class="good" role="status">
        {done}
      </p>
      <ul class="menu">
        {guest && choice("register")}
        {!guest && choice("password")}
        {totp.value !== undefined && choice(totp.value ? "totp-off" : "totp-on")}
        {!guest && (
          <li>
            <button type="button" onClick={() => (screen.dialog.value = { name: "devices" })}>
              {words("table.devices")}
            </button>
          </li>
        )}
        {!guest && <Blocked screen={screen} />}
        {choice("log-out")}
        {!guest && choice("delete-account", true)}
      </ul>
    </>
  );
}

function Blocked({ screen }: { readonly screen: Screen }): VNode {
  const doing = useDoing();
  const users = useSignal<readonly string[] | undefined>(undefined);
  const load = () =>
    doing.run(async () => {
      users.value = (await screen.chat.ask({ kind: "list_blocked" })).users;
    });
  const unblock = (user: string) =>
    doing.run(async () => {
      await screen.chat.ask({ kind: "unblock_user", user });
      users.value = users.value?.filter((each) => each !== user);
    });
  return (
    <li>
      <details onToggle={(event) => event.currentTarget.open && load()}>
        <summary>{words("table.blocked")}</summary>
        <ul class="rows">
          {users.value?.map((user) => (
            <li key={user} class="with-button">
              <span class="name">{printable(user)}</span>
              <button type="button" onClick={() => unblock(user)}>
                {words("person.unblock")}
              </button>
            </li>
          ))}
        </ul>
        {users.value?.length === 0 && <p class="note">{words("table.no_blocked")}</p>}
        <Trouble of={doing} />
      </details>
    </li>
  );
}

// --- Each of them --------------------------------------------------------------------------------

interface Part {
  readonly screen: Screen;
  readonly onCancel: () => void;
  /** With a sentence that says what was done. */
  readonly onDone: (sentence: string) => void;
}

/** For what takes the present password, so that nobody does it at an open page. */
function OldPassword(): VNode {
  return (
    <Field
      name="password"
      type="password"
      label={words("password.old")}
      autocomplete="current-password"
      maxLength={LIMITS.PASSWORD_CHARS_MAX}
      required
      focused
    />
  );
}

function Register({ screen, onCancel, onDone }: Part): VNode {
  const doing = useDoing();
  const { name } = screen.chat.me.value;
  return (
    <Form
      doing={doing}
      does={words("account.register")}
      onCancel={onCancel}
      onSend={async (form) => {
        const invitation = textOf(form, "invitation").trim();
        await screen.chat.ask({
          kind: "register",
          password: newPasswordOf(form),
          ...(invitation ? { invitation } : {}),
        });
        onDone(words("account.registered_done", { name }));
      }}
    >
      <UserName name={name} />
      <NewPassword focused />
      <Field name="invitation" label={words("enter.invitation")} note={words("enter.if_asked")} />
    </Form>
  );
}

/** Not seen: password managers keep the password under it. */
function UserName({ name }: { readonly name: string }): VNode {
  return <input type="text" name="username" autocomplete="username" value={name} hidden readOnly />;
}

function Password({ screen, onCancel, onDone }: Part): VNode {
  const doing = useDoing();
  return (
    <Form
      doing={doing}
      does={words("account.password")}
      onCancel={onCancel}
      onSend={async (form) => {
        await screen.chat.ask({
          kind: "change_password",
          password: textOf(form, "password"),
          new_password: newPasswordOf(form),
        });
        onDone(words("account.password_done"));
      }}
    >
      <UserName name={screen.chat.me.value.name} />
      <OldPassword />
      <NewPassword />
    </Form>
  );
}

function TotpOn({ screen, onCancel, onDone }: Part): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const made = useSignal<
    { secret: Uint8Array<ArrayBuffer>; password: string; codes: readonly string[] } | undefined
  >(undefined);
  const isOn = useSignal(false);
  if (!made.value) {
    return (
      <Step text={words("totp.begin")}>
        <Form
          doing={doing}
          does={words("dialog.next")}
          onCancel={onCancel}
          onSend={async (form) => {
            const password = textOf(form, "password");
            made.value = { secret: newTotpSecret(), codes: newRecoveryCodes(), password };
          }}
        >
          <OldPassword />
        </Form>
      </Step>
    );
  }
  const { secret, password, codes } = made.value;
  if (isOn.value) {
    return (
      <Step text={words("totp.codes")}>
        <Copied text={codes.join("\n")} />
        <p class="buttons">
          <button type="button" class="main" onClick={() => onDone(words("totp.done"))}>
            {words("totp.kept")}
          </button>
        </p>
      </Step>
    );
  }
  return (
    <Step text={words("totp.give")}>
      <p>
        <a href={keyUri(chat.me.value.name, secret)}>{words("totp.link")}</a>
      </p>
      <Copied text={asBase32(secret)} />
      <Form
        doing={doing}
        does={words("account.totp-on")}
        onCancel={onCancel}
        onSend={async (form) => {
          const code = oneTimeCode(textOf(form, "code"));
          const encoder = new TextEncoder();
          const recovery = await Promise.all(codes.map((each) => digest(encoder.encode(each))));
          await chat.ask({ kind: "enable_totp", secret, code, password, recovery });
          isOn.value = true;
        }}
      >
        <Field
          name="code"
          label={words("totp.code")}
          autocomplete="one-time-code"
          numeric
          required
          focused
        />
      </Form>
    </Step>
  );
}

function Step({ text, children }: { readonly text: string; readonly children: ComponentChildren }) {
  return (
    <>
      <p>{text}</p>
      {children}
    </>
  );
}

function TotpOff({ screen, onCancel, onDone }: Part): VNode {
  const doing = useDoing();
  return (
    <Form
      doing={doing}
      does={words("account.totp-off")}
      harms
      onCancel={onCancel}
      onSend={async (form) => {
        await screen.chat.ask({ kind: "disable_totp", password: textOf(form, "password") });
        onDone(words("totp.off_done"));
      }}
    >
      <OldPassword />
    </Form>
  );
}

function Delete({ screen, onCancel }: Part): VNode {
  const { chat } = screen;
  const doing = useDoing();
  return (
    <Step text={words("account.what_stays")}>
      <Form
        doing={doing}
        does={words("account.delete-account")}
        harms
        onCancel={onCancel}
        onSend={async (form) => {
          if (userName(textOf(form, "name").trim()) !== chat.me.value.name) {
            throw new RangeError(words("account.not_your_name"));
          }
          await chat.ask({ kind: "delete_account", password: textOf(form, "password") });
          await chat.logOut();
        }}
      >
        <OldPassword />
        <Field name="name" label={words("account.confirm_name")} required />
      </Form>
    </Step>
  );
}

function LogOut({ screen, onCancel }: Part): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const { guest } = chat.me.value;
  return (
    <Step text={words(guest ? "log_out.guest" : "log_out.question")}>
      {chat.unconfirmed.value > 0 && (
        <p class="warm">{words("log_out.waiting", { count: chat.unconfirmed.value })}</p>
      )}
      <Form
        doing={doing}
        does={words("log_out.does")}
        harms={guest}
        onCancel={onCancel}
        onSend={() => chat.logOut()}
      >
        {!guest && (
          <p>
            <button type="button" onClick={() => doing.run(() => chat.logOut(true))}>
              {words("log_out.all")}
            </button>
          </p>
        )}
      </Form>
    </Step>
  );
}
