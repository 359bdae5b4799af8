import type { VNode } from "preact";

import { words } from "../../text/more.ts";
import { KEYS, PLACES } from "./key_list.ts";
import { Modal } from "./modal.tsx";

/** All keys, by where they work. */
export function Keys({ onClose }: { readonly onClose: () => void }): VNode {
  return (
    <Modal title={words("keys.title")} size="wide" onClose={onClose}>
      <div class="keys" tabIndex={0} role="region" aria-label={words("keys.title")}>
        {PLACES.map((place) => (
          <section key={place}>
            <h3>{words(`keys.${place}`)}</h3>
            <dl>
              {KEYS.filter((binding) => binding.where === place).map(({ does, keys }) => (
                <div key={does}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{words(does)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
