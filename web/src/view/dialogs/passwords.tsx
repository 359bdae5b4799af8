import type { VNode } from "preact";

import * as LIMITS from "../../protocol/limits.ts";
import { words } from "../../text/text.ts";
import { Field, textOf } from "./form.tsx";

/** Twice, since what is typed is not seen. */
export function NewPassword({ focused = false }: { readonly focused?: boolean }): VNode {
  return (
    <>
      <Field
        name="new"
        type="password"
        label={words("password.new")}
        note={words("password.note", { min: LIMITS.PASSWORD_CHARS_MIN })}
        autocomplete="new-password"
        maxLength={LIMITS.PASSWORD_CHARS_MAX}
        required
        focused={focused}
      />
      <Field
        name="again"
        type="password"
        label={words("password.again")}
        autocomplete="new-password"
        maxLength={LIMITS.PASSWORD_CHARS_MAX}
        required
      />
    </>
  );
}

/** What both fields of it say. Throws a `RangeError` with a sentence. */
export function newPasswordOf(form: HTMLFormElement): string {
  const password = textOf(form, "new");
  if (Array.from(password).length < LIMITS.PASSWORD_CHARS_MIN) {
    throw new RangeError(words("password.short", { min: LIMITS.PASSWORD_CHARS_MIN }));
  }
  if (password !== textOf(form, "again")) throw new RangeError(words("password.differ"));
  return password;
}
