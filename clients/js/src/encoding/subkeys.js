/** The five subkeys of a linkage key (encoding-v1, section 2). */

import { utf8 } from "../bytes.js";
import { hmac, hmacKey, subtle } from "../webcrypto.js";

export const PURPOSES = ["block", "token", "field", "sketch", "sharing"];

/** The 32 bytes of one subkey. */
export const subkeyBytes = async (linkageKey, purpose) =>
  hmac(await hmacKey(linkageKey), utf8(`dedup/v1/${purpose}`));

/**
 * All subkeys as WebCrypto keys, ready for use.
 * @param {Uint8Array} linkageKey 32 bytes
 * @returns {Promise<{block: CryptoKey, token: CryptoKey, field: CryptoKey, sketch: CryptoKey, sharing: CryptoKey}>}
 */
export async function subkeysOf(linkageKey) {
  const keys = {};
  for (const purpose of PURPOSES) {
    const bytes = await subkeyBytes(linkageKey, purpose);
    keys[purpose] =
      purpose === "sketch" ? await subtle.importKey("raw", bytes, "AES-CTR", false, ["encrypt"]) : await hmacKey(bytes);
  }
  return keys;
}
