/** Block values, secrets and tokens (encoding-v1, section 3). */

import { concat, u16, utf8 } from "../bytes.js";
import { hmac, keyStream } from "../webcrypto.js";

const MAX_COMBINATIONS = 16;
const MAX_COMPONENT = 65535; // bytes

/** V: the pass's number, then each component with its length. */
export const blockValue = (pass, components) =>
  concat(
    Uint8Array.of(pass),
    ...components.flatMap((component) => {
      const bytes = utf8(component).subarray(0, MAX_COMPONENT);
      return [u16(bytes.length), bytes];
    }),
  );

/** s. The only step in which a value that people could guess meets the linkage key; it never leaves the encoder. */
export const blockSecret = (subkeys, value) => hmac(subkeys.block, value);

/** What records of one block share: the second half of s as one block of AES. */
export const blockToken = (subkeys, secret) => keyStream(subkeys.token, secret.subarray(16, 32), 16);

/** The combinations of the values of a pass's attributes, the last attribute changing fastest, at most 16. */
export function combinations(valuesPerAttribute) {
  let found = [[]];
  for (const values of valuesPerAttribute) {
    // Cut at every step: a name of forty parts must not make the product of forty and forty.
    found = found.flatMap((begun) => values.map((value) => [...begun, value])).slice(0, MAX_COMBINATIONS);
  }
  return found;
}
