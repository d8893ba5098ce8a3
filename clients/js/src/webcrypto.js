/** WebCrypto, which Node 18 has under another name than browsers, Deno and later Nodes. */

import { webcrypto } from "node:crypto";

export const crypto = globalThis.crypto?.subtle ? globalThis.crypto : webcrypto;
export const subtle = crypto.subtle;

/** A key for `hmac`. */
export const hmacKey = (bytes) => subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

/** HMAC-SHA-256, 32 bytes. */
export const hmac = async (key, bytes) => new Uint8Array(await subtle.sign("HMAC", key, bytes));

export const sha256 = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));

export const randomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

/** A key for `keyStream`. */
export const cipherKey = (bytes) => subtle.importKey("raw", bytes, "AES-CTR", false, ["encrypt"]);

/**
 * The first bytes of AES-256 in counter mode, which is what zeros become under it. One block of it is AES itself: the
 * cipher of `counter`.
 */
export const keyStream = async (key, counter, length) =>
  new Uint8Array(await subtle.encrypt({ name: "AES-CTR", counter, length: 16 }, key, new Uint8Array(length)));
