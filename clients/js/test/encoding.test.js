/** encoding-v1: every published vector; the sketches that a wrong reading makes are not made here. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, hex } from "../src/bytes.js";
import { blockSecret, blockToken, blockValue } from "../src/encoding/blocks.js";
import { RecordEncoder, batchOf } from "../src/encoding/records.js";
import { hashedToken, initialisationVector, numbersOf, sketch, stream } from "../src/encoding/sketch.js";
import { PURPOSES, subkeyBytes, subkeysOf } from "../src/encoding/subkeys.js";
import { tokenSet } from "../src/encoding/tokens.js";
import { modelOf } from "../src/model/model.js";
import { compareText } from "../src/text.js";
import { readVectors } from "../published.js";

const vectors = readVectors("encoding");
const subkeys = await subkeysOf(fromHex(vectors.subkeys[0].linkage_key));

const sketchOf = async ({ secret, field, rule, values, bits }) => {
  const hashed = await Promise.all(tokenSet(rule, values).map((token) => hashedToken(subkeys, field, token)));
  return hex(await sketch(subkeys, fromHex(secret), hashed, bits));
};

test("no member of the vectors is left out here", () => {
  const members = "blocks mistakes model numbers records scheme sharing sketches subkeys token_sets";
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
    const value = blockValue(vector.pass, vector.components);
    const secret = await blockSecret(subkeys, value);
    assert.equal(hex(value), vector.block_value);
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

test("hashed tokens, IVs and numbers", async () => {
  for (const vector of vectors.numbers) {
    const hashed = await hashedToken(subkeys, vector.field, fromHex(vector.token));
    const iv = initialisationVector(fromHex(vector.secret), hashed);
    assert.equal(hex(hashed), vector.hashed_token);
    assert.equal(hex(iv), vector.iv);
    assert.deepEqual([...numbersOf(await stream(subkeys, iv, vector.numbers.length))], vector.numbers);
  }
});

test("sketches", async () => {
  for (const vector of vectors.sketches) assert.equal(await sketchOf(vector), vector.sketch, JSON.stringify(vector));
});

test("no sketch that a wrong reading makes", async () => {
  assert.ok(vectors.mistakes.length > 0);
  for (const vector of vectors.mistakes) {
    assert.notEqual(await sketchOf({ bits: 4 * vector.wrong_sketch.length, ...vector }), vector.wrong_sketch, vector.mistake);
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
