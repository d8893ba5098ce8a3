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
