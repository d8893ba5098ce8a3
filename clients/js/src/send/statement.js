/** What the server says of itself and its keys, believed only when a receipt key that is known signed it. */

import { thumbprint } from "../keys.js";
import { NoServerError } from "./errors.js";
import { takeApart, verify } from "./jws.js";

/** What `GET /v1/keys` of the server at `url` says, from its signed member alone; sealing keys as a Map by id. */
export async function verifiedStatement(document, known, url) {
  let said;
  let sealing;
  let receipts;
  try {
    const statement = takeApart(document.statement, "dedup-keys");
    await verify(statement, known.get(statement.keyId));
    said = JSON.parse(statement.payload);
    [sealing, receipts] = [await keysOf(said.sealing), await keysOf(said.receipts)];
    if (!Array.isArray(said.models)) throw new Error("no models");
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
    tokenEndpoint: said.token_endpoint,
    sealing,
    receipts,
    models: said.models,
    chunkBytes: said.limits.chunk_bytes,
    bundleBytes: said.limits.bundle_bytes,
  };
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
