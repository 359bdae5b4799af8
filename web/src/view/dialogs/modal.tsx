import type { ComponentChildren, VNode } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

import { words } from "../../text/more.ts";
import { Icon } from "../icons.tsx";

interface Properties {
  readonly title: string;
  readonly onClose: () => void;
  /** How much of a wide page it takes: a form, or what needs room. */
  readonly size?: "small" | "wide";
  /** Is told of each key before what is in it. */
  readonly onKey?: ((event: KeyboardEvent) => void) | undefined;
  readonly children: ComponentChildren;
}

/** In front of the page, which takes no key or click until it is closed; then the focus is back where it
 * was. */
export function Modal({ title, onClose, size = "small", onKey, children }: Properties): VNode {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (!(before instanceof HTMLElement) || !before.isConnected) return;
      // The dialog itself gives the focus back, but in Chromium the cursor stays in a field that is gone: what is
      // typed would be lost. Only a focus that is new brings it.
      before.blur();
      before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`modal ${size}`}
      aria-labelledby={id}
      onCancel={(event) => {
        // Of something in it that is cancelled, as a choice of files, the dialog hears as well.
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose();
      }}
      {...(onKey ? { onKeyDownCapture: onKey } : {})}
      onMouseDown={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div class="modal-inside">
        <header class="modal-head">
          <h2 id={id} dir="auto">
            {title}
          </h2>
          <button type="button" class="tool" title={words("dialog.close")} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
