/** Days of the Gregorian calendar as numbers, without time zones. */

const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;

const isLeap = (year) => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/**
 * An existing day `YYYY-MM-DD` of the years 0001 to 9999 as { year, month, day, ordinal }, or null.
 * `ordinal` counts days since 0001-01-01, which is day 0 and a Monday.
 */
export function dayOf(text) {
  const match = DATE.exec(text);
  if (!match || text.length !== 10) return null;
  const [year, month, day] = match.slice(1).map(Number);
  const lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1]) return null;
  const before = year - 1;
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const inYear = lengths.slice(0, month - 1).reduce((days, length) => days + length, 0) + day - 1;
  return { year, month, day, ordinal: before * 365 + leaps + inYear };
}

/** The week ordinal of a day: whole weeks since Monday 0001-01-01. */
export const weekOf = (day) => Math.floor(day.ordinal / 7);

/** Full years from a birth date to a day. */
export function ageOn(day, birth) {
  const beforeBirthday = day.month < birth.month || (day.month === birth.month && day.day < birth.day);
  return day.year - birth.year - (beforeBirthday ? 1 : 0);
}
