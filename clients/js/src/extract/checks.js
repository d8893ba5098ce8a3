/** Checks every row of an extract: which are accepted, refused or withheld, and which cells count as missing. */

import { basename } from "node:path";
import { EncodeError } from "../errors.js";
import { postcode } from "../normalise/contact.js";
import { lower } from "../text.js";
import { COLUMNS, FIRST_NAME_COLUMNS, matchHeader } from "./columns.js";
import { readTable } from "./csv.js";
import { ERROR, FAULTS, NOTE } from "./faults.js";

const SEPARATOR = ";";
const NAME_COLUMNS = ["achternaam", "achternaam_partner", "voornamen", "roepnaam"];
const ROLES_WITH_RELATION = ["hoofdaannemer", "onderaannemer", "bemiddelaar"];
export const DEFAULT_MAX_REFUSED_SHARE = 0.2;

/**
 * Reads and checks an extract; ages, delivery dates and other dates are judged as on `today`.
 * @param {{today: object, regions: object, maxRefusedShare?: number, maxBytes?: number}} options
 * @returns {Promise<{rows: Record<string, string>[], report: object}>} the accepted rows in file order, every column
 *   of the format present, "" where missing; and what was found, by row number and column, never by value
 */
export async function checkExtract(path, { today, regions, maxRefusedShare = DEFAULT_MAX_REFUSED_SHARE, maxBytes }) {
  const name = basename(path);
  let renamed;
  const table = await readTable(path, {
    separator: SEPARATOR,
    maxBytes,
    checkHeader: (header) => (renamed = matchHeader(name, header)),
  });
  const typed = table.rows.map((row) => ({
    ...row,
    cells: Object.fromEntries([...renamed].map(([theirs, ours]) => [ours, row.cells[theirs] ?? ""])),
  }));
  const checked = checkRows(typed, today, regions);
  const { rows, refused, withheld } = checked.report;
  if (rows > withheld && refused / (rows - withheld) > maxRefusedShare) {
    const percent = Math.round(maxRefusedShare * 100);
    throw new EncodeError(
      "extract.too-many-refused",
      `${name} is refused as a whole: ${refused} of ${rows - withheld} rows are refused, and at most ${percent}% may be.`,
    );
  }
  return checked;
}

/** Checks rows of text under our column names; see `checkExtract`. */
export function checkRows(typed, today, regions) {
  const findings = [];
  const counts = new Map();
  const seen = new Set();
  const accepted = [];
  let refused = 0;
  let withheld = 0;
  typed.forEach((row, i) => {
    const found = []; // [column, code]
    let clean = null;
    if (row.malformed) {
      found.push(["", "row.fields"]);
    } else if (lower(row.cells.deelname ?? "") !== "ja") {
      withheld += 1;
      if (lower(row.cells.deelname ?? "") !== "bezwaar") found.push(["deelname", "participation.unknown"]);
    } else {
      clean = cleanCells(row.cells, today, found);
      checkAcross(row.cells, clean, seen, found);
    }
    const isRefused = found.some(([, code]) => FAULTS.get(code).severity === ERROR);
    if (isRefused) {
      refused += 1;
    } else if (clean) {
      accepted.push(clean);
      if (clean.postcode && !regions.ksvOf(postcode(clean.postcode).slice(0, 4))) {
        found.push(["postcode", "postcode.no-region"]);
      }
    }
    for (const [column, code] of found) {
      counts.set(code, (counts.get(code) ?? 0) + 1);
      if (FAULTS.get(code).severity !== NOTE) findings.push({ row: i + 1, line: row.line, column, code });
    }
  });
  const countsByCode = Object.fromEntries([...FAULTS.keys()].filter((c) => counts.has(c)).map((c) => [c, counts.get(c)]));
  return {
    rows: accepted,
    report: { rows: typed.length, accepted: accepted.length, refused, withheld, counts_by_code: countsByCode, findings },
  };
}

function cleanCells(cells, today, found) {
  const clean = {};
  for (const [name, column] of COLUMNS) {
    const cell = cells[name] ?? "";
    let fault;
    [clean[name], fault] = cell === "" ? ["", column.missing] : column.clean(cell, today);
    if (fault) found.push([name, fault]);
  }
  return clean;
}

/** What depends on several columns or rows; an empty cell is one that nothing was typed in. */
function checkAcross(typed, clean, seen, found) {
  const isEmpty = (name) => (typed[name] ?? "") === "";
  if (clean.registratie_id) {
    // Also of a row that is refused for another reason: which of two rows is meant is not ours to choose.
    if (seen.has(clean.registratie_id)) found.push(["registratie_id", "id.duplicate"]);
    seen.add(clean.registratie_id);
  }
  if (!clean.geboortedatum && NAME_COLUMNS.every((name) => !clean[name])) {
    found.push(["geboortedatum", "identity.missing"]);
  }
  if (FIRST_NAME_COLUMNS.every(isEmpty)) found.push([FIRST_NAME_COLUMNS[0], "required.missing"]);
  for (const [one, other] of [["uzovi", "verzekerdennummer"], ["verzekerdennummer", "uzovi"]]) {
    if (clean[one] && isEmpty(other)) found.push([other, "insurance.incomplete"]);
  }
  const conditions = [
    ["relatie_agb", ROLES_WITH_RELATION.includes(clean.rol)],
    ["overdracht_datum", clean.status === "overgedragen"],
    ["overdracht_agb", clean.status === "overgedragen"],
  ];
  for (const [name, expected] of conditions) {
    if (expected && isEmpty(name)) found.push([name, "conditional.missing"]);
  }
}
