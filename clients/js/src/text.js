/** Text as the specification reads it: closed classes of characters, where the platform's own would know too many. */

import { compareBytes, utf8 } from "./bytes.js";

const SPACES = new Set(
  `0009 000A 000B 000C 000D 001C 001D 001E 001F 0020 0085 00A0 1680 2000 2001
   2002 2003 2004 2005 2006 2007 2008 2009 200A 2028 2029 202F 205F 3000`
    .split(/\s+/)
    .map((codePoint) => String.fromCharCode(parseInt(codePoint, 16))),
);

/** Whether a character is one of the 29 spaces of normalisation-v1, section 1. */
export const isSpace = (character) => SPACES.has(character);

/** A text without the spaces at both ends; `String.prototype.trim` has another list. */
export function trim(text) {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text[start])) start += 1;
  while (end > start && isSpace(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

/** A-Z become a-z and nothing else changes. */
export const lower = (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The words of a text: cut at U+0020, without empty pieces. */
export const words = (text) => text.split("\x20").filter((word) => word !== "");

/** Length in code points. */
export function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Ascending by code points; JavaScript's own order is by UTF-16 units. */
export const compareText = (one, other) => compareBytes(utf8(one), utf8(other));

/** Each value once, in ascending order of code points. */
export const valueSet = (values) => [...new Set(values)].sort(compareText);

/** Canonical JSON of bundle-v1: keys sorted, no white space, escapes only where JSON demands them. */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort(compareText);
    return `{${members.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** A moment as files and the protocol write it: UTC, to the second. */
export const timestamp = (moment) => `${moment.toISOString().slice(0, 19)}Z`;
