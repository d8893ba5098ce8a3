/**
 * Bring one bundle to the server and its receipt back: create, append, complete (docs/spec/upload-v1.md, section 3).
 *
 * Nothing is kept in between: the Idempotency-Key is the file's digest, so a client that was killed finds its upload again.
 */

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { canonicalJson } from "../text.js";
import { NOT_THE_PROTOCOL, NoServerError, PassingTrouble, SendError, ServerRefusedError } from "./errors.js";
import { verifiedReceipt } from "./receipt.js";
import { jsonOf, refusedBy } from "./server.js";

const SMALLEST_CHUNK = 32 << 10;
const LARGEST_CHUNK = 8 << 20;
const GONE = 410;
const ACCEPTED = new Set(["accepted", "ingested", "superseded"]);
const MOST_BEGINNINGS = 3;

/** Uploads a bundle, or what is missing of it. @returns its verified receipt; `told` hears how much is there */
export async function sendBundle(bundle, server, told = () => {}) {
  checkFitsServer(bundle, server.statement);
  let address;
  for (let attempt = 1; ; attempt += 1) {
    let document;
    ({ address, document } = await create(bundle, server));
    if (ACCEPTED.has(document.state) && document.receipt) {
      return verifiedReceipt(document.receipt, bundle, server.statement.receipts, true);
    }
    try {
      await appendAll(address, bundle, server, told);
      break;
    } catch (error) {
      // It expired, or the server lost it: begin again.
      if (!(error instanceof ServerRefusedError && error.status === GONE) || attempt === MOST_BEGINNINGS) throw error;
    }
  }
  const headers = { "Repr-Digest": digestField(Buffer.from(bundle.sha256, "hex")) };
  const done = await server.call("POST", `${address}/complete`, { headers });
  if (done.status !== 200) throw refusedBy(done);
  server.patience.progressed();
  const { receipt, duplicate } = jsonOf(done);
  return verifiedReceipt(receipt, bundle, server.statement.receipts, duplicate === true);
}

/** Throws for a bundle that the server has said it will refuse. */
function checkFitsServer({ manifest, size }, { sealing, models, bundleBytes }) {
  if (!sealing.has(manifest.sealing?.key_id)) {
    throw new SendError(
      "send.sealed-to-another",
      "The bundle is sealed to a key that is not, or no longer, this server's: encode it again.",
    );
  }
  if (!models.includes(manifest.model_digest)) {
    throw new SendError("send.other-model", "The bundle was encoded with a linkage model that this server does not take.");
  }
  if (size > bundleBytes) {
    throw new SendError("send.too-large", `The bundle is larger than the ${bundleBytes} bytes that this server takes.`);
  }
}

/** A digest as RFC 9530 writes it in a header. */
const digestField = (sha256) => `sha-256=:${sha256.toString("base64")}:`;

/** Begins this file's upload, or finds the one that is there. */
async function create(bundle, server) {
  const { submission_id, provider, snapshot_date } = bundle.manifest;
  const body = canonicalJson({ submission_id, provider, snapshot_date, bytes: bundle.size, sha256: bundle.sha256 });
  const headers = { "Idempotency-Key": bundle.sha256, "Content-Type": "application/json" };
  const answer = await server.call("POST", "/v1/submissions", { headers, body });
  if (answer.status !== 200 && answer.status !== 201) throw refusedBy(answer);
  server.patience.progressed();
  return { address: server.absolute(answer.headers.get("location") ?? ""), document: jsonOf(answer) };
}

/** Appends from where the server is; chunks shrink when the network breaks and grow when it holds. */
async function appendAll(address, bundle, server, told) {
  const largest = Math.min(LARGEST_CHUNK, server.statement.chunkBytes);
  const file = await open(bundle.path, "r");
  const buffer = Buffer.alloc(largest);
  try {
    let chunkBytes = largest;
    let offset = offsetIn(await server.call("HEAD", address), bundle);
    while (offset < bundle.size) {
      told(offset);
      const { bytesRead } = await file.read(buffer, 0, Math.min(chunkBytes, bundle.size - offset), offset);
      if (bytesRead === 0) throw new SendError("send.changed", "The bundle became shorter while it was sent; start again.");
      const body = buffer.subarray(0, bytesRead);
      const headers = {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": String(offset),
        "Content-Digest": digestField(createHash("sha256").update(body).digest()),
      };
      const before = offset;
      try {
        const answer = await server.callOnce("PATCH", address, { headers, body });
        if (answer.status === 409 && answer.headers.has("upload-offset")) {
          offset = offsetIn(answer, bundle);
          if (offset > before) server.patience.progressed();
          await server.patience.wait("Another sender of the same bundle is at work");
          continue;
        }
        if (answer.status !== 204) throw refusedBy(answer);
        server.patience.progressed();
        offset = offsetIn(answer, bundle);
        chunkBytes = Math.min(largest, chunkBytes * 2);
      } catch (error) {
        if (!(error instanceof PassingTrouble)) throw error;
        chunkBytes = Math.max(Math.min(SMALLEST_CHUNK, largest), chunkBytes >> 2);
        await server.patience.wait(error.message, error.wait);
        offset = offsetIn(await server.call("HEAD", address), bundle);
        if (offset > before) server.patience.progressed(); // it was stored; only the answer was lost
      }
    }
    told(offset);
  } finally {
    await file.close();
  }
}

/** How many bytes the server has. */
function offsetIn(answer, bundle) {
  if (answer.status >= 400 && answer.status !== 409) throw refusedBy(answer);
  if ((answer.headers.get("upload-state") ?? "open") !== "open") return bundle.size; // settled: completing says how
  const value = answer.headers.get("upload-offset") ?? "";
  if (!/^[0-9]{1,15}$/.test(value) || Number(value) > bundle.size) throw new NoServerError("send.answer", NOT_THE_PROTOCOL);
  return Number(value);
}
