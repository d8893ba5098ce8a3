/** Deliver bundles one after another: what has its receipt is left alone, what is refused stops no other. */

import { EncodeError } from "../errors.js";
import { lookAt } from "./bundlefile.js";
import { rememberStatement } from "./credentials.js";
import { NoServerError, ServerRefusedError } from "./errors.js";
import { keepReceipt, keptReceipt, receiptPath } from "./receipt.js";
import { awaitedReport } from "./report.js";
import { sendBundle } from "./upload.js";

/**
 * Yields the outcome of each bundle: { path, state, bytes, receipt, keptIn, report, faults }, state one of accepted,
 * known (its receipt lay here already), refused (by the server) and failed. With `awaitReport`, each validation report
 * comes with it, after at most so many seconds. Throws NoServerError where no other need be tried.
 */
export async function* deliver(paths, credentials, server, { receipts, awaitReport, told = () => {} } = {}) {
  for (const path of paths) {
    try {
      const bundle = await lookAt(path, credentials);
      const keptIn = receiptPath(path, receipts);
      const held = await keptReceipt(keptIn, bundle, credentials.receiptKeys);
      const isAsked = !held || awaitReport !== undefined;
      if (isAsked && !server.statement) await rememberStatement(credentials, await server.connect());
      const receipt = held ?? (await sendBundle(bundle, server, (there) => told(bundle, there)));
      if (!held) await keepReceipt(receipt, keptIn);
      const outcome = { path, state: held ? "known" : "accepted", bytes: bundle.size, receipt, keptIn, faults: [] };
      yield awaitReport === undefined ? outcome : withReport(outcome, server, awaitReport);
    } catch (error) {
      if (error instanceof NoServerError || !(error instanceof EncodeError)) throw error;
      const isRefused = error instanceof ServerRefusedError;
      const faults = isRefused ? error.faults : [{ code: error.code, detail: error.message }];
      yield { path, state: isRefused ? "refused" : "failed", bytes: 0, faults };
    }
  }
}

/**
 * Asks what the bundle turned out to be; one that cannot be used counts as refused, though it has a receipt. A report
 * that the server does not give is told as a fault, and changes nothing about the bundle.
 */
async function withReport(outcome, server, seconds) {
  let report;
  try {
    report = await awaitedReport(outcome.receipt.says.submission_id, server, seconds);
  } catch (error) {
    if (error instanceof ServerRefusedError) return { ...outcome, faults: error.faults };
    throw error;
  }
  return report.problem ? { ...outcome, state: "refused", faults: [report.problem], report } : { ...outcome, report };
}
