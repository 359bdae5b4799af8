/** What the core has for browsers alone; all else is compared with ours in `traces.test.ts`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, encode as pack } from "@msgpack/msgpack";

import type { Effect } from "../src/core/events.ts";
import { ClientCore } from "../src/core/machine.ts";
import type { Options } from "../src/core/machine.ts";
import { nonce } from "../src/protocol/nonces.ts";
import { plain } from "./plain.ts";

const PREFIX = new TextEncoder().encode("prefix--");

type Message = Readonly<Record<string, unknown>> & { readonly kind: string };

function newCore(options: Partial<Options> = {}): ClientCore {
  return new ClientCore({ name: "ann", noncePrefix: PREFIX, software: "test", ...options });
}

function sent(core: ClientCore): readonly Message[] {
  return core.takeOutgoing().map((frame) => decode(frame) as Message);
}

function kinds(effects: readonly Effect[]): readonly string[] {
  return effects.map((effect) => effect.kind);
}

function receive(core: ClientCore, now: number, ...messages: readonly Message[]): void {
  core.received(Buffer.concat(messages.map((message) => pack(message))), now);
}

/** Up to the session's begin; returns what was said for it. */
function logIn(core: ClientCore, now: number): readonly Message[] {
  core.tick(now);
  core.connected(now);
  const said = sent(core);
  const id = said.find((message) => message.kind === "log_in")?.["id"];
  const loggedIn = { kind: "logged_in", id, name: "ann", guest: true, logs: [] };
  receive(core, now, { kind: "welcome", version: 1, software: "test" }, loggedIn);
  core.takeEffects();
  return said;
}

test("without a token it leaves that to the door", () => {
  const [, login] = logIn(newCore(), 0);
  assert.deepEqual(login, { kind: "log_in", id: 1, name: "ann" });
});

test("a command whose nonce was drawn before keeps it, and later ones come after it", () => {
  const core = newCore({ nonceNumber: 40 });
  logIn(core, 0);
  core.submit({ kind: "post", room: "ops", text: "kept", nonce: nonce(PREFIX, 38) }, 0);
  core.submit({ kind: "post", room: "ops", text: "new" }, 0);
  core.submit({ kind: "post", room: "ops", text: "of a tab", nonce: nonce(PREFIX, 50) }, 0);
  core.submit({ kind: "list_rooms" }, 0);
  core.submit({ kind: "post", room: "ops", text: "newer" }, 0);
  assert.deepEqual(
    sent(core).map((message) => plain(message["nonce"])),
    [nonce(PREFIX, 38), nonce(PREFIX, 41), nonce(PREFIX, 50), undefined, nonce(PREFIX, 51)].map(
      plain,
    ),
  );
});

test("a nonce of another client's says nothing about the own ones", () => {
  const core = newCore();
  logIn(core, 0);
  const others = nonce(new Uint8Array(8), 1000);
  core.submit({ kind: "post", room: "ops", text: "kept", nonce: others }, 0);
  const id = core.submit({ kind: "post", room: "ops", text: "new" }, 0);
  assert.deepEqual(plain(sent(core)[1]?.["nonce"]), plain(nonce(PREFIX, id)));
});

test("a page that wakes up asks at once, and gives an open socket three seconds", () => {
  const core = newCore();
  logIn(core, 0);
  core.wake(1000);
  assert.deepEqual(
    sent(core).map((message) => message.kind),
    ["ping"],
  );
  assert.equal(core.nextCallAt(), 1003);
  core.tick(1002.9);
  assert.equal(core.state, "online");
  core.tick(1003);
  assert.deepEqual(kinds(core.takeEffects()), ["connection_lost", "close_connection"]);
});

test("a socket that answers is left as it is", () => {
  const core = newCore();
  logIn(core, 0);
  core.wake(1000);
  receive(core, 1001, { kind: "pong", id: sent(core)[0]?.["id"] });
  core.tick(1010);
  assert.equal(core.state, "online");
  assert.equal(core.latencyS, 1);
});

test("who wakes up again and again asks once, and does not put off the end", () => {
  const core = newCore();
  logIn(core, 0);
  for (const now of [100, 101, 102]) core.wake(now);
  assert.equal(sent(core).length, 1);
  core.tick(103);
  assert.equal(core.state, "closing");
});

test("a server that has said how long it hears nothing has three seconds after that", () => {
  const core = newCore();
  logIn(core, 0);
  receive(core, 1, { kind: "slowed_down", wait_ms: 9_000 });
  core.wake(5);
  core.tick(12.9);
  assert.equal(core.state, "online");
  core.tick(13);
  assert.equal(core.state, "closing");
});

test("a page that wakes up without a connection does not wait for the next", () => {
  const core = newCore();
  for (let now = 0; now < 100; now += 10) {
    core.tick(now);
    core.disconnected(now, 0);
  }
  assert.equal(core.nextCallAt(), 100);
  core.takeEffects();
  core.wake(91);
  core.tick(91);
  assert.deepEqual(kinds(core.takeEffects()), ["open_connection"]);
});

test("a wait that the server has asked for is waited all the same", () => {
  const core = newCore();
  logIn(core, 0);
  const reason = "Too many.";
  receive(core, 0, { kind: "refused", id: null, code: "too_fast", reason, retry_after_ms: 30_000 });
  core.disconnected(0, 0);
  core.wake(5);
  core.tick(5);
  assert.equal(core.nextCallAt(), 30);
});

test("a socket that never opens is given up in time, and sooner if somebody looks", () => {
  const core = newCore({ connectTimeoutS: 10 });
  core.tick(0);
  assert.equal(core.nextCallAt(), 10);
  core.takeEffects();
  core.wake(2);
  assert.equal(core.nextCallAt(), 5);
  core.tick(4.9);
  assert.equal(core.state, "connecting");
  core.tick(5);
  assert.deepEqual(kinds(core.takeEffects()), ["close_connection"]);
  core.disconnected(5, 0);
  assert.deepEqual(kinds(core.takeEffects()), ["connection_failed"]);
  core.tick(6);
  assert.equal(core.nextCallAt(), 16);
});
