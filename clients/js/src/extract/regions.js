/** The operator's tables beside the model: which KSV a PC4 belongs to, and how common names are. */

import { readFile } from "node:fs/promises";
import { EncodeError } from "../errors.js";
import { longWords, surnameParts } from "../normalise/names.js";
import { trim } from "../text.js";
import { parseCsv } from "./csv.js";

const REGION_COLUMNS = "pc4_from;pc4_to;ksv;ksv_naam";
const FREQUENCY_COLUMNS = "kind;name;per_100k";
const EDGES = { first_name: [40, 150, 500], surname: [15, 60, 200] };

async function rowsOf(path, code, sentence) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
    return [...parseCsv(text, ";")];
  } catch {
    throw new EncodeError(code, sentence);
  }
}

/**
 * Reads the table of postcode ranges and KSVs (UTF-8, semicolons, header).
 * @returns {Promise<{ksvOf: (pc4: string) => string}>} "" where no range holds the PC4
 */
export async function readRegions(path) {
  const rows = await rowsOf(path, "regions.missing", `The region table ${path} cannot be read.`);
  if ((rows[0]?.fields ?? []).map(trim).join(";") !== REGION_COLUMNS) {
    throw new EncodeError("regions.columns", `The region table ${path} must have the columns ${REGION_COLUMNS}.`);
  }
  const ranges = rows
    .slice(1)
    .filter(({ fields }) => fields.some((field) => field !== ""))
    .map(({ fields, line }) => {
      const [first, last, ksv, name] = fields.map(trim);
      const isPc4 = (text) => /^[0-9]{4}$/.test(text ?? "");
      if (fields.length !== 4 || !isPc4(first) || !isPc4(last) || first > last || !ksv) {
        throw new EncodeError(
          "regions.malformed",
          `Line ${line} of ${path} must hold two PC4s of four digits in order, a KSV code and its name.`,
        );
      }
      return { first, last, ksv, name, line };
    })
    .sort((one, other) => (one.first < other.first ? -1 : 1));
  if (ranges.length === 0) throw new EncodeError("regions.empty", `The region table ${path} holds no ranges.`);
  ranges.slice(1).forEach((after, i) => {
    const before = ranges[i];
    if (after.first <= before.last) {
      throw new EncodeError("regions.overlap", `Lines ${before.line} and ${after.line} of ${path} overlap.`);
    }
  });
  return { ksvOf: (pc4) => ranges.find(({ first, last }) => first <= pc4 && pc4 <= last)?.ksv ?? "" };
}

/**
 * Reads the table of name frequencies and gives the band of a record's rarest name.
 * @returns {Promise<{bandOf: (kind: "first_name" | "surname", names: string[]) => number}>}
 *   1 (rare or not in the table) to 4 (very common), 0 without a name
 */
export async function readFrequencies(path) {
  const sentence = `The table of name frequencies ${path} must hold ${FREQUENCY_COLUMNS}.`;
  const fault = () => new EncodeError("frequencies.malformed", sentence);
  const rows = await rowsOf(path, "frequencies.malformed", sentence);
  if (rows[0]?.fields.join(";") !== FREQUENCY_COLUMNS) throw fault();
  const tables = { first_name: new Map(), surname: new Map() };
  const partsOf = { first_name: longWords, surname: surnameParts };
  for (const { fields: [kind, name, share, ...more] } of rows.slice(1)) {
    const perMany = Number(share);
    if (!(kind in tables) || !share || Number.isNaN(perMany) || more.length > 0) throw fault();
    for (const part of partsOf[kind](name)) tables[kind].set(part, (tables[kind].get(part) ?? 0) + perMany);
  }
  const band = (kind, name) => 1 + EDGES[kind].filter((edge) => (tables[kind].get(name) ?? 0) >= edge).length;
  return { bandOf: (kind, names) => (names.length === 0 ? 0 : Math.min(...names.map((name) => band(kind, name)))) };
}
