/** One extract becomes one bundle: read and checked, normalised, encoded, sealed and signed. */

import { basename } from "node:path";
import { hex } from "./bytes.js";
import { dayOf, weekOf } from "./calendar.js";
import { bundleOf, checkHeader } from "./bundle/bundle.js";
import { BATCH_ROWS, batchBytes, payloadBytes } from "./bundle/payload.js";
import { EncodeError } from "./errors.js";
import { RecordEncoder, batchOf } from "./encoding/records.js";
import { checkExtract } from "./extract/checks.js";
import { requireColumns } from "./extract/columns.js";
import { readTable } from "./extract/csv.js";
import { readable } from "./extract/readable.js";
import { replaceFile } from "./files.js";
import { normalise } from "./normalise/rules.js";
import { compareText } from "./text.js";
import { randomBytes } from "./webcrypto.js";

const TOGETHER = 32; // records encoded at once: enough to keep WebCrypto's threads busy

/**
 * Encodes one extract and writes its bundle.
 * @param {object} job extract, out (paths); key, model, regions, sealTo, signWith (as their readers give
 *   them; the last two both or neither); date (YYYY-MM-DD), vendor ("" for the extract's bronsysteem), now (Date)
 * @returns {Promise<{vendor, provider, records, manifest, report}>} report is null for a generic table
 */
export async function encodeExtract(job) {
  const isSealed = Boolean(job.sealTo);
  if (isSealed !== Boolean(job.signWith)) {
    throw new EncodeError("bundle.seal-and-sign", "A bundle is both sealed and signed, or neither; one key is missing.");
  }
  const { rows, report } = job.model.table ? await readPersons(job) : await readRegistrations(job);
  const name = basename(job.extract);
  const provider = report ? providerOf(rows, name) : "";
  const vendor = job.vendor || (report && systemOf(rows, name)) || job.model.name;
  const header = {
    submissionId: hex(randomBytes(16)),
    vendor,
    provider,
    snapshotDate: job.date,
    createdAt: job.now.toISOString().replace(/\.[0-9]+Z$/, "Z"),
    epochKeyId: job.key.keyId,
  };
  checkHeader(header, isSealed);
  const payload = await payloadOf(rows, report, job);
  const { file, manifest } = await bundleOf(payload, header, job.model, job);
  await writeBundle(job.out, file);
  return { vendor, provider, records: rows.length, manifest, report };
}

/** The accepted rows of an extract as { id, cells, columns, eddWeek }, ascending by id, with the report. */
async function readRegistrations(job) {
  const today = dayOf(job.date);
  const { rows, report } = await checkExtract(job.extract, { ...job, today });
  const registrations = rows.map((cells) => ({
    id: cells.registratie_id,
    cells,
    columns: readable(cells, job.regions),
    eddWeek: cells.a_terme_datum ? weekOf(dayOf(cells.a_terme_datum)) : -1,
  }));
  return { rows: registrations.sort((one, other) => compareText(one.id, other.id)), report };
}

/** The rows of any person table that the model describes; a value that fits no rule is missing. */
async function readPersons({ extract, model }) {
  const name = basename(extract);
  const { id_column: idColumn, separator } = model.table;
  const needed = [...new Set([idColumn, ...model.attributes.flatMap(({ columns }) => columns)])];
  const table = await readTable(extract, { separator, checkHeader: (header) => requireColumns(name, header, needed) });
  const seen = new Set();
  for (const { cells, line, malformed } of table.rows) {
    const fail = (code, what) => {
      throw new EncodeError(code, `Line ${line} of ${name} ${what}.`);
    };
    if (malformed) fail("extract.row-fields", "has more or fewer fields than the header");
    const id = cells[idColumn];
    if (!id) fail("extract.missing-ids", `has no id in column ${idColumn}`);
    if (seen.has(id)) fail("extract.duplicate-ids", `repeats the id of an earlier line in column ${idColumn}`);
    seen.add(id);
  }
  const rows = table.rows.map(({ cells }) => ({
    id: cells[idColumn],
    cells,
    columns: { registratie_id: cells[idColumn] },
    eddWeek: -1,
  }));
  return { rows: rows.sort((one, other) => compareText(one.id, other.id)), report: null };
}

/** The payload of rows in order, in batches of 8,192. */
async function payloadOf(rows, report, { key, model }) {
  const encoder = await RecordEncoder.create(key.secret, model);
  const batches = [];
  for (let start = 0; start < rows.length; start += BATCH_ROWS) {
    const part = rows.slice(start, start + BATCH_ROWS);
    const records = [];
    for (let i = 0; i < part.length; i += TOGETHER) {
      const some = part.slice(i, i + TOGETHER).map(({ cells }) => encoder.encode(normalise(cells, model)));
      records.push(...(await Promise.all(some)));
    }
    const columns = Object.fromEntries(
      Object.keys(part[0].columns).map((name) => [name, part.map((row) => row.columns[name])]),
    );
    if (report) columns.sharing = await Promise.all(part.map(({ cells }) => encoder.sharing(cells.verdeling_id)));
    const eddWeek = part.map((row) => row.eddWeek);
    batches.push(batchBytes({ columns, eddWeek, ...batchOf(records, model) }));
  }
  return payloadBytes(statisticsOf(rows, report), batches);
}

/** Counts and codes about the extract; never a value from a row. */
function statisticsOf(rows, report) {
  if (!report) return { rows: rows.length };
  const { rows: read, accepted, refused, withheld, counts_by_code: countsByCode } = report;
  return { rows: read, accepted, refused, withheld, counts_by_code: countsByCode };
}

/** The provider whose extract it is. */
function providerOf(rows, name) {
  const providers = new Set(rows.map(({ columns }) => columns.aanbieder_agb));
  if (providers.size === 0) throw new EncodeError("extract.no-rows", `${name} has no row that may be sent.`);
  if (providers.size > 1) {
    throw new EncodeError(
      "extract.several-providers",
      `${name} holds rows of ${providers.size} providers (aanbieder_agb); an extract is one provider's.`,
    );
  }
  return [...providers][0];
}

/** The one bronsysteem that rows name, "" where none does. */
function systemOf(rows, name) {
  const systems = new Set(rows.map(({ columns }) => columns.bronsysteem).filter((system) => system !== ""));
  if (systems.size > 1) {
    throw new EncodeError(
      "encode.several-systems",
      `${name} holds ${systems.size} different values of bronsysteem; name the vendor's code with --vendor.`,
    );
  }
  return [...systems][0] ?? "";
}

/** Writes the bundle in one step. */
async function writeBundle(path, bytes) {
  try {
    await replaceFile(path, bytes);
  } catch (error) {
    throw new EncodeError("bundle.unwritable", `The bundle cannot be written: ${error.code}.`);
  }
}
