/** The same lines as the terminal's parser reads: `lines.json` has what that makes of them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Action } from "../src/commands/actions.ts";
import { escaped, isCommand, isSecret, saidOf } from "../src/commands/said.ts";
import { parse } from "../src/commands/table.ts";
import { COMMANDS } from "../src/protocol/commands.ts";
import written from "./lines.json" with { type: "json" };

type Plain = Readonly<Record<string, unknown>>;

const ROOMS = new Set(written.rooms);
const ASKED: Readonly<Record<string, string>> = {
  register: "Register",
  password: "ChangePassword",
  "totp-off": "DisableTotp",
  "delete-account": "DeleteAccount",
};
const DOES: Readonly<Record<string, string>> = {
  "show-topic": "ShowTopic",
  "show-mode": "ShowMode",
  help: "ShowHelp",
  ping: "MeasurePing",
  whoami: "ShowWhoAmI",
  quit: "Quit",
  nothing: "Nothing",
  "app-token": "MakeAppToken",
  report: "Report",
  "remove-said": "RemoveSaid",
  "log-out": "LogOutDevice",
};

/** As `browser_parity.py` writes it. */
function plain(action: Action): Plain {
  switch (action.does) {
    case "send":
      return { send: action.draft, done: action.done, lasts_s: action.lastsS ?? null };
    case "to-message":
      return { to_message: action.log, which: action.which, draft: action.draft("#tea", 7) };
    case "mistake":
      return { mistake: action.text };
    case "ask":
      if (action.what === "totp-on") return { does: "EnrolTotp" };
      return { ask: ASKED[action.what] };
    case "help":
      return { does: "ShowHelp" };
    default: {
      const { does, ...fields } = action;
      return { does: DOES[does], ...fields };
    }
  }
}

/** Requests are compared by what the wire says: a field may be left out where it has its default. */
function sameRequest(ours: Plain, theirs: Plain): void {
  for (const [name, value] of Object.entries(theirs)) {
    const own = ours[name];
    if (own !== undefined || name === "kind") assert.deepEqual(own, value, name);
    else assert.ok([null, "", 0, false, 20].includes(value as never), `${name} is left out`);
  }
  for (const name of Object.keys(ours)) assert.ok(name in theirs, `${name} is too much`);
}

for (const { line, action } of written.lines as readonly { line: string; action?: Plain }[]) {
  test(`reads ${JSON.stringify(line).slice(0, 80)}`, () => {
    const ours = plain(parse(line, ROOMS));
    const theirs = action ?? { does: "Nothing" };
    const { send, draft, ...rest } = theirs as { send?: Plain; draft?: Plain } & Plain;
    const { send: ownSend, draft: ownDraft, ...ownRest } = ours as typeof theirs;
    assert.deepEqual(ownRest, rest);
    if (send) sameRequest(ownSend as Plain, send);
    if (draft) sameRequest(ownDraft as Plain, draft);
  });
}

for (const { text, command, says, escaped: doubled, secret } of written.said) {
  test(`says ${JSON.stringify(text)}`, () => {
    assert.equal(isCommand(text), command);
    assert.equal(saidOf(text), says);
    assert.equal(escaped(text), doubled);
    assert.equal(isSecret(text), secret);
  });
}

test("every command of the table is among the lines", () => {
  const typed = new Set(written.lines.map(({ line }) => /^:([^\s]*)/.exec(line)?.[1]));
  assert.deepEqual(
    COMMANDS.filter(({ name }) => !typed.has(name)),
    [],
  );
});
