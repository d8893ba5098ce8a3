/** A receipt as its holder reads it: verified against the server's receipt keys and the file, then kept. */

import { mkdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { replaceFile } from "../files.js";
import { SendError } from "./errors.js";
import { takeApart, verify } from "./jws.js";

/** A receipt for exactly this file, signed by one of the server's receipt keys: { says, token, duplicate } */
export async function verifiedReceipt(token, bundle, keys, duplicate) {
  let says;
  try {
    const statement = takeApart(token, "dedup-receipt");
    await verify(statement, keys.get(statement.keyId));
    says = JSON.parse(statement.payload);
  } catch {
    throw new SendError(
      "send.receipt-wrong",
      "The receipt is not signed with the server's receipt key: do not rely on it, ask the operator.",
    );
  }
  const { submission_id, vendor, provider, snapshot_date, body_sha256 } = bundle.manifest;
  const wanted = { submission_id, vendor, provider, snapshot_date, body_sha256 };
  const wholeFile = { file_sha256: bundle.sha256, file_bytes: bundle.size };
  for (const [name, value] of Object.entries({ ...wanted, ...wholeFile })) {
    if (says?.[name] !== value) {
      throw new SendError(
        "send.receipt-other",
        "The receipt is for another bundle than the one that was sent; ask the operator.",
      );
    }
  }
  return { says, token, duplicate };
}

/** Where a bundle's receipt is kept: beside it, or in `folder`. */
export const receiptPath = (bundle, folder) => join(folder ?? dirname(bundle), `${basename(bundle)}.receipt.json`);

/** Writes a receipt durably, in the shape of the inbox's receipts. */
export async function keepReceipt({ says, token, duplicate }, path) {
  const { submission_id, provider, snapshot_date, received_at } = says;
  const document = { submission_id, provider, snapshot_date, received_at, duplicate, receipt: token };
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, Buffer.from(`${JSON.stringify(document, null, 2)}\n`));
}

/** The receipt of an earlier upload of this very file, or undefined when there is none that holds. */
export async function keptReceipt(path, bundle, keys) {
  try {
    return await verifiedReceipt(JSON.parse(await readFile(path, "utf8")).receipt, bundle, keys, true);
  } catch {
    return undefined;
  }
}
