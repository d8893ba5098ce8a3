/** What a cell may hold: one function per kind, from trimmed text to [kept value, fault]; a kept "" is missing. */

import { ageOn, dayOf } from "../calendar.js";
import { email, houseNumber, insuredNumber, phone, postcode, uzovi } from "../normalise/contact.js";
import { foldName } from "../normalise/folding.js";
import { lengthOf, lower } from "../text.js";

const MAX_TEXT = 200;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL_UUID = "00000000-0000-0000-0000-000000000000";
const OPEN_CODE = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$/;
// UTF-8 that was read as Latin-1 or Windows-1252: Â, Ã, Ä or Å before what a second byte becomes there.
const GARBLED =
  /\uFFFD|[\u00C2-\u00C5][\u0080-\u00BF\u20AC\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u017D\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u017E\u0178]/;
/** What people write for no name, as folded. */
export const FILLERS = new Set(["onbekend", "nvt", "n v t", "nnb", "n n b", "geen", "unknown", "niet bekend", "leeg", "xxx"]);

const kept = (value, note = "") => [value, note];
const missing = (fault) => ["", fault];
const keptIf = (fits, value, fault) => (fits ? kept(value) : missing(fault));
const isShort = (value) => lengthOf(value) <= MAX_TEXT;

/** A UUID in any case, but not the nil UUID. */
export function registrationId(value) {
  const id = lower(value);
  if (UUID.test(id) && id !== NIL_UUID) return kept(id);
  return missing(isBsn(value) ? "id.bsn" : "id.malformed");
}

/** Whether a text is up to nine digits, with dots or spaces between them, that pass the eleven test of a BSN. */
function isBsn(value) {
  const digits = value.replace(/[ .-]/g, "");
  if (!/^[0-9]{1,9}$/.test(digits) || Number(digits) <= 0) return false;
  const weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
  const sum = [...digits.padStart(9, "0")].reduce((total, digit, i) => total + weights[i] * Number(digit), 0);
  return sum % 11 === 0;
}

export const agb = (fault) => (value) => keptIf(/^[0-9]{8}$/.test(value), value, fault);

/** A code of a closed list, in any case. */
export const oneOf = (choices, fault = "code.unknown") => (value) =>
  keptIf(choices.includes(lower(value)), lower(value), fault);

export const schemaVersion = (value) => keptIf(value === "1.0", value, "schema.unknown");
export const openCode = (value) => keptIf(OPEN_CODE.test(value), value, "text.malformed");
export const freeText = (value) => keptIf(isShort(value), value, "text.malformed");

export function nameText(value) {
  if (!isShort(value)) return missing("text.malformed");
  if (GARBLED.test(value)) return missing("name.garbled");
  const folded = foldName(value);
  return keptIf(folded !== "" && !FILLERS.has(folded), value, "name.no-letters");
}

/** An existing day of the years 2000 to 2099. */
export function anyDate(value) {
  const day = dayOf(value);
  return keptIf(day && day.year >= 2000 && day.year <= 2099, value, "date.malformed");
}

export function pastDate(value, today) {
  const day = dayOf(value);
  return day && day.ordinal > today.ordinal ? missing("date.future") : anyDate(value);
}

export function birthDate(value, today) {
  const day = dayOf(value);
  if (!day) return missing("date.malformed");
  const age = ageOn(today, day);
  if (age < 12 || age > 60) return missing("birth_date.age");
  return kept(value, day.day === 1 && (day.month === 1 || day.month === 7) ? "birth_date.weak" : "");
}

export function expectedDelivery(value, today) {
  const day = dayOf(value);
  if (!day) return missing("date.malformed");
  const ahead = day.ordinal - today.ordinal;
  return keptIf(ahead >= -60 && ahead <= 300, value, "edd.range");
}

export const hours = (value) =>
  keptIf(/^[0-9]{1,3}$/.test(value) && Number(value) <= 400, String(Number(value)), "hours.malformed");

const byRule = (rule, fault) => (value) => keptIf(isShort(value) && rule(value) !== "", value, fault);

export const postcodeText = byRule(postcode, "postcode.malformed");
export const houseNumberText = byRule(houseNumber, "house_number.malformed");
export const phoneText = byRule(phone, "phone.malformed");
export const emailText = byRule(email, "email.malformed");
export const insurerText = byRule(uzovi, "insurance.malformed");
export const insuranceText = byRule(insuredNumber, "insurance.malformed");
