/** What the server says of itself and its keys, believed only when a receipt key that is known signed it. */

import { thumbprint } from "../keys.js";
import { timestamp } from "../text.js";
import { NoServerError } from "./errors.js";
import { takeApart, verify } from "./jws.js";

const CLOCKS_MAY_DIFFER_MS = 60_000;
const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;

/**
 * What `GET /v1/keys` of the server at `url` says, from its signed member alone; keys as Maps by id. Whether it says so
 * today is for `refuseUnlessCurrent`.
 */
export async function verifiedStatement(document, known, url) {
  let said;
  let sealing;
  let receipts;
  let moments;
  try {
    const statement = takeApart(document.statement, "dedup-keys");
    await verify(statement, known.get(statement.keyId));
    said = JSON.parse(statement.payload);
    [sealing, receipts] = [await keysOf(said.sealing), await keysOf(said.receipts)];
    if (!Array.isArray(said.models)) throw new Error("no models");
    moments = [momentOf(said.issued_at), momentOf(said.expires_at)];
    for (const size of [said.limits.chunk_bytes, said.limits.bundle_bytes]) {
      if (!Number.isSafeInteger(size) || size < 1) throw new Error("no size");
    }
    said.issuer = said.issuer.replace(/\/+$/, "");
  } catch {
    throw new NoServerError(
      "send.keys-wrong",
      "The server's keys are not signed with a receipt key that the credentials name; nothing was sent. Ask the " +
        "operator, by telephone, for its receipt key.",
    );
  }
  if (said.issuer !== url) {
    throw new NoServerError("send.other-server", "The server says that it is another one than the URL that was given.");
  }
  if (typeof said.token_endpoint !== "string" || !said.token_endpoint.startsWith(`${url}/`)) {
    throw new NoServerError("send.other-server", "The server asks for the vendor's proof at another server's address.");
  }
  return {
    issuer: said.issuer,
    issuedAt: moments[0],
    expiresAt: moments[1],
    tokenEndpoint: said.token_endpoint,
    sealing,
    receipts,
    models: said.models,
    chunkBytes: said.limits.chunk_bytes,
    bundleBytes: said.limits.bundle_bytes,
  };
}

/**
 * Refuses a statement that was good once: after a rotation it would bring back keys that are no longer in use.
 * @param {Date} now
 * @param {Date} [seen] when the newest statement was signed that this client believed before
 */
export function refuseUnlessCurrent({ issuedAt, expiresAt }, now, seen) {
  const clock = `this machine's clock says ${timestamp(now)}`;
  if (issuedAt.getTime() > now.getTime() + CLOCKS_MAY_DIFFER_MS) {
    throw new NoServerError("send.keys-future", `The server's keys were signed at ${timestamp(issuedAt)}, and ${clock}.`);
  }
  if (expiresAt.getTime() <= now.getTime() - CLOCKS_MAY_DIFFER_MS) {
    throw new NoServerError(
      "send.keys-expired",
      `The server's keys were good until ${timestamp(expiresAt)}, and ${clock}: either it is wrong, or these are keys ` +
        "of before.",
    );
  }
  if (seen && issuedAt.getTime() + CLOCKS_MAY_DIFFER_MS < seen.getTime()) {
    throw new NoServerError(
      "send.keys-older",
      `The server's keys were signed at ${timestamp(issuedAt)}, before those of ${timestamp(seen)} that it gave ` +
        "already; nothing was sent. Ask the operator, by telephone.",
    );
  }
}

function momentOf(text) {
  const moment = new Date(MOMENT.test(text) ? text : Number.NaN);
  if (Number.isNaN(moment.getTime()) || timestamp(moment) !== text) throw new Error("no moment");
  return moment;
}

async function keysOf(jwks) {
  const keys = new Map();
  for (const { kid, kty, crv, x, y } of jwks) {
    if ((await thumbprint({ crv, kty, x, y })) !== kid) throw new Error("a key under another key's id");
    keys.set(kid, { kty, crv, x, y });
  }
  if (keys.size === 0) throw new Error("no key");
  return keys;
}
