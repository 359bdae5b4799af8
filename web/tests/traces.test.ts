/**
 * What was recorded of the client's core in Python goes through the one of the browser, step by step,
 * and must come out the same. `pytest tests/client/test_browser_core.py` records it and runs this.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decode } from "@msgpack/msgpack";

import { Credentials } from "../src/core/credentials.ts";
import { ClientCore } from "../src/core/machine.ts";
import type { Options } from "../src/core/machine.ts";
import { plain, revived } from "./plain.ts";

interface Step {
  readonly call: string;
  readonly arguments?: readonly unknown[];
  readonly raised?: string;
  readonly then?: Readonly<Record<string, unknown>>;
  readonly gives?: readonly unknown[];
}

interface Trace {
  readonly test: string;
  readonly begins: {
    readonly name: string;
    readonly credentials: object;
    readonly noncePrefix: object;
    readonly software: string;
    readonly cursors: Readonly<Record<string, number>> | null;
    readonly away: string | null;
  };
  readonly steps: readonly Step[];
}

type Method = (...given: unknown[]) => unknown;

/** Both say it in words of their own. */
function withoutWhy(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value).replaceAll(
      /("the server sent what this client does not understand): (?:[^"\\]|\\.)*"/g,
      '$1"',
    ),
  );
}

function newCore({ begins }: Trace): ClientCore {
  const { cursors, away, ...others } = begins;
  const known = revived(others) as Options & { credentials: Partial<Credentials> };
  return new ClientCore({
    ...known,
    credentials: new Credentials(known.credentials),
    ...(cursors && { cursors: new Map(Object.entries(cursors)) }),
    ...(away !== null && { away }),
  });
}

function standing(core: ClientCore): unknown {
  const nextCallAt = core.nextCallAt();
  return {
    state: core.state,
    name: core.name,
    cluster: core.cluster,
    awayWord: core.awayWord ?? null,
    latencyS: core.latencyS ?? null,
    unanswered: core.unanswered,
    unconfirmed: core.unconfirmed,
    followed: [...core.followed].sort(),
    nextCallAt: nextCallAt === -Infinity ? "-inf" : (nextCallAt ?? null),
    doublesTotal: core.doublesTotal,
    gapsTotal: core.gapsTotal,
  };
}

function replay(trace: Trace): void {
  const core = newCore(trace);
  trace.steps.forEach((step, number) => {
    const where = `step ${number}, ${step.call}`;
    if (step.call === "takeOutgoing") {
      const frames = core.takeOutgoing().map((frame) => plain(decode(frame)));
      assert.deepEqual(frames, step.gives, where);
    } else if (step.call === "takeEffects") {
      const effects = core.takeEffects().map((effect) => plain(effect));
      assert.deepEqual(withoutWhy(effects), withoutWhy(step.gives), where);
    } else {
      const method = core[step.call as keyof ClientCore] as unknown as Method;
      const given = (step.arguments ?? []).map(revived);
      if (step.raised) assert.throws(() => method.apply(core, given), where);
      else method.apply(core, given);
      assert.deepEqual(standing(core), step.then, where);
    }
  });
}

const path = process.env["ZCHAT_TRACES"];

if (path === undefined) {
  test("recorded traces", { skip: "pytest tests/client/test_browser_core.py records them" });
} else {
  const traces = readFileSync(path, "utf8").trimEnd().split("\n");
  traces.forEach((line, number) => {
    const trace = JSON.parse(line) as Trace;
    test(`trace ${number}: ${trace.test}`, () => replay(trace));
  });
}
