/** Reads key files (docs/keys.md): JSON, secret ones readable by their owner only, each vouched for by its id. */

import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { b64url, fromB64url, hex, utf8 } from "./bytes.js";
import { EncodeError, inWords } from "./errors.js";
import { canonicalJson } from "./text.js";
import { hmac, hmacKey, sha256, subtle } from "./webcrypto.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const OTHERS = 0o077;
const COMMON = ["created", "key_id", "kind", "version"];

/** The linkage key of an epoch: { keyId, secret } */
export async function readLinkageKey(path) {
  const { document, malformed } = await readKeyFile(path, "linkage", { isSecret: true, material: "secret" });
  const secret = decoded(document.secret, 32, malformed);
  if (document.key_id !== (await secretKeyId(secret))) throw malformed();
  return { keyId: document.key_id, secret };
}

/** The vendor's signing key: { keyId, key, jwk }, the last one public */
export async function readSigningKey(path) {
  const { document, malformed } = await readKeyFile(path, "vendor-signing", { isSecret: true, material: "jwk" });
  await checkJwk(document, ["crv", "d", "kty", "x", "y"], malformed);
  const { kty, crv, x, y } = document.jwk;
  return { keyId: document.key_id, key: await imported(document.jwk, CURVE, ["sign"], malformed), jwk: { kty, crv, x, y } };
}

/** The server's public sealing key: { keyId, jwk } */
export async function readSealingKey(path) {
  const { document, malformed } = await readKeyFile(path, "server-sealing-public", { isSecret: false, material: "jwk" });
  await checkJwk(document, ["crv", "kty", "x", "y"], malformed);
  await imported(document.jwk, { name: "ECDH", namedCurve: "P-256" }, [], malformed); // it is a point of the curve
  return { keyId: document.key_id, jwk: document.jwk };
}

/** The id of a 32-byte secret: the first half of an HMAC under it. */
export const secretKeyId = async (secret) => hex((await hmac(await hmacKey(secret), utf8("dedup/v1/key-id"))).slice(0, 16));

/** The id of a key pair: the RFC 7638 thumbprint of its public key. */
export const thumbprint = async ({ crv, kty, x, y }) => b64url(await sha256(utf8(canonicalJson({ crv, kty, x, y }))));

/** The server's public receipt key: { keyId, jwk } */
export async function readReceiptKey(path) {
  const { document, malformed } = await readKeyFile(path, "receipt-signing-public", { isSecret: false, material: "jwk" });
  await checkJwk(document, ["crv", "kty", "x", "y"], malformed);
  await imported(document.jwk, CURVE, ["verify"], malformed);
  return { keyId: document.key_id, jwk: document.jwk };
}

/** The vendor's sealing key, which opens linkage keys: { keyId, jwk }, a private JWK */
export async function readVendorSealingKey(path) {
  const { document, malformed } = await readKeyFile(path, "vendor-sealing", { isSecret: true, material: "jwk" });
  await checkJwk(document, ["crv", "d", "kty", "x", "y"], malformed);
  await imported(document.jwk, { name: "ECDH", namedCurve: "P-256" }, ["deriveBits"], malformed);
  return { keyId: document.key_id, jwk: document.jwk };
}

/** Reads a JSON file of this kind with the members that all have; gives it, and the error for one that is damaged. */
export async function readDocument(path, kind, { isSecret }) {
  const malformed = () =>
    new EncodeError("key.malformed", `${path} is not a key file that this version can read, or it was damaged.`);
  let found;
  let text;
  try {
    found = await stat(path);
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new EncodeError("key.missing", `The key file ${path} cannot be read: ${inWords(error)}.`);
  }
  if (isSecret && process.platform !== "win32" && found.mode & OTHERS) {
    throw new EncodeError("key.permissions", `Others may read the key file ${path}; run: chmod 600 ${path}`);
  }
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed();
  }
  const isText = (name) => typeof document?.[name] === "string" && document[name].length <= 64;
  if (document?.version !== 1 || !["kind", "key_id", "created"].every(isText)) throw malformed();
  if (document.kind !== kind) {
    throw new EncodeError(
      "key.wrong-kind",
      `${basename(path)} holds a key of kind '${document.kind}'; '${kind}' is needed here.`,
    );
  }
  return { document, malformed };
}

async function readKeyFile(path, kind, { isSecret, material }) {
  const { document, malformed } = await readDocument(path, kind, { isSecret });
  if (Object.keys(document).sort().join() !== [...COMMON, material].sort().join()) throw malformed();
  return { document, malformed };
}

async function checkJwk({ jwk, key_id: keyId }, members, malformed) {
  const isPlain = jwk !== null && typeof jwk === "object" && Object.keys(jwk).sort().join() === members.join();
  if (!isPlain || jwk.kty !== "EC" || jwk.crv !== "P-256") throw malformed();
  for (const name of members.filter((member) => member.length === 1)) decoded(jwk[name], 32, malformed);
  if ((await thumbprint(jwk)) !== keyId) throw malformed();
}

function decoded(text, length, malformed) {
  let bytes;
  try {
    bytes = fromB64url(text);
  } catch {
    throw malformed();
  }
  if (bytes.length !== length) throw malformed();
  return bytes;
}

const imported = (jwk, algorithm, usages, malformed) =>
  subtle.importKey("jwk", jwk, algorithm, false, usages).catch(() => {
    throw malformed();
  });
