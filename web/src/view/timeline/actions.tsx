import { useComputed, type ReadonlySignal } from "@preact/signals";
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import { words } from "../../text/text.ts";
import { Icon } from "../icons.tsx";
import type { Screen } from "../screen.ts";
import { act, BUTTONS, obstacle } from "./acts.ts";
import type { Place } from "./keys.ts";
import type { Row } from "./rows.ts";

/**
 * What can be done to the message under the pointer, or to the selected one: one row of buttons for
 * all, which stands beside it, and on a narrow page at the bottom.
 */
export function Actions({
  screen,
  place,
  pointed,
  rows,
}: {
  screen: Screen;
  place: Place;
  pointed: ReadonlySignal<string>;
  rows: readonly Row[];
}): VNode | null {
  const bar = useRef<HTMLDivElement>(null);
  const key = useComputed(() => pointed.value || screen.selected.value).value;
  const row = rows.find((each) => each.key === key);
  const item = row !== undefined && row.folded.length === 0 ? row.item : undefined;

  useLayoutEffect(() => {
    const element = place.element(key);
    if (bar.current === null || element === undefined) return;
    const message = element.lastElementChild as HTMLElement;
    bar.current.style.top = `${element.offsetTop + message.offsetTop}px`;
  });

  if (item?.type !== "said" || item.delivery !== "done" || item.deletedBy) return null;
  return (
    <div
      class="actions"
      ref={bar}
      role="toolbar"
      aria-label={words("act.label")}
      data-row={key}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        place.select(key);
      }}
    >
      {BUTTONS.filter(({ act: what }) => obstacle(screen, what, item) === undefined).map((each) => (
        <button
          type="button"
          key={each.act}
          title={`${words(each.phrase)} (${each.key})`}
          aria-keyshortcuts={each.key}
          onClick={(event) => {
            event.stopPropagation();
            void act(screen, each.act, item);
          }}
        >
          <Icon name={each.icon} />
          <span class="word">{words(each.phrase)}</span>
        </button>
      ))}
    </div>
  );
}
