/** Writes key files (docs/keys.md), and makes or opens those of a vendor; each has the bytes that `dedup keys` writes. */

import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { openSecret } from "./bundle/seal.js";
import { b64url, fromB64url } from "./bytes.js";
import { EncodeError, inWords } from "./errors.js";
import { writeNewFile } from "./files.js";
import { readDocument, secretKeyId, thumbprint } from "./keys.js";
import { timestamp } from "./text.js";
import { subtle } from "./webcrypto.js";

const PAIRS = [
  { name: "signing", kind: "vendor-signing", algorithm: "ECDSA", usages: ["sign", "verify"] },
  { name: "sealing", kind: "vendor-sealing", algorithm: "ECDH", usages: ["deriveBits"] },
];

/** The content of a key file; `material` is { secret } or { jwk }. */
export const keyDocument = (kind, keyId, material, now) =>
  documentBytes({ kind, version: 1, key_id: keyId, created: timestamp(now), ...material });

/** Writes a document as a new file, mode 0600 for a secret; a file that is there is never overwritten. */
export async function writeKeyFile(path, bytes, { isSecret }) {
  try {
    await writeNewFile(path, bytes, isSecret ? 0o600 : 0o644);
  } catch (error) {
    if (error?.code === "EEXIST") throw exists(path);
    if (!error?.syscall) throw error;
    throw new EncodeError("key.unwritable", `${path} cannot be written: ${inWords(error)}.`);
  }
}

export const documentBytes = (document) => Buffer.from(`${JSON.stringify(document, null, 2)}\n`);

/**
 * Makes a vendor's two key pairs in `folder`: one to sign bundles with, one to receive linkage keys with.
 * @returns {Promise<{signingKeyId, sealingKeyId, files}>}
 */
export async function makeVendorKeys(folder, now) {
  const files = [];
  const ids = {};
  for (const { name, kind, algorithm, usages } of PAIRS) {
    const pair = await subtle.generateKey({ name: algorithm, namedCurve: "P-256" }, true, usages);
    const { x, y, d } = await subtle.exportKey("jwk", pair.privateKey);
    const jwk = { kty: "EC", crv: "P-256", x, y };
    ids[name] = await thumbprint(jwk);
    files.push(
      { path: join(folder, `${name}.key`), bytes: keyDocument(kind, ids[name], { jwk: { ...jwk, d } }, now), isSecret: true },
      { path: join(folder, `${name}.pub`), bytes: keyDocument(`${kind}-public`, ids[name], { jwk }, now), isSecret: false },
    );
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { path } of files) if (await stat(path).then(() => true, () => false)) throw exists(path);
  for (const { path, bytes, isSecret } of files) await writeKeyFile(path, bytes, { isSecret });
  return { signingKeyId: ids.signing, sealingKeyId: ids.sealing, files: files.map(({ path }) => path) };
}

/**
 * Opens a linkage key that was sealed to this vendor: { keyId, secret }
 * @param {{keyId: string, jwk: JsonWebKey}} openedWith the vendor's sealing key
 */
export async function openLinkageKey(path, openedWith) {
  const { document } = await readDocument(path, "sealed-linkage", { isSecret: false });
  if (document.sealed_to !== openedWith.keyId) {
    throw new EncodeError("key.wrong-recipient", `${basename(path)} is sealed to another key than the one given.`);
  }
  try {
    const info = `dedup/v1/linkage-key\n${openedWith.keyId}\n${document.key_id}`;
    const secret = await openSecret(fromB64url(document.sealed), openedWith.jwk, info);
    if (secret.length !== 32 || (await secretKeyId(secret)) !== document.key_id) throw new Error("another key");
    return { keyId: document.key_id, secret };
  } catch {
    throw new EncodeError("key.cannot-open", `${basename(path)} cannot be opened: it was damaged or altered.`);
  }
}

/** Writes a linkage key to a new file that only its owner may read. */
export const writeLinkageKey = (path, { keyId, secret }, now) =>
  writeKeyFile(path, keyDocument("linkage", keyId, { secret: b64url(secret) }, now), { isSecret: true });

const exists = (path) => new EncodeError("key.exists", `${path} exists already; keys are never overwritten.`);
