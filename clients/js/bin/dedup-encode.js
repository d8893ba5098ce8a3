#!/usr/bin/env node
/** `dedup-encode`: one extract becomes one bundle, at the source. */

import { basename } from "node:path";
import { dayOf } from "../src/calendar.js";
import { DONE, REFUSED, UsageError, runCommand } from "../src/commandline.js";
import {
  EncodeError, FAULTS, encodeExtract, readLinkageKey, readModel, readRegions, readSealingKey, readSigningKey,
} from "../src/index.js";

const HELP = `Usage: dedup-encode EXTRACT.csv --key FILE --model FILE --regions FILE --out FILE [options]

Encodes an extract (docs/extract.md): one bundle, without a readable identifier. Rows that the check refuses are left
out; the exit code is then 3.

  --key FILE           the epoch's linkage key
  --model FILE         the linkage model (.toml, or the same as .json)
  --model-digest HEX   the digest that the operator told: stop if the model has another one
  --regions FILE       the table of postcodes and KSVs; not for a generic table
  --date YYYY-MM-DD    the snapshot's day, from which checks count; else today in Amsterdam
  --seal-to FILE       the server's public sealing key
  --sign-with FILE     the vendor's signing key
  --vendor CODE        the vendor's code; else the extract's bronsysteem
  --out FILE           the bundle
  --json               print one JSON document for machines, with every finding by row and column
  --help               this text

Example: dedup-encode 41234567.csv --key epoch.key --model kraamzorg.toml --regions regions.csv \\
           --seal-to server.pub --sign-with signing.key --out 41234567.bundle
`;
const UNSEALED_WARNING =
  "Warning: without --seal-to and --sign-with this is an unsealed evaluation bundle; intake refuses it, and whoever " +
  "holds the linkage key can read it by trying values. Do not send it.";
const TEXTS = ["key", "model", "model-digest", "regions", "date", "seal-to", "sign-with", "vendor", "out"];
const MAX_LISTED = 10_000;

function checkCall(values, positionals) {
  if (positionals.length !== 1) throw new UsageError("Give one extract.");
  for (const name of ["key", "model", "out"]) if (!values[name]) throw new UsageError(`--${name} is needed.`);
  if (!values["seal-to"] !== !values["sign-with"]) {
    throw new UsageError("--seal-to and --sign-with belong together: a bundle is both sealed and signed.");
  }
  if (values.date !== undefined && !dayOf(values.date)) throw new UsageError("--date is a day such as 2026-11-22.");
}

const todayInAmsterdam = (now) => new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Amsterdam" }).format(now);

async function jobOf(values, extract) {
  const now = new Date();
  const model = await readModel(values.model);
  if (values["model-digest"] && values["model-digest"] !== model.digest) {
    throw new EncodeError(
      "model.wrong-digest",
      `The linkage model ${basename(values.model)} has the digest ${model.digest}, not the one that was asked for.`,
    );
  }
  const job = {
    extract,
    out: values.out,
    key: await readLinkageKey(values.key),
    model,
    sealTo: values["seal-to"] && (await readSealingKey(values["seal-to"])),
    signWith: values["sign-with"] && (await readSigningKey(values["sign-with"])),
    date: values.date ?? todayInAmsterdam(now),
    vendor: values.vendor ?? "",
    now,
  };
  if (model.table) return job;
  if (!values.regions) throw new UsageError("--regions is needed: without it no registration has a KSV.");
  job.regions = await readRegions(values.regions);
  return job;
}

function tell(values, extract, { vendor, provider, records, manifest, report }) {
  const refused = report?.refused ?? 0;
  if (values.json) {
    const { findings = [], ...check } = report ?? {};
    const listed = findings.slice(0, MAX_LISTED).map((finding) => {
      const { severity, hint } = FAULTS.get(finding.code);
      return { ...finding, severity, hint_en: hint };
    });
    const bundle = {
      extract,
      bundle: values.out,
      submission_id: manifest.submission_id,
      vendor,
      provider,
      records,
      body_sha256: manifest.body_sha256,
      check: report && check,
      findings: listed,
      findings_left_off: findings.length - listed.length,
    };
    const document = { records, refused, sealed: Boolean(manifest.sealing), bundles: [bundle], errors: [] };
    console.log(JSON.stringify(document, null, 2));
  } else {
    console.log(`${values.out}: ${records} records${refused ? `, ${refused} rows refused` : ""}`);
    for (const [code, count] of Object.entries(report?.counts_by_code ?? {})) {
      console.log(`  ${count} × ${code} (${FAULTS.get(code).severity}): ${FAULTS.get(code).hint}`);
    }
  }
  return refused ? REFUSED : DONE;
}

async function work(values, positionals) {
  checkCall(values, positionals);
  const [extract] = positionals;
  const job = await jobOf(values, extract);
  if (!job.sealTo) console.error(UNSEALED_WARNING);
  return tell(values, extract, await encodeExtract(job));
}

await runCommand("dedup-encode", { help: HELP, texts: TEXTS, work });
