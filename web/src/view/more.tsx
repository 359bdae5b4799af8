/**
 * What is loaded once the first room is seen: dialogs, panels, commands, completion, emoji,
 * keys of the whole page, and notifications.
 */

export { beginsWithEmoji, emojied } from "../commands/emoji.ts";
export { createCompleter } from "./completing.tsx";
export { run } from "./commanding.ts";
export { Dialogs } from "./dialogs/dialogs.tsx";
export { followKeys } from "./keys.ts";
export { notify } from "./notifying.ts";
export { Members } from "./panels/members.tsx";
export { Pins } from "./panels/pins.tsx";
export { Search } from "./panels/search.tsx";
