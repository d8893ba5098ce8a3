/** The sketch of a field in a block: 1-bit min-hash under hash functions that only the block has (encoding-v1, section 5). */

import { concat } from "../bytes.js";
import { hmac, subtle } from "../webcrypto.js";

const IV_BYTES = 14; // the last two of 16 are the counter
const MAX_BITS = 4096;
const ZEROS = new Uint8Array(2 * MAX_BITS);

/** h: a token of a field under the field key; the same in every block, so worth keeping. */
export const hashedToken = (subkeys, field, token) => hmac(subkeys.field, concat(Uint8Array.of(field), token));

/** Where the stream of a token starts in a block. */
export function initialisationVector(secret, hashed) {
  const iv = new Uint8Array(16);
  for (let i = 0; i < IV_BYTES; i += 1) iv[i] = secret[i] ^ hashed[i];
  return iv;
}

/** The 2m bytes of z: the key stream of AES-256 in counter mode, which is what zeros become under it. */
export async function stream(subkeys, iv, bits) {
  const encrypted = await subtle.encrypt({ name: "AES-CTR", counter: iv, length: 16 }, subkeys.sketch, ZEROS.subarray(0, 2 * bits));
  return new Uint8Array(encrypted);
}

/** The m big-endian numbers of a stream. */
export const numbersOf = (bytes) => Uint16Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);

/**
 * The sketch of m bits; m/8 zero bytes for an empty set.
 * @param {Uint8Array} secret the block's
 * @param {Uint8Array[]} hashedTokens h of each token of the set
 */
export async function sketch(subkeys, secret, hashedTokens, bits) {
  const streams = await Promise.all(hashedTokens.map((h) => stream(subkeys, initialisationVector(secret, h), bits)));
  const packed = new Uint8Array(bits / 8);
  if (streams.length === 0) return packed;
  for (let i = 0; i < bits; i += 1) {
    let smallest = 0xffff;
    for (const bytes of streams) {
      const number = (bytes[2 * i] << 8) | bytes[2 * i + 1];
      if (number < smallest) smallest = number;
    }
    if (smallest & 1) packed[i >> 3] |= 0x80 >> (i & 7);
  }
  return packed;
}
