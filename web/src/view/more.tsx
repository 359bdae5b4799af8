/** What is loaded once the first room is seen: dialogs, panels, commands, completion, emoji. */

export { beginsWithEmoji, emojied } from "../commands/emoji.ts";
export { createCompleter } from "./completing.tsx";
export { run } from "./commanding.ts";
export { Dialogs } from "./dialogs/dialogs.tsx";
export { Members } from "./panels/members.tsx";
export { Pins } from "./panels/pins.tsx";
export { Search } from "./panels/search.tsx";
