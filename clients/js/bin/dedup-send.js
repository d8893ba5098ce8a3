#!/usr/bin/env node
/** `dedup-send`: sealed bundles go to the server, signed receipts come back. */

import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DONE, FAULT, REFUSED, UsageError, runCommand } from "../src/commandline.js";
import { EncodeError, Patience, SendError, UploadServer, deliver, readCredentials } from "../src/index.js";

const HELP = `Usage: dedup-send BUNDLE... --credentials FILE [options]

Uploads bundles, verifies the receipts, and keeps them as BUNDLE.receipt.json. A folder stands for the *.bundle in it.
Run it again after whatever happened: it goes on where it was, and a bundle that has its receipt is not sent again.
The exit code is 0 when each bundle has its receipt, 3 when the server refused some, 1 when some got no answer.

  --credentials FILE   made by \`dedup keys credentials\`
  --to URL             the server; else the credentials' own
  --receipts DIR       where receipts go; else beside each bundle
  --patience MINUTES   how long to try while nothing gets through; 15
  --await-report SECONDS  also tell what was in each; wait so long for it
  --json               print one JSON document for machines
  --help               this text

Example: dedup-send outbox --to https://dedup.example.nl --credentials credentials.json
`;
const TEXTS = ["credentials", "to", "receipts", "patience", "await-report"];
const SHOWN_AFTER_MS = 2000;

function checkedCall(values, positionals) {
  if (positionals.length === 0) throw new UsageError("Give a bundle.");
  if (!values.credentials) throw new UsageError("--credentials is needed.");
  const minutes = Number(values.patience ?? 15);
  if (!(minutes >= 0)) throw new UsageError("--patience is a number of minutes.");
  const awaitReport = values["await-report"] === undefined ? undefined : Number(values["await-report"]);
  if (awaitReport !== undefined && !(awaitReport >= 0)) throw new UsageError("--await-report is a number of seconds.");
  return { minutes, awaitReport };
}

async function filesOf(named) {
  const files = [];
  for (const path of named) {
    const isFolder = await stat(path).then((found) => found.isDirectory(), () => false);
    const bundles = isFolder ? (await readdir(path)).filter((name) => name.endsWith(".bundle")).sort() : [];
    files.push(...(isFolder ? bundles.map((name) => join(path, name)) : [path]));
  }
  if (new Set(files.map((file) => basename(file))).size < files.length) {
    throw new SendError("send.same-name", "Two of the bundles have the same name, so would their receipts.");
  }
  return files;
}

/** Tells on a terminal how far a bundle is, from two seconds on. */
function progress() {
  let started = Date.now();
  let shown = false;
  const clear = () => {
    if (shown) process.stderr.write("\r\x1b[K");
    [shown, started] = [false, Date.now()];
  };
  const told = (bundle, there) => {
    if (!process.stderr.isTTY || Date.now() - started < SHOWN_AFTER_MS) return;
    shown = true;
    process.stderr.write(`\r\x1b[K${basename(bundle.path)}: ${Math.floor((100 * there) / bundle.size)} %`);
  };
  return { told, clear };
}

const inAmsterdam = (moment) => new Intl.DateTimeFormat("sv-SE", {
  timeZone: "Europe/Amsterdam", dateStyle: "short", timeStyle: "medium",
}).format(new Date(moment));

function tell({ path, state, receipt, keptIn, report, faults }) {
  const name = basename(path);
  for (const { code, detail } of faults) console.error(`${name}: ${state}. ${detail} [${code}]`);
  if (!receipt) return;
  const note = receipt.duplicate ? " before" : "";
  console.log(`${name}: accepted${note} on ${inAmsterdam(receipt.says.received_at)}, receipt in ${keptIn}`);
  if (!report) return;
  const told = report.counts?.map(([what, count]) => `${count.toLocaleString("en")} ${what}`).join(", ");
  console.log(`${name}: ${told ?? "not opened yet"}`);
}

const jsonOf = ({ path, state, bytes, receipt, keptIn, report, faults }) => ({
  bundle: path,
  state,
  bytes,
  submission_id: receipt?.says.submission_id ?? null,
  received_at: receipt?.says.received_at ?? null,
  duplicate: receipt?.duplicate ?? null,
  receipt: keptIn ?? null,
  report: report?.document ?? null,
  errors: faults,
});

async function sendAll(values, named) {
  const { minutes, awaitReport } = checkedCall(values, named);
  const { told, clear } = progress();
  const patience = new Patience(60 * minutes, { told: (sentence) => console.error(sentence) });
  const credentials = await readCredentials(values.credentials, values.to);
  const server = new UploadServer(credentials, patience);
  const done = [];
  let failure;
  try {
    const { receipts } = values;
    for await (const outcome of deliver(await filesOf(named), credentials, server, { receipts, awaitReport, told })) {
      clear();
      done.push(outcome);
      if (!values.json) tell(outcome);
    }
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    failure = error; // the server: what was done before is told all the same
  }
  clear();
  if (values.json) {
    const said = failure ? { error: failure.code, message: failure.message } : {};
    console.log(JSON.stringify({ bundles: done.map(jsonOf), ...said }, null, 2));
  }
  if (failure) throw failure;
  if (done.some(({ state }) => state === "failed")) return FAULT;
  return done.some(({ state }) => state === "refused") ? REFUSED : DONE;
}

await runCommand("dedup-send", { help: HELP, texts: TEXTS, work: sendAll });
