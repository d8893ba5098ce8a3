/** Folding (normalisation-v1, section 3): any typed text becomes words of a-z, by a flat published table. */

import { readFileSync } from "node:fs";
import { words } from "../text.js";

const { folds } = JSON.parse(readFileSync(new URL("./folding-v1.json", import.meta.url), "utf8"));
const TABLE = new Map(Object.entries(folds).map(([hex, to]) => [String.fromCodePoint(parseInt(hex, 16)), to]));

function byTable(text) {
  let folded = "";
  for (const character of text) folded += TABLE.get(character) ?? "\x20";
  return folded;
}

/** Plain folding (3.2): letters, digits and single spaces. */
export const foldPlain = (text) => words(byTable(text).replaceAll("'", "")).join("\x20");

/** Name folding (3.3): letters and single spaces, elided articles set apart, `ij` as `y`. */
export function foldName(text) {
  const articlesApart = byTable(text).replace(/\b([dlst])'|'([st])\b/g, (_, before, behind) => ` ${before ?? behind} `);
  const letters = articlesApart.replaceAll("'", "").replaceAll("ij", "y").replace(/[0-9]/g, "\x20");
  return words(letters).join("\x20");
}
