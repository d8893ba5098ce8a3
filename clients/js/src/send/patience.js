/** How long to go on trying, and how long to wait in between: exponential back-off with jitter, reset by progress. */

import { setTimeout as sleepFor } from "node:timers/promises";
import { NoServerError } from "./errors.js";

const FIRST_WAIT = 0.5;
const LONGEST_WAIT = 60;

export class Patience {
  #failures = 0;
  #since;

  /** Tries go on for `seconds` without any progress; `told` hears once per silence why it waits. */
  constructor(seconds, { told = () => {}, now = () => performance.now() / 1000, draw = Math.random, sleep } = {}) {
    Object.assign(this, { seconds, told, now, draw, sleep: sleep ?? ((pause) => sleepFor(1000 * pause)) });
  }

  /** The server did what was asked. */
  progressed() {
    this.#failures = 0;
    this.#since = undefined;
  }

  /** Waits before the next try: half to all of 0.5, 1, 2 ... 60 seconds, and `atLeast` what the server asks for. */
  async wait(why, atLeast = 0) {
    const now = this.now();
    if (this.#since === undefined) {
      this.#since = now;
      this.told(`${why}; trying again for ${Math.max(1, Math.round(this.seconds / 60))} min at most.`);
    }
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    const pause = Math.max(atLeast, longest * (0.5 + 0.5 * this.draw()));
    if (now + pause - this.#since > this.seconds) {
      throw new NoServerError(
        "send.gave-up",
        `${why}. What was sent is kept for a while; run this again to go on from there.`,
      );
    }
    await this.sleep(pause);
  }
}
