/** What forms share: fields with their labels, and doing something that may be refused. */

import { useSignal, type ReadonlySignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

import { RefusedError } from "../../chat.ts";
import { words } from "../../text/text.ts";

export interface Doing {
  readonly busy: ReadonlySignal<boolean>;
  /** Why it was not done, as a sentence; empty while nothing is wrong. */
  readonly trouble: ReadonlySignal<string>;
  /** Does one thing at a time; what it rejects with stands in `trouble`. */
  run(what: () => Promise<void>): void;
}

export function useDoing(): Doing {
  const busy = useSignal(false);
  const trouble = useSignal("");
  const run = (what: () => Promise<void>) => {
    if (busy.peek()) return;
    busy.value = true;
    trouble.value = "";
    what()
      .catch((error: unknown) => (trouble.value = reasonOf(error)))
      .finally(() => (busy.value = false));
  };
  return { busy, trouble, run };
}

/** A sentence with its capital and its full stop. Anything but a refusal is a mistake of the client. */
export function reasonOf(error: unknown): string {
  const isKnown = error instanceof RefusedError || error instanceof RangeError;
  if (!isKnown) console.error(error);
  const text = isKnown ? error.message : words("dialog.our_mistake");
  const whole = /[.!?…]$/.test(text) ? text : `${text}.`;
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}

/** Always there, so that a screen reader hears of what comes. */
export function Trouble({ of }: { of: Doing }): VNode {
  return (
    <p class="refusal" role="alert">
      {of.trouble}
    </p>
  );
}

interface FieldProperties {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "password" | "date";
  /** What a browser and its password manager take it for. */
  readonly autocomplete?: string;
  readonly value?: string;
  readonly note?: string;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly required?: boolean;
  readonly focused?: boolean;
  readonly numeric?: boolean;
  readonly onInput?: (value: string) => void;
}

export function Field(properties: FieldProperties): VNode {
  const { name, label, type = "text", note, focused = false, numeric, onInput } = properties;
  const { autocomplete = "off", value, maxLength, minLength, required = false } = properties;
  const id = useId();
  const element = useRef<HTMLInputElement>(null);
  // Also of one that comes later, as the field for a code that is asked for.
  useLayoutEffect(() => {
    if (focused) element.current?.focus();
  }, [focused]);
  return (
    <p class="field-row">
      <label for={id}>{label}</label>
      <input
        ref={element}
        id={id}
        name={name}
        // The types know of each kind of field by itself only.
        type={type as "text"}
        autocomplete={autocomplete}
        {...(value === undefined ? {} : { defaultValue: value })}
        {...(maxLength === undefined ? {} : { maxLength })}
        {...(minLength === undefined ? {} : { minLength })}
        {...(numeric ? { inputmode: "numeric" as const } : {})}
        {...(note ? { "aria-describedby": `${id}-note` } : {})}
        required={required}
        autofocus={focused}
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => onInput?.(event.currentTarget.value)}
      />
      {note && (
        <small id={`${id}-note`} class="note">
          {note}
        </small>
      )}
    </p>
  );
}

/** The text of a field when its form is sent. */
export function textOf(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value : "";
}

export function isChecked(form: HTMLFormElement, name: string): boolean {
  return new FormData(form).has(name);
}

interface FormProperties {
  readonly doing: Doing;
  /** What the button says, and whether it does harm. */
  readonly does: string;
  readonly harms?: boolean;
  /** Where there is no field to begin with: which button Enter presses. */
  readonly begins?: "does" | "cancel";
  readonly onSend: (form: HTMLFormElement) => Promise<void>;
  readonly onCancel?: () => void;
  readonly children?: ComponentChildren;
}

export function Form(properties: FormProperties): VNode {
  const { doing, does, harms, begins, onSend, onCancel, children } = properties;
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        doing.run(() => onSend(form));
      }}
    >
      {children}
      <Trouble of={doing} />
      <p class="buttons">
        {onCancel && (
          <button type="button" autofocus={begins === "cancel"} onClick={onCancel}>
            {words("dialog.cancel")}
          </button>
        )}
        <button
          type="submit"
          class={harms ? "harms" : "main"}
          autofocus={begins === "does"}
          disabled={doing.busy}
        >
          {does}
        </button>
      </p>
    </form>
  );
}

interface ChoiceProperties<T extends string> {
  readonly name: string;
  readonly legend: string;
  readonly chosen: T;
  readonly choices: readonly (readonly [value: T, label: string])[];
  readonly onChoose: (value: T) => void;
}

/** One of a few. */
export function Choices<T extends string>(properties: ChoiceProperties<T>): VNode {
  const { name, legend, chosen, choices, onChoose } = properties;
  return (
    <fieldset class="choices">
      <legend>{legend}</legend>
      {choices.map(([value, label]) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            value={value}
            checked={value === chosen}
            onChange={() => onChoose(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Check(properties: {
  readonly name: string;
  readonly label: string;
  readonly checked?: boolean;
  readonly onChange?: (checked: boolean) => void;
}): VNode {
  const { name, label, checked = false, onChange } = properties;
  return (
    <label class="check">
      <input
        type="checkbox"
        name={name}
        defaultChecked={checked}
        onChange={(event) => onChange?.(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
