/** What the sending client believes: keys and receipts that a known receipt key signed, and nothing else. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { thumbprint } from "../src/keys.js";
import { checkedUrl } from "../src/send/credentials.js";
import { refusal } from "../src/send/errors.js";
import { sign } from "../src/send/jws.js";
import { Patience } from "../src/send/patience.js";
import { verifiedReceipt } from "../src/send/receipt.js";
import { refuseUnlessCurrent, verifiedStatement } from "../src/send/statement.js";
import { subtle } from "../src/webcrypto.js";

const URL_HERE = "https://dedup.example";

async function makeKey() {
  const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const { kty, crv, x, y } = await subtle.exportKey("jwk", pair.publicKey);
  const jwk = { kty, crv, x, y };
  return { keyId: await thumbprint(jwk), key: pair.privateKey, jwk };
}

const [receipts, other, sealing] = await Promise.all([makeKey(), makeKey(), makeKey()]);
const known = new Map([[receipts.keyId, receipts.jwk]]);
const named = ({ keyId, jwk }) => ({ kid: keyId, ...jwk });

const said = (others = {}) => ({
  issuer: URL_HERE,
  issued_at: "2026-11-22T08:00:00Z",
  expires_at: "2026-11-22T08:05:00Z",
  token_endpoint: `${URL_HERE}/v1/token`,
  sealing: [named(sealing)],
  receipts: [named(receipts)],
  models: [],
  limits: { chunk_bytes: 1, bundle_bytes: 1 },
  ...others,
});
const bundle = {
  manifest: { submission_id: "5", vendor: "acme", provider: "41000001", snapshot_date: "2026-11-22", body_sha256: "b" },
  sha256: "f",
  size: 9,
};
const receipt = (others = {}) => ({ ...bundle.manifest, file_sha256: "f", file_bytes: 9, ...others });
const code = (expected) => (error) => error.code === expected;

test("keys signed with a known receipt key are believed, from the statement alone", async () => {
  const statement = await sign(said(), receipts, "dedup-keys");
  const found = await verifiedStatement({ statement, sealing: [named(other)] }, known, URL_HERE);
  assert.deepEqual([...found.sealing.keys()], [sealing.keyId]);
});

test("keys that are signed otherwise, or not of the form, are not believed", async () => {
  const wrong = [
    { statement: await sign(said(), other, "dedup-keys") },
    { statement: await sign(said(), { ...other, keyId: receipts.keyId }, "dedup-keys") },
    { statement: await sign(said(), receipts, "dedup-receipt") },
    { statement: await sign(said({ sealing: [{ ...named(sealing), kid: "x" }] }), receipts, "dedup-keys") },
    { statement: await sign(said({ issued_at: null }), receipts, "dedup-keys") },
    { statement: await sign(said({ expires_at: "2026-02-30T08:00:00Z" }), receipts, "dedup-keys") },
    { statement: await sign(said({ limits: { chunk_bytes: 0, bundle_bytes: 1 } }), receipts, "dedup-keys") },
    { statement: 7 },
    {},
    [],
  ];
  for (const document of wrong) {
    await assert.rejects(verifiedStatement(document, known, URL_HERE), code("send.keys-wrong"));
  }
  const elsewhere = { statement: await sign(said({ issuer: "https://b.example" }), receipts, "dedup-keys") };
  await assert.rejects(verifiedStatement(elsewhere, known, URL_HERE), code("send.other-server"));
});

test("a statement is good for its time, clocks may differ by a minute, and none comes after a newer one", async () => {
  const statement = await verifiedStatement({ statement: await sign(said(), receipts, "dedup-keys") }, known, URL_HERE);
  const at = (seconds) => new Date(Date.UTC(2026, 10, 22, 8) + 1000 * seconds);
  for (const seconds of [0, -60, 359]) refuseUnlessCurrent(statement, at(seconds), at(60));
  for (const [seconds, seen, expected] of [
    [-61, undefined, "send.keys-future"],
    [360, undefined, "send.keys-expired"],
    [0, 61, "send.keys-older"],
  ]) {
    assert.throws(() => refuseUnlessCurrent(statement, at(seconds), seen && at(seen)), code(expected));
  }
});

test("a receipt for this very file is believed, every other one is not", async () => {
  const good = await sign(receipt(), receipts, "dedup-receipt");
  assert.equal((await verifiedReceipt(good, bundle, known, false)).says.file_bytes, 9);
  for (const token of [
    await sign(receipt(), other, "dedup-receipt"),
    await sign(receipt(), { ...other, keyId: receipts.keyId }, "dedup-receipt"),
    await sign(receipt(), receipts, "dedup-keys"),
    `${good.slice(0, -4)}AAAA`,
    undefined,
  ]) {
    await assert.rejects(verifiedReceipt(token, bundle, known, false), code("send.receipt-wrong"));
  }
  for (const wrong of [{ file_sha256: "0" }, { file_bytes: 8 }, { submission_id: "6" }, { vendor: "b" }]) {
    const token = await sign(receipt(wrong), receipts, "dedup-receipt");
    await assert.rejects(verifiedReceipt(token, bundle, known, false), code("send.receipt-other"));
  }
});

test("a server's URL is https, or this machine's", () => {
  for (const url of ["https://a.example", "https://a.example/dedup/", "http://127.0.0.1:8000", "http://[::1]:1"]) {
    assert.equal(checkedUrl(url), url.replace(/\/$/, ""));
  }
  const unsafe = ["http://a.example", "ftp://localhost", "a.example", "https://u:p@a.example", "https://:p@a.example"];
  for (const url of [...unsafe, "https://a.example/?q", "https://a.example:port", "https://[a.example"]) {
    assert.throws(() => checkedUrl(url), code("send.url"));
  }
});

test("waits grow, do what the server asks, and end", async () => {
  const slept = [];
  let now = 0;
  const sleep = async (seconds) => {
    slept.push(seconds);
    now += seconds;
  };
  const patience = new Patience(100, { now: () => now, draw: () => 1, sleep });
  for (let i = 0; i < 4; i += 1) await patience.wait("No answer");
  await patience.wait("Busy", 30);
  assert.deepEqual(slept, [0.5, 1, 2, 4, 30]);
  await assert.rejects(patience.wait("Come back tomorrow", 86_400), code("send.gave-up"));
  patience.progressed();
  await patience.wait("No answer");
  assert.equal(slept.at(-1), 0.5);
});

test("a refusal keeps every fault and no control characters", () => {
  const errors = [{ code: "bundle.altered", detail: "one\u001b[2J\nline" }, { code: "\u001b", detail: "x" }, 7];
  const { faults } = refusal(422, Buffer.from(JSON.stringify({ code: "a.b", detail: "d", errors })));
  assert.deepEqual(faults, [{ code: "bundle.altered", detail: "one[2J line" }]);
  assert.equal(refusal(502, Buffer.from("<html>")).code, "send.answer");
});
