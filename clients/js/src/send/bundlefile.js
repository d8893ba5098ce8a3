/** A bundle as its sender looks at it before anything is sent: sealed, whole, the vendor's own, and its digest. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { EncodeError, inWords } from "../errors.js";
import { SendError } from "./errors.js";
import { algorithmOf, takeApart, verify } from "./jws.js";

const HEAD_BYTES = 12;
const MAX_STATEMENT_BYTES = 16_384;

/** Checks a bundle as far as its sender can. @returns {Promise<{path, manifest, sha256, size}>} sha256 in hex */
export async function lookAt(path, credentials) {
  const { statement, size, bodyStart } = await readHead(path);
  const manifest = await signedManifest(statement, credentials.signingKey);
  if (manifest?.vendor !== credentials.vendor) {
    throw new SendError(
      "send.other-vendor",
      "The bundle names another vendor than the credentials; encode with --vendor and its code.",
    );
  }
  if (size - bodyStart < manifest.body_bytes) throw truncated();
  if (size - bodyStart > manifest.body_bytes) {
    throw new EncodeError("bundle.trailing-bytes", "The bundle goes on after its body.");
  }
  const { whole, body } = await digestsOf(path, bodyStart);
  if (body !== manifest.body_sha256) {
    throw new EncodeError("bundle.altered", "The bundle's body is not the one that its manifest describes.");
  }
  return { path, manifest, sha256: whole, size };
}

/** The manifest; where it names the vendor's own key, that must have signed it. */
async function signedManifest(statement, { keyId, jwk }) {
  const algorithm = algorithmOf(statement);
  if (algorithm !== undefined && algorithm !== "ES256") {
    throw new EncodeError("bundle.signature-algorithm", "The manifest is not signed with ES256.");
  }
  let taken;
  let manifest;
  try {
    taken = takeApart(statement, "dedup-bundle");
    manifest = JSON.parse(taken.payload);
  } catch {
    throw new EncodeError(
      "bundle.signature-malformed",
      "The bundle's manifest is not a compact JWS of the form required.",
    );
  }
  if (taken.keyId !== keyId) return manifest; // of a key that the vendor has beside this one: the server knows it
  try {
    await verify(taken, jwk);
  } catch {
    throw new EncodeError("bundle.signature-wrong", "The manifest's signature is not by the key that it names.");
  }
  return manifest;
}

async function readHead(path) {
  let file;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    const head = Buffer.alloc(HEAD_BYTES + MAX_STATEMENT_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const magic = head.toString("latin1", 0, 8);
    if (magic !== "DEDUPB1\0" && magic !== "DEDUPE1\0") {
      throw new EncodeError("bundle.not-a-bundle", "The file is not a bundle: it does not start as one.");
    }
    if (magic === "DEDUPE1\0") {
      throw new EncodeError(
        "bundle.unsealed",
        "This is an unsealed evaluation bundle; it is not sent. Encode with --seal-to and --sign-with.",
      );
    }
    const length = head.readUInt32BE(8);
    if (bytesRead < HEAD_BYTES) throw truncated();
    if (length > MAX_STATEMENT_BYTES) {
      throw new EncodeError("bundle.oversize", `The bundle's manifest is larger than ${MAX_STATEMENT_BYTES} bytes.`);
    }
    const bodyStart = HEAD_BYTES + length;
    if (bytesRead < bodyStart) throw truncated();
    return { statement: head.toString("latin1", HEAD_BYTES, bodyStart), size, bodyStart };
  } catch (error) {
    if (error instanceof EncodeError) throw error;
    throw new EncodeError("bundle.unreadable", `The bundle cannot be read: ${inWords(error)}.`);
  } finally {
    await file?.close();
  }
}

/** SHA-256 in hex of the whole file, and of what starts at `bodyStart`. */
async function digestsOf(path, bodyStart) {
  const [whole, body] = [createHash("sha256"), createHash("sha256")];
  let at = 0;
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) {
    whole.update(part);
    if (at + part.length > bodyStart) body.update(part.subarray(Math.max(0, bodyStart - at)));
    at += part.length;
  }
  return { whole: whole.digest("hex"), body: body.digest("hex") };
}

const truncated = () => new EncodeError("bundle.truncated", "The bundle ends too early; it was cut off on its way.");
