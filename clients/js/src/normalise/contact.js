/** The rules for addresses, phones, e-mail and insurance (normalisation-v1, section 4); "" is no value. */

import { isSpace, lengthOf, lower, trim } from "../text.js";

const DATE = /^([0-9]{4})([-/.]?)([0-9]{2})\2([0-9]{2})$/;
const EMAIL = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9-]{1,63}\.)+[a-z]{2,63}$/;
const PHONE_PUNCTUATION = new Set("().-/\u2010\u2011\u2012\u2013\u2014\u2015");
const DUTCH = /^(?:(?:\+|00)?31)?0?([1-9][0-9]{8})$/;
const FOREIGN = /^(?:\+|00)([1-9][0-9]{6,14})$/;
const RETIRED_LETTERS = new Set(["sa", "sd", "ss"]);

const isFiller = (value) => new Set(value.slice(-7)).size === 1;

export function date(cell) {
  const match = DATE.exec(trim(cell));
  return match ? match[1] + match[3] + match[4] : "";
}

export function postcode(cell) {
  const text = lower(trim(cell));
  const digits = text.slice(0, 4);
  const letters = text.slice(isSpace(text[4]) ? 5 : 4);
  return /^[1-9][0-9]{3}$/.test(digits) && /^[a-z]{2}$/.test(letters) && !RETIRED_LETTERS.has(letters)
    ? digits + letters
    : "";
}

export function houseNumber(cell) {
  const run = /[0-9]+/.exec(cell)?.[0].replace(/^0+/, "") ?? "";
  return run.length <= 5 ? run : "";
}

export function phone(cell) {
  const text = [...cell.replaceAll("(0)", "")].filter((c) => !isSpace(c) && !PHONE_PUNCTUATION.has(c)).join("");
  const dutch = DUTCH.exec(text);
  const foreign = FOREIGN.exec(text);
  let value = "";
  if (dutch) value = dutch[1];
  else if (foreign && !foreign[1].startsWith("31")) value = `+${foreign[1]}`;
  return isFiller(value) ? "" : value;
}

export function email(cell) {
  const text = lower(trim(cell));
  return lengthOf(text) <= 254 && EMAIL.test(text) ? text : "";
}

/** The insurer's half of rule `insurance`. */
export function uzovi(cell) {
  const text = trim(cell);
  return /^[0-9]{3,4}$/.test(text) ? text.padStart(4, "0") : "";
}

/** The insured person's half of rule `insurance`. */
export function insuredNumber(cell) {
  const text = lower(cell).replace(/[^a-z0-9]/g, "").replace(/^0+/, "");
  return text.length >= 4 && text.length <= 20 && !isFiller(text) ? text : "";
}

/** Both halves, or nothing. */
export function insurance([insurer, number]) {
  const halves = [uzovi(insurer), insuredNumber(number)];
  return halves[0] && halves[1] ? halves.join("") : "";
}

export const digits = (cell) => cell.replace(/[^0-9]/g, "");
