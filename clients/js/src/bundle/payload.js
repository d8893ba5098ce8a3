/** The payload of a bundle, to the byte (bundle-v1, sections 4 and 5). */

import { concat, u32, u64, utf8, words32 } from "../bytes.js";
import { canonicalJson } from "../text.js";

export const BATCH_ROWS = 8192;

/**
 * The bytes of one batch of n rows.
 * @param {object} batch
 * @param {Record<string, (string | number)[]>} batch.columns n values each
 * @param {number[]} batch.presence
 * @param {number[]} batch.eddWeek
 * @param {{rows: number[], tokens: Uint8Array[], sketches: Uint8Array[]}[]} batch.passes entries in order
 */
export function batchBytes({ columns, presence, eddWeek, passes }) {
  const json = utf8(canonicalJson(columns));
  return concat(
    u32(presence.length),
    u32(json.length),
    json,
    words32(presence),
    words32(eddWeek),
    ...passes.flatMap(({ rows, tokens, sketches }) => [
      u32(rows.length),
      words32(rows),
      concat(...tokens),
      concat(...sketches),
    ]),
  );
}

/** The whole payload: statistics, then each batch behind its length. */
export function payloadBytes(statistics, batches) {
  const preamble = utf8(canonicalJson(statistics));
  return concat(u32(preamble.length), preamble, ...batches.flatMap((bytes) => [u64(bytes.length), bytes]));
}
