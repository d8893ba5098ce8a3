/** The sketch of a field in a block: votes of its tokens in a stream that only the block has (encoding-v1, section 5). */

import { compareBytes, concat } from "../bytes.js";
import { hmac, keyStream } from "../webcrypto.js";

const IV_BYTES = 14; // the last two of 16 are the counter
const CIPHER_BLOCK = 16;
const CASTING = 0x80; // first byte of the counter that the casting vote starts at

/** h: a token of a field under the field key; the same in every block, so worth keeping. */
export const hashedToken = (subkeys, field, token) => hmac(subkeys.field, concat(Uint8Array.of(field), token));

/** Where the stream of a token starts in a block. */
export function initialisationVector(secret, hashed) {
  const iv = new Uint8Array(16);
  for (let i = 0; i < IV_BYTES; i += 1) iv[i] = secret[i] ^ hashed[i];
  return iv;
}

/**
 * What is counted: one vote for each token, and where their number is even one more for that of the smallest IV.
 * @param {Uint8Array[]} ivs one or more
 * @returns {Promise<Uint8Array[]>} an odd number of votes, of which the first `bits` bits matter
 */
export function votes(subkeys, ivs, bits) {
  const counters = [...ivs];
  if (ivs.length % 2 === 0) {
    const casting = ivs.reduce((least, iv) => (compareBytes(iv, least) < 0 ? iv : least)).slice();
    casting[IV_BYTES] = CASTING;
    counters.push(casting);
  }
  const length = Math.ceil(bits / (8 * CIPHER_BLOCK)) * CIPHER_BLOCK;
  return Promise.all(counters.map((counter) => keyStream(subkeys.sketch, counter, length)));
}

/**
 * The sketch of m bits; m/8 zero bytes for an empty set.
 * @param {Uint8Array} secret the block's
 * @param {Uint8Array[]} hashedTokens h of each token of the set, each once
 */
export async function sketch(subkeys, secret, hashedTokens, bits) {
  const packed = new Uint8Array(bits / 8);
  if (hashedTokens.length === 0) return packed;
  const cast = await votes(subkeys, hashedTokens.map((hashed) => initialisationVector(secret, hashed)), bits);
  for (let i = 0; i < bits; i += 1) {
    const mask = 0x80 >> (i & 7);
    let ones = 0;
    for (const vote of cast) if (vote[i >> 3] & mask) ones += 1;
    if (2 * ones > cast.length) packed[i >> 3] |= mask;
  }
  return packed;
}
