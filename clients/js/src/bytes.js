/** Bytes as the specification writes them: hex, base64url without padding, big-endian numbers. */

import { EncodeError } from "./errors.js";

const UTF8 = new TextEncoder();

/** UTF-8 of a text. */
export const utf8 = (text) => UTF8.encode(text);

/** One array out of many. */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Lower-case hex. */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text) {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new EncodeError("bytes.hex", "This is not lower-case hex.");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** base64url without padding (RFC 4648, section 5). */
export const b64url = (bytes) => Buffer.from(bytes).toString("base64url");

/** The bytes of a base64url text, refusing every spelling but the one that `b64url` writes. */
export function fromB64url(text) {
  const bytes = typeof text === "string" ? new Uint8Array(Buffer.from(text, "base64url")) : new Uint8Array();
  if (typeof text !== "string" || b64url(bytes) !== text) {
    throw new EncodeError("bytes.base64url", "This is not base64url without padding.");
  }
  return bytes;
}

const written = (length, write) => {
  const bytes = new Uint8Array(length);
  write(new DataView(bytes.buffer));
  return bytes;
};

export const u16 = (number) => written(2, (view) => view.setUint16(0, number));
export const u32 = (number) => written(4, (view) => view.setUint32(0, number));
export const u64 = (number) => written(8, (view) => view.setBigUint64(0, BigInt(number)));

/** Many 32-bit numbers, signed or not: two's complement is the same bytes. */
export const words32 = (numbers) =>
  written(4 * numbers.length, (view) => numbers.forEach((number, i) => view.setInt32(4 * i, number | 0)));

/** Ascending by bytes, the shorter first; of UTF-8 the same order as by code points. */
export const compareBytes = (one, other) => Buffer.compare(one, other);
