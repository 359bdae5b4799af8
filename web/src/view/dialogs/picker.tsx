import type { VNode } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Option {
  /** What is picked; no two are the same. */
  readonly value: string;
  readonly name: string;
  readonly note: string;
  readonly strong?: boolean;
}

interface Properties {
  readonly label: string;
  readonly placeholder?: string;
  readonly begun?: string;
  /** What fits what is typed, best first. */
  readonly options: (query: string) => readonly Option[];
  readonly onPick: (option: Option) => void;
  /** Said in the place of options while there are none. */
  readonly none: string;
  /** So many stand in a row; a list has one. */
  readonly columns?: number;
}

/** A field, and below it what fits: arrows choose, Enter picks. */
export function Picker(properties: Properties): VNode {
  const { label, placeholder, begun = "", options, onPick, none, columns = 1 } = properties;
  const [query, setQuery] = useState(begun);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const found = options(query);
  const chosen = Math.min(at, found.length - 1);
  useLayoutEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen, query]);

  const move = (by: number) => setAt(Math.max(0, Math.min(found.length - 1, chosen + by)));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    const by = steps(event, columns);
    if (by !== undefined) move(by);
    else if (event.key === "Enter") {
      const option = found[chosen];
      if (option) onPick(option);
    } else return;
    event.preventDefault();
  };
  return (
    <div class={columns > 1 ? "picker grid" : "picker"}>
      <input
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        placeholder={placeholder ?? label}
        value={query}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        autofocus
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul ref={list} id={id} role="listbox" aria-label={label}>
        {found.map((option, index) => (
          <li
            key={option.value}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            title={columns > 1 ? option.note : undefined}
            aria-label={columns > 1 ? option.note : undefined}
            // The field keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onMouseMove={() => setAt(index)}
            onClick={() => onPick(option)}
          >
            <span class={option.strong ? "name strong" : "name"} dir="auto">
              {option.name}
            </span>
            {columns === 1 && (
              <span class="note" dir="auto">
                {option.note}
              </span>
            )}
          </li>
        ))}
      </ul>
      <p class="note" aria-live="polite">
        {found.length === 0 ? none : columns > 1 ? found[chosen]?.note : ""}
      </p>
    </div>
  );
}

/** How far an arrow goes. */
function steps(event: KeyboardEvent, columns: number): number | undefined {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const sideways = columns > 1 && (event.target as HTMLInputElement).value === "";
  switch (event.key) {
    case "ArrowDown":
      return columns;
    case "ArrowUp":
      return -columns;
    case "ArrowRight":
      return sideways ? 1 : undefined;
    case "ArrowLeft":
      return sideways ? -1 : undefined;
    case "PageDown":
      return 8 * columns;
    case "PageUp":
      return -8 * columns;
    default:
      return undefined;
  }
}
