import type { VNode } from "preact";

/** Lines on a grid of 16, drawn in the colour of the text around them. */
const PATHS = {
  back: "M10 3 5 8l5 5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  delete: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5 5 13h6l.5-8.5M7 7v3.5M9 7v3.5",
  down: "M8 3v10M4 9l4 4 4-4",
  edit: "M3 13l.7-2.8L10.5 3.4l2.1 2.1-6.8 6.8zM9.2 4.7l2.1 2.1",
  keys: "M2 4.5h12v7H2zM4.5 7h.01M7 7h.01M9.5 7h.01M12 7h-.5M5 9.3h6",
  link: "M9 3h4v4M13 3 7.5 8.5M11 9v4H3V5h4",
  list: "M3 4h10M3 8h10M3 12h10",
  members:
    "M6 7.5a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4M2 13c.3-2.6 1.8-4 4-4s3.700 1.400 4 4M10.500 7.300a1.900 1.900 0 1 0 0-3.700M12 9.500c1.200.5 1.900 1.700 2 3.500",
  pin: "M6 2.500h4M6.700 2.500v4L4.500 9h7L9.300 6.500v-4M8 9v4.500",
  plus: "M8 3v10M3 8h10",
  react:
    "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M5.500 9.500c1.300 1.800 3.700 1.800 5 0M6 6.300v.4M10 6.300v.4",
  reply: "M6.500 3.500 3 7l3.500 3.500M3 7h6a4 4 0 0 1 4 4v1.500",
  search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9M10.300 10.300 13.500 13.500",
  send: "M3 8h9M8.500 4 12.500 8l-4 4",
  settings: "M2.500 4.500h6M11.500 4.500h2M10 3v3M2.500 11.500h2M7.500 11.500h6M6 10v3",
  unread: "M2.500 4h11v8h-11zM2.500 4.500 8 9l5.500-4.500",
  up: "M8 13V3M4 7l4-4 4 4",
  versions: "M8 4.500V8l2.500 1.500M3 8a5 5 0 1 0 1.600-3.700M3 2.800v2.400h2.400",
} as const;

export type IconName = keyof typeof PATHS;

/** Beside or in place of a word; it says nothing by itself. */
export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
