/** The rules for names (normalisation-v1, section 4): from a cell as typed to parts, words and letters. */

import { words } from "../text.js";
import { foldName } from "./folding.js";

/** Words that are no part of a surname, as folded. */
export const PREFIXES = new Set(
  `aan ait al ayt ben bin bint by da das de del della delle dello dem den der des di do dos dr drs du
   el ev geb geboren het ibn in ir la le les mevr mevrouw mw onder op oulad ould over te ten ter tot uit uyt
   van vande vanden vander vd vdn vom von wed zu zum zur`.split(/\s+/),
);

const nameWords = (cell) => words(foldName(cell));

const withoutPrefixes = (found) => found.filter((word) => word.length >= 2 && !PREFIXES.has(word));

/** The parts of a surname column's cell; a name of prefixes alone keeps its last word before a comma. */
export function surnameParts(cell) {
  const found = nameWords(cell);
  const parts = withoutPrefixes(found);
  if (found.length === 0 || parts.length > 0) return parts;
  const beforeComma = nameWords(cell.split(",")[0]);
  return [beforeComma.at(-1) ?? found.at(-1)];
}

/** What stands in a prefixes column and is no prefix. */
export const prefixColumnParts = (cell) => withoutPrefixes(nameWords(cell));

/** The words of two or more letters: first names that are not initials. */
const longWords = (cell) => nameWords(cell).filter((word) => word.length >= 2);

/** The first two first names of one column. */
export const firstNames = (cell) => longWords(cell).slice(0, 2);

/** The first first name of the first column that has one, as a list of none or one. */
export function mainFirstName(cells) {
  for (const cell of cells) {
    const found = longWords(cell);
    if (found.length > 0) return [found[0]];
  }
  return [];
}

/** The initial of the main first name, else the first letter of any column, the last column first. */
export function initial(cells) {
  const [main] = mainFirstName(cells.slice(0, 2));
  if (main) return [main[0]];
  for (const cell of [...cells].reverse()) {
    const folded = foldName(cell);
    if (folded) return [folded[0]];
  }
  return [];
}
