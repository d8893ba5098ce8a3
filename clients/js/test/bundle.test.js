/** bundle-v1: every published vector, with the published keys and random values. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromB64url, fromHex, hex, utf8 } from "../src/bytes.js";
import { manifestOf, sealedFile, signedStatement, signingInput, unsealedFile } from "../src/bundle/bundle.js";
import { batchBytes, payloadBytes } from "../src/bundle/payload.js";
import { CHUNK_BYTES, chunkNonce, hpkeInfo, sealBody, sealContentKey } from "../src/bundle/seal.js";
import { thumbprint } from "../src/keys.js";
import { canonicalJson } from "../src/text.js";
import { subtle } from "../src/webcrypto.js";
import { readVectors } from "../published.js";

const vectors = readVectors("bundle");
const manifest = JSON.parse(vectors.manifest_json);
const header = {
  submissionId: manifest.submission_id,
  vendor: manifest.vendor,
  provider: manifest.provider,
  snapshotDate: manifest.snapshot_date,
  createdAt: manifest.created_at,
  epochKeyId: manifest.epoch_key_id,
};
const body = fromHex(vectors.body_hex);
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

const publicOf = ({ crv, kty, x, y }) => ({ crv, kty, x, y });

async function ephemeralPair() {
  const ecdh = { name: "ECDH", namedCurve: "P-256" };
  return {
    privateKey: await subtle.importKey("jwk", vectors.ephemeral_key, ecdh, true, ["deriveBits"]),
    publicKey: await subtle.importKey("jwk", publicOf(vectors.ephemeral_key), ecdh, true, []),
  };
}

test("ids of key pairs", async () => {
  assert.equal(await thumbprint(vectors.server_sealing_key), vectors.server_sealing_key_id);
  assert.equal(await thumbprint(vectors.vendor_signing_key), vectors.vendor_signing_key_id);
});

test("batches and payload", () => {
  const batches = vectors.batches.map((batch) =>
    batchBytes({
      columns: batch.columns,
      presence: batch.presence,
      eddWeek: batch.edd_week,
      passes: batch.passes.map((entries) => ({
        rows: entries.map(([row]) => row),
        tokens: entries.map(([, token]) => fromHex(token)),
        sketches: entries.map(([, , sketch]) => fromHex(sketch)),
      })),
    }),
  );
  assert.deepEqual(batches.map(hex), vectors.batches_hex);
  assert.equal(hex(payloadBytes(vectors.statistics, batches)), vectors.payload_hex);
});

test("body", async () => {
  const submission = fromHex(header.submissionId);
  assert.equal(hex(submission), vectors.chunk_aad_hex);
  assert.equal(hex(chunkNonce(submission, 0, true)), vectors.chunk_nonce_hex);
  const sealed = await sealBody(fromHex(vectors.payload_hex), fromHex(vectors.content_key_hex), header.submissionId);
  assert.equal(hex(sealed), vectors.body_hex);
});

test("a payload of several chunks opens chunk by chunk, and only the last is marked", async () => {
  const payload = new Uint8Array(2 * CHUNK_BYTES).fill(7);
  const contentKey = fromHex(vectors.content_key_hex);
  const sealed = await sealBody(payload, contentKey, header.submissionId);
  assert.equal(sealed.length, payload.length + 2 * 16);
  const key = await subtle.importKey("raw", contentKey, "AES-GCM", false, ["decrypt"]);
  const additionalData = fromHex(header.submissionId);
  for (const [number, isLast] of [[0, false], [1, true]]) {
    const chunk = sealed.subarray(number * (CHUNK_BYTES + 16), (number + 1) * (CHUNK_BYTES + 16));
    const iv = chunkNonce(additionalData, number, isLast);
    const opened = await subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, chunk);
    assert.equal(opened.byteLength, CHUNK_BYTES);
  }
});

test("content key under HPKE", async () => {
  const sealTo = { keyId: vectors.server_sealing_key_id, jwk: publicOf(vectors.server_sealing_key) };
  const signer = vectors.vendor_signing_key_id;
  assert.equal(hpkeInfo(sealTo.keyId, signer, header.submissionId), vectors.hpke_info);
  const contentKey = fromHex(vectors.content_key_hex);
  const sealed = await sealContentKey(contentKey, sealTo, signer, header.submissionId, await ephemeralPair());
  assert.equal(hex(fromB64url(sealed)), vectors.sealed_key_hex);
  const again = await sealContentKey(contentKey, sealTo, signer, header.submissionId);
  assert.notEqual(again, sealed, "every bundle has an ephemeral key of its own");
});

test("manifest", async () => {
  assert.equal(canonicalJson(await manifestOf(header, vectors.model, body, manifest.sealing)), vectors.manifest_json);
});

test("signature", async () => {
  const [headerPart, manifestPart, signature] = vectors.manifest_jws.split(".");
  const input = signingInput(vectors.manifest_json, vectors.vendor_signing_key_id);
  assert.equal(input, `${headerPart}.${manifestPart}`);
  const verifying = await subtle.importKey("jwk", publicOf(vectors.vendor_signing_key), ECDSA, false, ["verify"]);
  assert.ok(await subtle.verify(ECDSA, verifying, fromB64url(signature), utf8(input)));
  const key = await subtle.importKey("jwk", vectors.vendor_signing_key, ECDSA, false, ["sign"]);
  const ours = await signedStatement(vectors.manifest_json, { keyId: vectors.vendor_signing_key_id, key });
  assert.ok(await subtle.verify(ECDSA, verifying, fromB64url(ours.split(".")[2]), utf8(input)));
  const altered = input.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  assert.ok(!(await subtle.verify(ECDSA, verifying, fromB64url(ours.split(".")[2]), utf8(altered))));
});

test("files", () => {
  assert.equal(hex(sealedFile(vectors.manifest_jws, body)), vectors.sealed_bundle_hex);
  const unsealed = fromHex(vectors.unsealed_bundle_hex);
  const length = new DataView(unsealed.buffer).getUint32(8);
  const statement = new TextDecoder().decode(unsealed.subarray(12, 12 + length));
  assert.equal(canonicalJson(JSON.parse(statement)), statement);
  assert.equal(hex(unsealedFile(statement, fromHex(vectors.payload_hex))), vectors.unsealed_bundle_hex);
});
