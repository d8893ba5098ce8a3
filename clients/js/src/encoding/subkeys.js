/** The five subkeys of a linkage key (encoding-v1, section 2). */

import { utf8 } from "../bytes.js";
import { EncodeError } from "../errors.js";
import { cipherKey, hmac, hmacKey } from "../webcrypto.js";

export const PURPOSES = ["block", "token", "field", "sketch", "sharing"];
const CIPHERS = ["token", "sketch"]; // the others are keys of HMAC
const KEY_BYTES = 32;

/** The 32 bytes of one subkey. Raises `encoding.key-length`. */
export async function subkeyBytes(linkageKey, purpose) {
  if (linkageKey.length !== KEY_BYTES) {
    throw new EncodeError("encoding.key-length", `A linkage key has ${KEY_BYTES} bytes.`);
  }
  return hmac(await hmacKey(linkageKey), utf8(`dedup/v1/${purpose}`));
}

/**
 * All subkeys as WebCrypto keys, ready for use.
 * @param {Uint8Array} linkageKey 32 bytes
 * @returns {Promise<{block: CryptoKey, token: CryptoKey, field: CryptoKey, sketch: CryptoKey, sharing: CryptoKey}>}
 */
export async function subkeysOf(linkageKey) {
  const keys = {};
  for (const purpose of PURPOSES) {
    const bytes = await subkeyBytes(linkageKey, purpose);
    keys[purpose] = await (CIPHERS.includes(purpose) ? cipherKey : hmacKey)(bytes);
  }
  return keys;
}
