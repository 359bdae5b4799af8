// A client in Node without any library, written from docs/protocol.md alone.
//
//     node docs/clients/node.mjs NAME [ROOM] < lines.txt
//
// It joins ROOM, or stays in the lobby, says each line of its input there, and prints each entry that
// it gets as a line of JSON. After the input it waits for the answers, says goodbye, and ends: with
// 0, with 1 if something was refused, and with 3 if it was not let in. Whatever connection breaks
// meanwhile, each line is said once and in order, and each entry is printed once and in order.
//
// ZCHAT_ADDRESS is HOST:PORT, else 127.0.0.1:7447; on another machine it speaks TLS. ZCHAT_TOKEN is an
// app token of NAME as `zchat-client` shows it, which goes to its own cluster alone; without one NAME
// is a guest's.

import { randomBytes } from "node:crypto";
import { connect as connectPlain } from "node:net";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { pathToFileURL } from "node:url";

// --- MessagePack --------------------------------------------------------------------------------

/** Nothing, booleans, integers, strings, binary, arrays and objects: all that the protocol has. */
export function encode(value) {
  const parts = [];
  write(value, parts);
  return Buffer.concat(parts);
}

function write(value, parts) {
  if (value === null) parts.push(Buffer.of(0xc0));
  else if (typeof value === "boolean") parts.push(Buffer.of(value ? 0xc3 : 0xc2));
  else if (typeof value === "number") parts.push(writeInteger(value));
  else if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8");
    parts.push(head(bytes.length, [0xa0, 31], [0xd9, 0xda, 0xdb]), bytes);
  } else if (value instanceof Uint8Array) {
    parts.push(head(value.length, null, [0xc4, 0xc5, 0xc6]), value);
  } else if (Array.isArray(value)) {
    parts.push(head(value.length, [0x90, 15], [null, 0xdc, 0xdd]));
    for (const item of value) write(item, parts);
  } else {
    const entries = Object.entries(value);
    parts.push(head(entries.length, [0x80, 15], [null, 0xde, 0xdf]));
    for (const [key, item] of entries) {
      write(key, parts);
      write(item, parts);
    }
  }
}

/** What a length begins with: short ones in the first byte, others in 1, 2 or 4 bytes of their own. */
function head(length, short, kinds) {
  if (short && length <= short[1]) return Buffer.of(short[0] | length);
  if (kinds[0] !== null && length < 0x100) return Buffer.of(kinds[0], length);
  if (length < 0x10000) return Buffer.of(kinds[1], length >> 8, length & 0xff);
  const bytes = Buffer.alloc(5);
  bytes[0] = kinds[2];
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function writeInteger(value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not sent here`);
  if (value < 0x80) return Buffer.of(value);
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcf;
  bytes.writeBigUInt64BE(BigInt(value), 1);
  return bytes;
}

class Incomplete extends Error {}

/** Takes whole values out of a stream of bytes that comes in any pieces. */
export class Decoder {
  #bytes = Buffer.alloc(0);
  #at = 0;

  /** The values that these bytes complete. */
  *feed(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      this.#at = 0;
      let value;
      try {
        value = this.#value();
      } catch (error) {
        if (error instanceof Incomplete) return;
        throw error;
      }
      this.#bytes = this.#bytes.subarray(this.#at);
      yield value;
    }
  }

  #take(length) {
    if (this.#bytes.length < this.#at + length) throw new Incomplete();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #unsigned(length) {
    const bytes = this.#take(length);
    return length === 8 ? Number(bytes.readBigUInt64BE()) : bytes.readUIntBE(0, length);
  }

  #signed(length) {
    const bytes = this.#take(length);
    return length === 8 ? Number(bytes.readBigInt64BE()) : bytes.readIntBE(0, length);
  }

  #string = (length) => this.#take(length).toString("utf8");
  #binary = (length) => Buffer.from(this.#take(length));
  #array = (length) => Array.from({ length }, () => this.#value());

  #map(length) {
    const map = Object.create(null); // A reaction may be called "__proto__".
    for (let number = 0; number < length; number++) map[this.#value()] = this.#value();
    return map;
  }

  #value() {
    const kind = this.#take(1)[0];
    if (kind < 0x80) return kind;
    if (kind < 0x90) return this.#map(kind & 0x0f);
    if (kind < 0xa0) return this.#array(kind & 0x0f);
    if (kind < 0xc0) return this.#string(kind & 0x1f);
    if (kind >= 0xe0) return kind - 0x100;
    switch (kind) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return this.#binary(this.#unsigned(1 << (kind - 0xc4)));
      case 0xca: return this.#take(4).readFloatBE();
      case 0xcb: return this.#take(8).readDoubleBE();
      case 0xcc: case 0xcd: case 0xce: case 0xcf: return this.#unsigned(1 << (kind - 0xcc));
      case 0xd0: case 0xd1: case 0xd2: case 0xd3: return this.#signed(1 << (kind - 0xd0));
      case 0xd9: case 0xda: case 0xdb: return this.#string(this.#unsigned(1 << (kind - 0xd9)));
      case 0xdc: case 0xdd: return this.#array(this.#unsigned(2 << (kind - 0xdc)));
      case 0xde: case 0xdf: return this.#map(this.#unsigned(2 << (kind - 0xde)));
      default: throw new TypeError(`no value of the protocol begins with ${kind}`);
    }
  }
}

// --- The client ---------------------------------------------------------------------------------

const PING_EVERY_MS = 20_000;
const SILENCE_MS = 45_000;
const ANSWER_AGAIN_MS = 5_000;
const RETRY_MS = 100;
const RETRY_MS_MAX = 10_000;
const RETRY_AFTER_MS_MAX = 600_000;

const NOT_NOW = new Set(["busy", "unavailable"]);
const LOGIN_AGAIN = new Set(["busy", "unavailable", "timed_out", "session_ended"]);
/** Of a client that comes back, whose own former session may be in the way. */
const RESUME_AGAIN = new Set([...LOGIN_AGAIN, "too_fast", "name_in_use", "limit_reached"]);
const OUR_FAULT = new Set(["malformed", "unsupported_version", "not_logged_in"]);

/** `on.entry(entry)`, `on.refused(refused)`, `on.end(reason)`: the reason is null after a goodbye. */
export class Client {
  #host;
  #port;
  #name;
  #token;
  #cluster;
  #isAccount;
  #on;
  #prefix = randomBytes(8);
  #number = 0;
  /** Commands without an answer, by id, oldest first. */
  #unanswered = new Map();
  /** The sequence of the last entry that was handed on, by log that is followed. */
  #cursors = new Map();
  #socket = null;
  #online = false;
  #resuming = false;
  #loginId = 0;
  #logOutId = 0;
  #leaving = false;
  #ended = false;
  /** A busy server has done nothing: what is newer would overtake it. */
  #holding = false;
  #again = null;
  /** The oldest of those that were told "not now", with which all newer ones are sent again. */
  #againFrom = 0;
  #retryMs = RETRY_MS;
  #leastMs = 0;
  #heardAt = 0;
  #timer;

  /** An account has a `token`, and perhaps the `cluster` that it is for; without one it is a guest. */
  constructor(host, port, name, account, on) {
    [this.#host, this.#port, this.#name, this.#on] = [host, port, name, on];
    this.#isAccount = account !== null;
    [this.#token, this.#cluster] = [account?.token ?? randomBytes(32), account?.cluster ?? ""];
    this.#timer = setInterval(() => this.#tick(), PING_EVERY_MS / 4);
    this.#connect();
  }

  /** Sends a command, and sends it again until it is answered. */
  command(kind, fields) {
    const id = ++this.#number;
    const nonce = Buffer.alloc(16);
    this.#prefix.copy(nonce);
    nonce.writeBigUInt64BE(BigInt(id), 8);
    const command = { kind, id, nonce, ...fields };
    this.#unanswered.set(id, command);
    if (this.#online && !this.#holding) this.#send(command);
  }

  /** Says goodbye once everything is answered. */
  leave() {
    this.#leaving = true;
    this.#leaveIfDone();
  }

  // --- The connection ---------------------------------------------------------------------------

  #connect() {
    const isHere = ["127.0.0.1", "::1", "localhost"].includes(this.#host);
    const to = { host: this.#host, port: this.#port, servername: this.#host };
    const socket = isHere ? connectPlain(to) : connectTls(to);
    const decoder = new Decoder();
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.on(isHere ? "connect" : "secureConnect", () => {
      const software = "node.mjs 1.0";
      this.#send({ kind: "hello", version: 1, software, instance: this.#prefix, bot: true });
      // Before it is known whose server it is, it gets no token that is for one.
      if (!this.#cluster) this.#logIn();
    });
    socket.on("data", (bytes) => {
      this.#heardAt = Date.now();
      try {
        for (const message of decoder.feed(bytes)) {
          this.#take(message);
          // It may have ended the connection; what came after it will come again.
          if (socket.destroyed) return;
        }
      } catch (error) {
        socket.destroy(error);
      }
    });
    socket.on("error", () => {}); // After it comes "close".
    socket.on("close", () => this.#lost(socket));
  }

  #logIn() {
    this.#loginId = ++this.#number;
    const who = { name: this.#name, token: this.#token, account: this.#isAccount };
    const cursors = Object.fromEntries(this.#cursors);
    this.#send({ kind: "log_in", id: this.#loginId, ...who, cursors });
  }

  #lost(socket) {
    if (socket !== this.#socket || this.#ended) return;
    this.#socket = null;
    this.#online = this.#holding = false;
    clearTimeout(this.#again);
    this.#again = null;
    this.#logOutId = 0;
    if (this.#leaving && this.#unanswered.size === 0 && this.#resuming) return this.#end(null);
    const wait = this.#retryMs * (1 - Math.random() / 2);
    const least = this.#leastMs * (1 + Math.random() / 10);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
    this.#leastMs = 0;
    setTimeout(() => this.#connect(), Math.max(wait, least));
  }

  #tick() {
    if (!this.#socket) return;
    if (Date.now() - this.#heardAt > SILENCE_MS) this.#socket.destroy();
    // Its answer comes under an id that nobody waits for.
    else if (this.#online) this.#send({ kind: "ping", id: 0 });
  }

  #send(message) {
    this.#socket.write(encode(message));
  }

  /** Those from `first` on, oldest first. */
  #sendAgain(first) {
    this.#holding = false;
    for (const [id, command] of this.#unanswered) if (id >= first) this.#send(command);
  }

  #end(reason) {
    this.#ended = true;
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    this.#socket?.destroy();
    this.#on.end(reason);
  }

  #leaveIfDone() {
    if (!this.#leaving || !this.#online || this.#unanswered.size || this.#logOutId) return;
    this.#logOutId = ++this.#number;
    this.#send({ kind: "log_out", id: this.#logOutId });
  }

  // --- What the server says ---------------------------------------------------------------------

  #take(message) {
    switch (message.kind) {
      case "welcome": return this.#welcome(message);
      case "logged_in": return this.#loggedIn(message);
      case "entry": return this.#entry(message);
      case "done": return this.#done(message);
      case "refused": return this.#refused(message);
      case "going_away":
        this.#retryMs = 0;
        return this.#socket.destroy();
      default: // News that this client has no use for, or that are newer than it.
    }
  }

  #welcome({ cluster }) {
    if (!this.#cluster) return;
    if (cluster === this.#cluster) this.#logIn();
    else this.#end("this is another cluster than the token is for: it was not sent");
  }

  #loggedIn({ name, logs }) {
    this.#name = name;
    // The server's word holds: what is not in it is not followed any more.
    this.#cursors = new Map(logs.map(({ log, cursor = 0 }) => [log, cursor]));
    this.#online = this.#resuming = true;
    this.#retryMs = RETRY_MS;
    this.#sendAgain(0);
    this.#leaveIfDone();
  }

  #entry(entry) {
    const { log, sequence } = entry;
    if (!this.#cursors.has(log)) {
      if (!this.#begins(entry)) return;
      this.#cursors.set(log, sequence - 1);
    }
    const cursor = this.#cursors.get(log);
    if (sequence <= cursor) return;
    if (sequence > cursor + 1) return this.#socket.destroy(); // Something is missing: from there again.
    if (this.#ends(entry)) this.#cursors.delete(log);
    else this.#cursors.set(log, sequence);
    this.#on.entry(entry);
  }

  #begins({ author, body }) {
    switch (body.kind) {
      case "room_created": case "member_joined": return author === this.#name;
      case "member_added": return body.user === this.#name;
      default: return false;
    }
  }

  #ends({ log, author, body }) {
    switch (body.kind) {
      case "member_left": return author === this.#name;
      case "member_kicked": return body.user === this.#name;
      case "member_banned": return body.user === this.#name && log !== "#lobby";
      case "room_closed": return true;
      default: return false;
    }
  }

  #done({ id }) {
    if (id === this.#logOutId) return this.#end(null);
    this.#unanswered.delete(id);
    this.#leaveIfDone();
  }

  #refused(refused) {
    const { id = null, code, reason, retry_after_ms: retryAfterMs = 0 } = refused;
    if (id === null || id === this.#loginId) {
      this.#leastMs = Math.min(retryAfterMs, RETRY_AFTER_MS_MAX);
      const again = this.#resuming ? RESUME_AGAIN : LOGIN_AGAIN;
      if (OUR_FAULT.has(code) || (id !== null && !again.has(code))) return this.#end(reason);
      return this.#socket.destroy();
    }
    if (!this.#unanswered.has(id)) return;
    if (NOT_NOW.has(code)) {
      this.#holding ||= code === "busy";
      this.#againFrom = Math.min(id, this.#again ? this.#againFrom : id);
      this.#again ??= setTimeout(() => {
        this.#again = null;
        this.#sendAgain(this.#againFrom);
      }, ANSWER_AGAIN_MS);
      return;
    }
    this.#unanswered.delete(id);
    this.#on.refused(refused);
    this.#leaveIfDone();
  }
}

// --- The program --------------------------------------------------------------------------------

/** 43 characters of base64url, after the id of a cluster and a full stop if it is known. */
function accountOf(text) {
  const found = /^(?:([0-9a-f]{16})\.)?([\w-]{43})$/.exec(text);
  return found && { cluster: found[1] ?? "", token: Buffer.from(found[2], "base64url") };
}

function main([name, room = "lobby"]) {
  const given = process.env.ZCHAT_TOKEN;
  const account = given ? accountOf(given) : null;
  if (!name || (given && !account)) {
    console.error(name ? "ZCHAT_TOKEN is no app token" : "usage: node node.mjs NAME [ROOM]");
    process.exit(2);
  }
  const [, host, port] = /^\[?(.+?)\]?:(\d+)$/.exec(process.env.ZCHAT_ADDRESS ?? "127.0.0.1:7447");
  let code = 0;
  const client = new Client(host, Number(port), name, account, {
    entry: (entry) => console.log(JSON.stringify(entry)),
    refused: ({ reason }) => {
      console.error(reason);
      code = 1;
    },
    end: (reason) => {
      if (reason !== null) console.error(reason);
      lines.close();
      process.exitCode = reason === null ? code : 3;
      process.stdin.destroy();
    },
  });
  const lines = createInterface({ input: process.stdin });
  if (room !== "lobby") client.command("join_room", { room });
  lines.on("line", (text) => text && client.command("post", { room, text }));
  lines.on("close", () => client.leave());
}

const [, program, ...given] = process.argv;
if (program && import.meta.url === pathToFileURL(program).href) main(given);
