/** normalisation-v1: every published vector, and the published table. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { dayOf } from "../src/calendar.js";
import { FILLERS } from "../src/extract/cells.js";
import { COLUMNS } from "../src/extract/columns.js";
import { modelOf } from "../src/model/model.js";
import { parseToml } from "../src/model/toml.js";
import { foldName, foldPlain } from "../src/normalise/folding.js";
import { PREFIXES } from "../src/normalise/names.js";
import { REWRITES } from "../src/normalise/phonetic.js";
import { COLUMN_RULES, DERIVED_RULES, normalise, valuesOfCells, valuesOfValues } from "../src/normalise/rules.js";
import { isSpace, trim } from "../src/text.js";
import { readText, readVectors } from "../published.js";

const vectors = readVectors("normalisation");

const keptCell = (column, cell, day) => {
  const trimmed = trim(cell);
  return trimmed && COLUMNS.get(column).clean(trimmed, dayOf(day))[0];
};

test("the folding table that comes with the client is the published one", () => {
  const shipped = readFileSync(new URL("../src/normalise/folding-v1.json", import.meta.url), "utf8");
  assert.equal(shipped, readText("docs/spec/vectors/folding-v1.json"));
});

test("no member of the vectors is left out here", () => {
  assert.deepEqual(Object.keys(vectors).sort(), ["cells", "fold_name", "fold_plain", "records", "rules", "scheme"]);
});

describe("the lists of the page are the client's", () => {
  const page = readText("docs/spec/normalisation-v1.md");
  const listed = (name) => new RegExp(`^\`\`\`${name}\\n([^\`]+)^\`\`\``, "m").exec(page)[1];

  test("spaces", () => {
    const published = listed("spaces").trim().split(/\s+/);
    const ours = Array.from({ length: 0x10000 }, (_, i) => i).filter((i) => isSpace(String.fromCharCode(i)));
    assert.deepEqual(ours.map((i) => i.toString(16).toUpperCase().padStart(4, "0")), published);
  });

  test("prefixes", () => assert.deepEqual([...PREFIXES].sort(), listed("prefixes").trim().split(/\s+/).sort()));

  test("fillers", () => assert.deepEqual([...FILLERS].sort(), listed("fillers").trim().split("\n").sort()));

  test("phonetic rewrites", () => {
    const rows = page.matchAll(/^\| [0-9]+ \| `(.+?)` \| (?:`(.+?)`)? ?\|/gm);
    const published = [...rows].map(([, pattern, by = ""]) => [pattern.replaceAll("\\|", "|"), by.replace("\\1", "$1")]);
    assert.deepEqual(REWRITES.map(([pattern, by]) => [pattern.source, by]), published);
  });
});

test("plain text folds as published", () => {
  assert.ok(vectors.fold_plain.length >= 20);
  for (const { typed, folded } of vectors.fold_plain) assert.equal(foldPlain(typed), folded, JSON.stringify(typed));
});

test("names fold as published", () => {
  assert.ok(vectors.fold_name.length >= 20);
  for (const { typed, folded } of vectors.fold_name) assert.equal(foldName(typed), folded, JSON.stringify(typed));
});

describe("rules", () => {
  test("every rule has vectors", () => {
    const known = [...Object.keys(COLUMN_RULES), ...Object.keys(DERIVED_RULES)].sort();
    assert.deepEqual(Object.keys(vectors.rules).sort(), known);
  });

  for (const [rule, ofRule] of Object.entries(vectors.rules)) {
    test(`${rule} gives the published values`, () => {
      for (const vector of ofRule) {
        const values = vector.of ? valuesOfValues(rule, vector.of) : valuesOfCells(rule, vector.columns);
        assert.deepEqual(values, vector.values, JSON.stringify(vector));
      }
    });
  }
});

test("cells of an extract are kept or count as missing as published", () => {
  assert.ok(vectors.cells.length >= 50);
  for (const { column, day, cell, kept } of vectors.cells) {
    assert.equal(keptCell(column, cell, day), kept, JSON.stringify({ column, cell }));
  }
});

test("whole records have the published attributes", async () => {
  const model = await modelOf(parseToml(readText("config/linkage/kraamzorg.toml")));
  for (const { day, cells, attributes } of vectors.records) {
    const kept = Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, keptCell(name, cell, day)]));
    assert.deepEqual(normalise(kept, model), attributes);
  }
});
