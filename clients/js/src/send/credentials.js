/** The credentials file of `dedup keys credentials`: where to upload, as whom, with which key, believing whose receipts. */

import { readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { EncodeError } from "../errors.js";
import { replaceFile } from "../files.js";
import { documentBytes, writeKeyFile } from "../keyfiles.js";
import { readDocument, readSigningKey, thumbprint } from "../keys.js";
import { timestamp } from "../text.js";
import { SendError } from "./errors.js";

const KIND = "upload-credentials";
const ZONED = /(?:Z|[+-][0-9]{2}:[0-9]{2})$/;
const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Reads credentials and the signing key that they name; `url` takes the place of the file's.
 * @returns {Promise<{path, url, vendor, signingKey, receiptKeys, keysIssuedAt}>} receiptKeys is a Map of public JWKs by
 *   id, keysIssuedAt when the newest statement was signed that was believed, if there was one
 */
export async function readCredentials(path, url) {
  const malformed = () => new EncodeError("key.malformed", `${path} is no credentials file, or it was damaged.`);
  const { document } = await readDocument(path, KIND, { isSecret: false });
  const isText = (name) => typeof document[name] === "string" && document[name] !== "";
  if (!["vendor", "signing_key", "url", "key_id"].every(isText) || !Array.isArray(document.receipt_keys)) throw malformed();
  const receiptKeys = new Map();
  for (const jwk of document.receipt_keys) {
    if (jwk?.kty !== "EC" || jwk.crv !== "P-256" || typeof jwk.x !== "string" || typeof jwk.y !== "string") throw malformed();
    receiptKeys.set(await thumbprint(jwk), jwk);
  }
  if (receiptKeys.size === 0) throw malformed();
  const keysIssuedAt = document.keys_issued_at === undefined ? undefined : new Date(document.keys_issued_at);
  if (keysIssuedAt && !ZONED.test(document.keys_issued_at)) throw malformed();
  if (Number.isNaN(keysIssuedAt?.getTime())) throw malformed();
  const named = resolve(dirname(path), document.signing_key);
  const signingKey = await readSigningKey(named);
  if (signingKey.keyId !== document.key_id) {
    throw new EncodeError(
      "key.other-signing-key",
      `${named} is not the key that ${basename(path)} was made for; make new credentials.`,
    );
  }
  return { path, url: checkedUrl(url ?? document.url), vendor: document.vendor, signingKey, receiptKeys, keysIssuedAt };
}

/**
 * Writes a new credentials file that names the signing key relative to itself.
 * @param {{keyId, jwk}[]} receiptKeys the server's, as the operator gave them
 * @returns {Promise<string>} the signing key's id
 */
export async function writeCredentials(path, { url, vendor, signingKey, receiptKeys }, now) {
  const { keyId } = await readSigningKey(signingKey);
  const [folder, named] = [dirname(resolve(path)), resolve(signingKey)];
  const inside = relative(folder, named);
  const isInside = !isAbsolute(inside) && inside !== ".." && !inside.startsWith(`..${sep}`);
  const document = {
    kind: KIND,
    version: 1,
    key_id: keyId,
    created: timestamp(now),
    url: checkedUrl(url),
    vendor,
    signing_key: (isInside ? inside : named).replaceAll(sep, "/"),
    receipt_keys: receiptKeys.map(({ jwk: { kty, crv, x, y } }) => ({ kty, crv, x, y })),
  };
  await writeKeyFile(path, documentBytes(document), { isSecret: false });
  return keyId;
}

/**
 * Puts the receipt keys of a statement that is believed, and its moment, in the place of those in the file. A file that
 * may only be read keeps its moment: then the statement's own life is what a replay is held against.
 */
export async function rememberStatement(credentials, { receipts, issuedAt }) {
  const document = JSON.parse(await readFile(credentials.path, "utf8"));
  document.keys_issued_at = timestamp(issuedAt < (credentials.keysIssuedAt ?? issuedAt) ? credentials.keysIssuedAt : issuedAt);
  const areNew = [...receipts.keys()].join() !== [...credentials.receiptKeys.keys()].join();
  if (areNew) document.receipt_keys = [...receipts.values()];
  try {
    await replaceFile(credentials.path, documentBytes(document));
  } catch (error) {
    if (areNew || !error?.syscall) throw error;
  }
}

/** A server's URL without a slash at its end, if it is safe to use. */
export function checkedUrl(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    url = undefined;
  }
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && HERE.has(url.hostname));
  if (!isSafe || url.username || url.password || url.search || url.hash) {
    throw new SendError(
      "send.url",
      "The server's URL starts with https:// (http:// for this machine only), then its name.",
    );
  }
  return text.replace(/\/+$/, "");
}
