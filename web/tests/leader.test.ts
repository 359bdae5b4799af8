/** What the leading tab does with what was said, against a server that the test is. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Leader, type Outlet } from "../src/client/leader.ts";
import { Line } from "../src/client/line.ts";
import { ClientCore } from "../src/core/machine.ts";
import type { ServerMessage } from "../src/protocol/messages.ts";
import { pack, Unpacker, type Packable } from "../src/protocol/msgpack.ts";
import { Ledger } from "../src/storage/ledger.ts";
import { MemoryStore } from "../src/storage/memory.ts";
import { state } from "./reading.ts";

type Said = ReadonlyMap<string, unknown>;

/** A socket whose other end is the test. */
class Socket {
  static newest: Socket;
  binaryType = "";
  readonly said: Said[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor() {
    Socket.newest = this;
  }

  send(bytes: Uint8Array): void {
    const values = new Unpacker(bytes);
    while (values.at < bytes.length) this.said.push(values.next() as Said);
  }

  close(): void {}

  hear(message: Partial<ServerMessage>): void {
    this.onmessage?.({ data: pack(message as Packable).buffer });
  }

  of(kind: string): readonly Said[] {
    return this.said.filter((each) => each.get("kind") === kind);
  }
}

interface Led {
  readonly leader: Leader;
  readonly store: MemoryStore;
  readonly socket: Socket;
  readonly end: { isLoggedOut: boolean };
  begin(): Promise<void>;
}

async function leading(): Promise<Led> {
  (globalThis as { WebSocket: unknown }).WebSocket = Socket;
  const store = new MemoryStore();
  const { prefix } = await store.load();
  const { term, position } = await store.claim();
  const core = new ClientCore({ name: "ann", noncePrefix: prefix, software: "test" });
  const line = new Line(core, "ws://test/", () => undefined);
  const end = { isLoggedOut: false };
  const outlet: Outlet = {
    heard: () => new Set(),
    tell: () => undefined,
    connection: () => undefined,
    states: () => [],
    notice: (text) => assert.fail(text),
    deposed: () => assert.fail("deposed"),
    loggedOut: () => (end.isLoggedOut = true),
  };
  const ledger = new Ledger("ann", position);
  const leader = new Leader(core, line, { store, ledger, term, prefix }, outlet);
  leader.start();
  const socket = Socket.newest;
  const begin = async (): Promise<void> => {
    socket.onopen?.();
    const id = socket.of("log_in")[0]?.get("id") as number;
    const logs = [state("#lobby", 0, 0), state("@ann", 0, 0)];
    socket.hear({ kind: "logged_in", id, name: "ann", guest: true, logs, since_ms: 1 });
    await turns();
  };
  return { leader, store, socket, end, begin };
}

/** Until all that waits for nothing else has happened. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function answerAll(socket: Socket): Promise<void> {
  for (let at = 0; at < socket.said.length; at += 1) {
    const said = socket.said[at] as Said;
    if (said.get("kind") === "hello" || said.get("kind") === "log_in") continue;
    socket.hear({ kind: "done", id: said.get("id") as number, log: "#lobby", sequence: at });
    await turns();
  }
}

function texts(socket: Socket): readonly unknown[] {
  return socket.of("post").map((each) => each.get("text"));
}

const post = (text: string) => ({ kind: "post", room: "lobby", text }) as const;

test("what is said while somebody waits to be logged out is sent before", async (t) => {
  const { leader, store, socket, end, begin } = await leading();
  t.after(() => leader.stop());
  await store.say(post("one"), undefined);
  await leader.logOut();
  await store.say(post("two"), undefined);
  await leader.pump();
  await begin();
  await answerAll(socket);
  assert.deepEqual(texts(socket), ["one", "two"]);
  assert.equal(socket.said.at(-1)?.get("kind"), "log_out");
  assert.ok(end.isLoggedOut);
});

test("thousands of messages leave room for the rest, and go out in order", async (t) => {
  const { leader, store, socket, begin } = await leading();
  t.after(() => leader.stop());
  const all = Array.from({ length: 10_500 }, (_, at) => `${at}`);
  for (const text of all) await store.say(post(text), undefined);
  await leader.pump();
  await begin();
  for (let at = 0; at < socket.said.length; at += 1) {
    const said = socket.said[at] as Said;
    if (said.get("kind") === "post") {
      socket.hear({ kind: "done", id: said.get("id") as number, log: "#lobby", sequence: at });
    }
    if (at === socket.said.length - 1) await turns();
  }
  assert.deepEqual(texts(socket), all);
  assert.equal(socket.of("list_rooms").length, 1);
});

test("what a tab wrote that ended before it could say so is sent when somebody looks", async (t) => {
  const { leader, store, socket, begin } = await leading();
  t.after(() => leader.stop());
  await begin();
  await store.say(post("and gone"), undefined);
  leader.wake();
  await turns();
  assert.deepEqual(texts(socket), ["and gone"]);
});
