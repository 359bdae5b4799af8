/**
 * What happened, as the leading tab tells it to all tabs: plain values that can be cloned. The
 * leading tab makes them of its core's events, in their order.
 */

import type {
  Answer,
  Entry,
  LogState,
  LogStateChanged,
  PresenceChanged,
  Request,
  TypingSeen,
} from "../protocol/messages.ts";

export type News =
  /** A session has begun: the logs are all that the user follows now. */
  | {
      readonly type: "begun";
      readonly name: string;
      readonly guest: boolean;
      readonly standing: string;
      readonly sinceMs: number;
      readonly logs: readonly LogState[];
    }
  /** The next entry of its log; `missed` if it was written before the present login. */
  | { readonly type: "entry"; readonly entry: Entry; readonly missed: boolean }
  | {
      readonly type: "answered";
      readonly request: Request;
      readonly answer: Answer;
      readonly by: By;
    }
  | { readonly type: "soft"; readonly message: PresenceChanged | TypingSeen | LogStateChanged }
  | { readonly type: "lost" };

/** Who asked: `number` in the outbox, or a `call` of one of the tabs. */
export type By = { readonly number: number } | { readonly tab: string; readonly call: number };
