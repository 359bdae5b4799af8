import type { VNode } from "preact";

import { words } from "../../text/more.ts";
import { Icon } from "../icons.tsx";
import type { Screen } from "../screen.ts";

/** Above what stands at the right. */
export function PanelHead({
  screen,
  title,
}: {
  readonly screen: Screen;
  readonly title: string;
}): VNode {
  // On a narrow page it is all that is seen.
  const Heading = screen.narrow.value ? "h1" : "h2";
  return (
    <header class="bar panel-head">
      <Heading>{title}</Heading>
      <button
        type="button"
        class="tool"
        title={words("dialog.close")}
        onClick={() => {
          screen.panel.value = undefined;
          screen.write();
        }}
      >
        <Icon name="close" />
      </button>
    </header>
  );
}
