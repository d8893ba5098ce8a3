/** The operator's table of regions: which KSV a PC4 belongs to. */

import { readFile } from "node:fs/promises";
import { EncodeError } from "../errors.js";
import { trim } from "../text.js";
import { parseCsv } from "./csv.js";

const REGION_COLUMNS = "pc4_from;pc4_to;ksv;ksv_naam";

async function rowsOf(path) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
    return [...parseCsv(text, ";")];
  } catch {
    throw new EncodeError("regions.missing", `The region table ${path} cannot be read.`);
  }
}

/**
 * Reads the table of postcode ranges and KSVs (UTF-8, semicolons, header).
 * @returns {Promise<{ksvOf: (pc4: string) => string}>} "" where no range holds the PC4
 */
export async function readRegions(path) {
  const rows = await rowsOf(path);
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
