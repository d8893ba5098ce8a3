/** Reads a CSV file into rows of trimmed text, or says in one sentence why it cannot be read at all. */

import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { EncodeError } from "../errors.js";
import { trim } from "../text.js";

export const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;
const MAX_FIELD = 131072; // characters; a longer field is a quote that was never closed
const SEPARATORS = { ",": "a comma", "\t": "a tab", "|": "a pipe", ";": "a semicolon" };
const MAGIC = [
  ["504b0304", "an Excel or other zipped file"],
  ["d0cf11e0", "an old Excel file"],
  ["25504446", "a PDF"],
  ["1f8b", "a gzipped file"],
];

/**
 * The records of a CSV text: each { fields, line }, `line` being the line that it ends on.
 * A quote opens a quoted value only as the first character of a field; elsewhere it is a character like any other.
 * @param {() => Error} [onQuotes] makes the error for a quote that is not closed, or more text behind a quoted value
 */
export function* parseCsv(text, separator, onQuotes) {
  let at = 0;
  let line = 0;
  const stop = new RegExp(`[\\u{${separator.codePointAt(0).toString(16)}}\\r\\n]|$`, "gu");
  const broken = () => onQuotes?.(line) ?? new EncodeError("csv.quotes", `A quote is not closed on line ${line}.`);
  while (at < text.length) {
    line += 1;
    const fields = [];
    if (text[at] === "\n" || text[at] === "\r") {
      at += text.startsWith("\r\n", at) ? 2 : 1;
      yield { fields, line };
      continue;
    }
    for (;;) {
      let field = "";
      if (text[at] === '"') {
        at += 1;
        for (;;) {
          const quote = text.indexOf('"', at);
          if (quote < 0) throw broken();
          const piece = text.slice(at, quote);
          line += piece.match(/\r\n|\r|\n/g)?.length ?? 0;
          field += piece;
          at = quote + 1;
          if (text[at] !== '"') break;
          field += '"';
          at += 1;
        }
        if (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") throw broken();
      } else {
        stop.lastIndex = at;
        const end = stop.exec(text).index;
        field = text.slice(at, end);
        at = end;
      }
      if (field.length > MAX_FIELD) throw broken();
      fields.push(field);
      if (text[at] !== separator || at >= text.length) break;
      at += 1;
    }
    at += text.startsWith("\r\n", at) ? 2 : 1;
    yield { fields, line };
  }
}

/**
 * Reads a UTF-8 CSV file with a header.
 * @param {(header: string[]) => void} checkHeader raises where the names will not do, before any row is read
 * @returns {Promise<{header: string[], rows: {cells: Record<string, string>, line: number, malformed: boolean}[]}>}
 *   rows that are blank are left out; a malformed row (too many or too few fields) has no cells
 */
export async function readTable(path, { separator, maxBytes = DEFAULT_MAX_BYTES, checkHeader }) {
  const name = basename(path);
  const text = await readText(path, name, maxBytes);
  const records = parseCsv(text, separator, (line) => new EncodeError(
    "extract.quotes",
    `${name} cannot be read from line ${line} on: a quote is not closed, or a quoted value is followed by more text; ` +
      "double the quotes inside a quoted value.",
  ));
  const header = (records.next().value?.fields ?? []).map(trim);
  checkSeparator(name, header, separator);
  checkHeader(header);
  checkDuplicates(name, header);
  const rows = [];
  for (const { fields, line } of records) {
    const cells = fields.map(trim);
    if (cells.every((cell) => cell === "")) continue;
    const malformed = cells.length !== header.length;
    rows.push({ cells: malformed ? {} : Object.fromEntries(header.map((column, i) => [column, cells[i]])), line, malformed });
  }
  if (rows.length === 0) throw new EncodeError("extract.only-header", `${name} has a header but no rows.`);
  return { header, rows };
}

async function readText(path, name, maxBytes) {
  const size = await stat(path).then((found) => (found.isFile() ? found.size : -1), () => -1);
  if (size < 0) throw new EncodeError("extract.not-found", `There is no file ${path}.`);
  if (size === 0) throw new EncodeError("extract.empty", `${name} is empty.`);
  const bytes = await readFile(path);
  checkFirstBytes(name, bytes);
  if (bytes.length > maxBytes) {
    const limit = Math.round(maxBytes / 2 ** 20);
    throw new EncodeError("extract.too-large", `${name} is larger than ${limit} MiB; send one provider's open registrations.`);
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    const line = 1 + bytes.subarray(0, nul).filter((byte) => byte === 10).length;
    throw new EncodeError("extract.nul", `${name} holds a NUL byte on line ${line}; it is damaged.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes); // drops a byte order mark
  } catch {
    throw new EncodeError(
      "extract.encoding",
      `${name} is not UTF-8; it looks like Windows-1252 or Latin-1. Export it as UTF-8.`,
    );
  }
}

function checkFirstBytes(name, bytes) {
  const start = bytes.subarray(0, 4).toString("hex");
  for (const [magic, what] of MAGIC) {
    if (start.startsWith(magic)) {
      throw new EncodeError("extract.not-csv", `${name} is ${what}; save it as CSV, UTF-8, with semicolons.`);
    }
  }
  const zeros = [0, 0];
  bytes.subarray(0, 400).forEach((byte, i) => (zeros[i % 2] += byte === 0 ? 1 : 0));
  const interleaved = zeros[0] + zeros[1] > 20 && Math.min(...zeros) === 0;
  if (/^(?:fffe|feff|0000feff)/.test(start) || interleaved) {
    throw new EncodeError("extract.encoding", `${name} is UTF-16; export it as UTF-8.`);
  }
  if (bytes.length < 2 ** 20 && trim(bytes.toString("utf8").replace(/^\uFEFF/, "")) === "") {
    throw new EncodeError("extract.empty", `${name} is empty.`);
  }
}

function checkSeparator(name, header, separator) {
  if (header.length >= 2) return;
  const counts = Object.keys(SEPARATORS).map((other) => [(header[0] ?? "").split(other).length - 1, other]);
  const [most, found] = counts.reduce((best, count) => (count[0] > best[0] ? count : best));
  const hint = most ? `; it looks like ${SEPARATORS[found]}` : "";
  const wanted = SEPARATORS[separator] ?? `'${separator}'`;
  throw new EncodeError("extract.separator", `${name} does not separate its columns with ${wanted}${hint}.`);
}

function checkDuplicates(name, header) {
  header.forEach((column, i) => {
    if (column && header.indexOf(column) < i) {
      throw new EncodeError(
        "extract.duplicate-columns",
        `Column ${i + 1} of ${name} has the same name as an earlier column.`,
      );
    }
  });
}
