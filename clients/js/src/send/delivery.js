/** Deliver bundles one after another: what has its receipt is left alone, what is refused stops no other. */

import { EncodeError } from "../errors.js";
import { lookAt } from "./bundlefile.js";
import { rememberReceiptKeys } from "./credentials.js";
import { NoServerError, ServerRefusedError } from "./errors.js";
import { keepReceipt, keptReceipt, receiptPath } from "./receipt.js";
import { sendBundle } from "./upload.js";

/**
 * Yields the outcome of each bundle: { path, state, bytes, receipt, keptIn, faults }, state one of accepted, known (its
 * receipt lay here already), refused (by the server) and failed. Throws NoServerError where no other need be tried.
 */
export async function* deliver(paths, credentials, server, { receipts, told = () => {} } = {}) {
  for (const path of paths) {
    try {
      const bundle = await lookAt(path, credentials);
      const keptIn = receiptPath(path, receipts);
      const held = await keptReceipt(keptIn, bundle, credentials.receiptKeys);
      if (held) {
        yield { path, state: "known", bytes: bundle.size, receipt: held, keptIn, faults: [] };
        continue;
      }
      if (!server.statement) await rememberReceiptKeys(credentials, (await server.connect()).receipts);
      const receipt = await sendBundle(bundle, server, (there) => told(bundle, there));
      await keepReceipt(receipt, keptIn);
      yield { path, state: "accepted", bytes: bundle.size, receipt, keptIn, faults: [] };
    } catch (error) {
      if (error instanceof NoServerError || !(error instanceof EncodeError)) throw error;
      const isRefused = error instanceof ServerRefusedError;
      const faults = isRefused ? error.faults : [{ code: error.code, detail: error.message }];
      yield { path, state: isRefused ? "refused" : "failed", bytes: 0, faults };
    }
  }
}
