/** Compact JWS under ES256 and nothing else: header, payload and signature each have one spelling (bundle-v1, section 2). */

import { b64url, fromB64url, utf8 } from "../bytes.js";
import { canonicalJson } from "../text.js";
import { subtle } from "../webcrypto.js";

const ECDSA = { name: "ECDSA", hash: "SHA-256" };
const CURVE = { name: "ECDSA", namedCurve: "P-256" };

/** Signs a statement; `kind` goes into `typ`, so no signature serves two purposes. */
export async function sign(statement, { keyId, key }, kind) {
  const header = canonicalJson({ alg: "ES256", kid: keyId, typ: kind });
  const input = `${b64url(utf8(header))}.${b64url(utf8(canonicalJson(statement)))}`;
  return `${input}.${b64url(new Uint8Array(await subtle.sign(ECDSA, key, utf8(input))))}`;
}

/** Takes a JWS of this kind apart without verifying it; throws on every other form. */
export function takeApart(token, kind) {
  const parts = typeof token === "string" ? token.split(".") : [];
  if (parts.length !== 3) throw new Error("no JWS");
  const [header, payload, signature] = parts.map(fromB64url);
  const headerText = Buffer.from(header).toString("utf8");
  const keyId = JSON.parse(headerText)?.kid;
  if (typeof keyId !== "string" || headerText !== canonicalJson({ alg: "ES256", kid: keyId, typ: kind })) {
    throw new Error("not the header that is wanted");
  }
  return { keyId, payload: Buffer.from(payload).toString("utf8"), signature, input: utf8(`${parts[0]}.${parts[1]}`) };
}

/** The algorithm that a JWS says it is signed with, if it says so readably. */
export function algorithmOf(token) {
  try {
    return JSON.parse(Buffer.from(fromB64url(token.split(".")[0])).toString("utf8"))?.alg;
  } catch {
    return undefined;
  }
}

/** Throws unless the public key `jwk` signed the statement. */
export async function verify({ signature, input }, jwk) {
  const key = await subtle.importKey("jwk", jwk, CURVE, false, ["verify"]);
  if (!(await subtle.verify(ECDSA, key, signature, input))) throw new Error("not signed by this key");
}
