/** encoding-v1: every published vector; the sketches that a wrong reading makes are not made here. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, hex } from "../src/bytes.js";
import { blockSecret, blockToken, blockValue } from "../src/encoding/blocks.js";
import { RecordEncoder, batchOf } from "../src/encoding/records.js";
import { hashedToken, initialisationVector, sketch, votes } from "../src/encoding/sketch.js";
import { PURPOSES, subkeyBytes, subkeysOf } from "../src/encoding/subkeys.js";
import { tokenSet } from "../src/encoding/tokens.js";
import { modelOf } from "../src/model/model.js";
import { compareText } from "../src/text.js";
import { sha256 } from "../src/webcrypto.js";
import { readVectors } from "../published.js";

const vectors = readVectors("encoding");
const subkeys = await subkeysOf(fromHex(vectors.subkeys[0].linkage_key));

/** A component of a block value, which may say how often its text is repeated. */
const written = (component) => (typeof component === "string" ? component : component.repeat.repeat(component.times));

const sketchOf = async ({ secret, field, rule, values, bits }) => {
  const hashed = await Promise.all(tokenSet(rule, values).map((token) => hashedToken(subkeys, field, token)));
  return hex(await sketch(subkeys, fromHex(secret), hashed, bits));
};

test("no member of the vectors is left out here", () => {
  const members = "blocks mistakes model records refused scheme sharing sketches subkeys token_sets votes";
  assert.equal(Object.keys(vectors).sort().join(" "), members);
});

test("subkeys", async () => {
  for (const vector of vectors.subkeys) {
    for (const purpose of PURPOSES) {
      assert.equal(hex(await subkeyBytes(fromHex(vector.linkage_key), purpose)), vector[purpose]);
    }
  }
});

test("block values, secrets and tokens", async () => {
  for (const vector of vectors.blocks) {
    const value = blockValue(vector.pass, vector.components.map(written));
    const secret = await blockSecret(subkeys, value);
    if (vector.block_value === undefined) assert.equal(hex(await sha256(value)), vector.block_value_sha256);
    else assert.equal(hex(value), vector.block_value);
    assert.equal(hex(secret), vector.secret);
    assert.equal(hex(await blockToken(subkeys, secret)), vector.block_token);
  }
});

test("token sets", () => {
  for (const { rule, values, tokens } of vectors.token_sets) {
    assert.deepEqual(tokenSet(rule, values).map(hex).sort(), tokens);
  }
});

test("positions past 255 are 255", () => {
  assert.equal(tokenSet("positions", ["a".repeat(255)]).length, 255);
  assert.equal(tokenSet("positions", ["a".repeat(300)]).length, 256);
});

test("a component is cut at 65,535 bytes", () => {
  const cut = blockValue(1, ["a".repeat(70_000), "b"]);
  assert.equal(cut.length, 1 + 2 + 65_535 + 2 + 1);
  assert.deepEqual([...cut.slice(0, 3), ...cut.slice(-3)], [1, 255, 255, 0, 1, 98]);
});

test("votes, step by step", async () => {
  for (const vector of vectors.votes) {
    const hashed = await Promise.all(vector.tokens.map((token) => hashedToken(subkeys, vector.field, fromHex(token))));
    const ivs = hashed.map((one) => initialisationVector(fromHex(vector.secret), one));
    const cast = (await votes(subkeys, ivs, 256)).map(hex);
    assert.deepEqual(hashed.map(hex), vector.hashed_tokens);
    assert.deepEqual(ivs.map(hex), vector.ivs);
    assert.deepEqual(cast, [...vector.votes, ...(vector.casting_vote ? [vector.casting_vote] : [])]);
    assert.equal(hex(await sketch(subkeys, fromHex(vector.secret), hashed, 256)), vector.sketch);
  }
});

test("sketches", async () => {
  for (const vector of vectors.sketches) assert.equal(await sketchOf(vector), vector.sketch, JSON.stringify(vector));
});

/** What this encoder makes of the inputs of a mistake. */
const MADE = {
  subkey: async ({ linkage_key: key, purpose }) => hex(await subkeyBytes(fromHex(key), purpose)),
  block_secret: async ({ pass, components }) => hex(await blockSecret(subkeys, blockValue(pass, components.map(written)))),
  block_token: async ({ secret }) => hex(await blockToken(subkeys, fromHex(secret))),
  tokens: async ({ rule, values }) => tokenSet(rule, values).map(hex).sort(),
  sketch: sketchOf,
  first_pass_tokens: async ({ values }) => (await recordOf(values)).passes[0].map(({ token }) => hex(token)),
  presence: async ({ values }) => (await recordOf(values)).presence,
  sharing: async ({ verdeling_id: verdelingId }) =>
    new RecordEncoder(subkeys, { fields: [], passes: [] }).sharing(verdelingId),
};

const recordOf = async (values) => new RecordEncoder(subkeys, await modelOf(vectors.model.document)).encode(values);

test("no result of a wrong reading is made here", async () => {
  for (const vector of vectors.mistakes) {
    assert.notDeepEqual(await MADE[vector.of](vector), vector.wrong, `${vector.of}: ${vector.mistake}`);
  }
  assert.deepEqual([...new Set(vectors.mistakes.map(({ of }) => of))].sort(), Object.keys(MADE).sort());
});

test("what no encoder may take is refused", async () => {
  for (const { refused, code, document, linkage_key: key } of vectors.refused) {
    const taken = document ? modelOf(document) : subkeysOf(fromHex(key));
    await assert.rejects(taken, (error) => error.code === (code ?? "encoding.key-length"), refused);
  }
});

test("sharing", async () => {
  const encoder = new RecordEncoder(subkeys, { fields: [], passes: [] });
  for (const { verdeling_id: verdelingId, sharing } of vectors.sharing) {
    assert.equal(await encoder.sharing(verdelingId), sharing);
  }
  assert.equal(await encoder.sharing(""), "");
});

test("the model's digest", async () => {
  assert.equal((await modelOf(vectors.model.document)).digest, vectors.model.digest);
});

test("records: presence and every entry", async () => {
  const model = await modelOf(vectors.model.document);
  for (const vector of vectors.records) {
    const encoder = await RecordEncoder.create(fromHex(vector.linkage_key), model);
    const record = await encoder.encode(vector.values);
    const passes = record.passes.map((entries, p) => ({
      pass: model.passes[p].number,
      entries: entries.map(({ token, sketch: bytes }) => ({ block_token: hex(token), sketch: hex(bytes) })),
    }));
    assert.equal(record.presence, vector.presence);
    assert.deepEqual(passes, vector.passes);
  }
});

test("the entries of a batch ascend by token, then row, whatever the order of the work", async () => {
  const model = await modelOf(vectors.model.document);
  const encoder = new RecordEncoder(subkeys, model);
  const records = await Promise.all(vectors.records.map(({ values }) => encoder.encode(values)));
  const { passes } = batchOf([...records, records[0]], model);
  for (const { rows, tokens } of passes) {
    const order = tokens.map((token, i) => `${hex(token)} ${String(rows[i]).padStart(3, "0")}`);
    assert.deepEqual(order, [...new Set(order)].sort());
  }
  assert.deepEqual(passes.map(({ rows }) => rows.filter((row) => row === 0).length > 0), [true, true, true]);
});

test("text ascends by code points, not by UTF-16 units", () => {
  assert.deepEqual(["\u{1F476}", "\uFFEE", "z", "r10", "r2"].sort(compareText), ["r10", "r2", "z", "\uFFEE", "\u{1F476}"]);
});
