/** The linkage model: the TOML that is read and the TOML that is refused, digests, and faults. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../src/model/model.js";
import { parseToml } from "../src/model/toml.js";
import { readText, readVectors } from "../published.js";

const DOCUMENT = readVectors("encoding").model.document;

const changed = (change) => {
  const document = structuredClone(DOCUMENT);
  change(document);
  return modelOf(document);
};

const throwsCode = (code) => (error) => error.code === code && /^[A-Z].*\.$/s.test(error.message);

test("every kind of value that models are written in is read", () => {
  const text = `# a comment
top = 1
[model] # another
name = "a \\"quoted\\" \\u00e9\\t#" # a comment
'lit' = 'C:\\n'
min = 20
bits = [ 1, # one
  2.5,
  -3e2, 1_000, ]
yes = true
no = false
empty = []
[attributes]
one = { rule = "date", columns = ["a", "b"], deep = { x = 1 } }
none = {}
[[fields]]
name = "x"
[[fields]]
name = "y"
`;
  assert.deepEqual(parseToml(text.replaceAll("\n", "\r\n")), parseToml(text));
  assert.deepEqual(parseToml(text), {
    top: 1,
    model: {
      name: 'a "quoted" é\t#', lit: "C:\\n", min: 20, bits: [1, 2.5, -300, 1000], yes: true, no: false, empty: [],
    },
    attributes: { one: { rule: "date", columns: ["a", "b"], deep: { x: 1 } }, none: {} },
    fields: [{ name: "x" }, { name: "y" }],
  });
});

for (const [what, text] of Object.entries({
  "a dotted key": "a.b = 1",
  "a dotted table": "[a.b]",
  "a date": "a = 2026-11-22",
  "text over several lines": 'a = """\nx\n"""',
  "a hexadecimal number": "a = 0x10",
  "a number with a leading zero": "a = 012",
  "infinity": "a = inf",
  "a key twice": "a = 1\na = 2",
  "a table twice": "[a]\n[a]",
  "a table and a list of one name": "[a]\n[[a]]",
  "two members on one line": "a = 1 b = 2",
  "an open quote": 'a = "x',
  "an open list": "a = [1, 2",
  "an open table": "a = {x = 1",
  "an unknown escape": 'a = "\\q"',
  "no value": "a =",
  "a name alone": "a",
  "a name that is no member": "__proto__ = 1",
})) {
  test(`${what} is refused with its line, not guessed`, () => {
    assert.throws(() => parseToml(`# first\n${text}`), (error) => {
      assert.match(error.message, /^Line [2-4] of the linkage model/);
      return error.code === "model.malformed";
    });
  });
}

test("the models of the installation are read, as TOML and as JSON", async () => {
  for (const name of ["kraamzorg", "febrl"]) {
    const document = parseToml(readText(`config/linkage/${name}.toml`));
    const model = await modelOf(document);
    assert.equal(model.name, name);
    assert.equal((await modelOf(JSON.parse(JSON.stringify(document)))).digest, model.digest);
  }
});

test("the digest covers what changes bytes and nothing else", async () => {
  const { digest } = await modelOf(DOCUMENT);
  const same = [
    (d) => (d.model = { ...d.model, name: "other", version: 9, min_block_bits: 1 }),
    (d) => (d.attributes.born.bits = 1),
    (d) => (d.comparisons = []),
  ];
  const other = [
    (d) => (d.table.separator = ";"),
    (d) => delete d.table,
    (d) => (d.fields[0].bits = 72),
    (d) => d.fields.reverse(),
    (d) => (d.passes[0].omits = []),
    (d) => d.attributes.surnames.columns.pop(),
  ];
  for (const change of same) assert.equal((await changed(change)).digest, digest, String(change));
  const digests = await Promise.all(other.map((change) => changed(change).then((model) => model.digest)));
  assert.equal(new Set([digest, ...digests]).size, other.length + 1);
});

for (const [code, change] of Object.entries({
  "model.unknown-rule": (d) => (d.attributes.born.rule = "toString"),
  "model.rule-needs-columns": (d) => (d.attributes.born.columns = ["a", "b"]),
  "model.rule-needs-attribute": (d) => (d.attributes.surname_codes.columns = ["a"]),
  "model.attribute-order": (d) => (d.attributes.surname_codes.of = "surname_codes"),
  "model.unknown-attribute": (d) => d.passes[0].attributes.push("none"),
  "model.bad-number": (d) => (d.fields[0].number = 256),
  "model.duplicate-number": (d) => (d.fields[1].number = d.fields[0].number),
  "model.duplicate-name": (d) => (d.fields[1].name = d.fields[0].name),
  "model.unknown-tokens": (d) => (d.fields[0].tokens = "trigrams"),
  "model.tokens-need-date": (d) => (d.fields[0].tokens = "date"),
  "model.bad-bits": (d) => (d.fields[0].bits = 12),
  "model.empty-pass": (d) => (d.passes[0].attributes = []),
  "model.unknown-field": (d) => d.passes[0].omits.push("none"),
  "model.omission-not-fixed": (d) => d.passes[0].omits.push("surname"),
  "model.empty-section": (d) => (d.passes = []),
  "model.missing-key": (d) => delete d.fields[0].name,
  "model.wrong-type": (d) => (d.passes[0].attributes = "born"),
  "model.bad-separator": (d) => (d.table.separator = ";;"),
})) {
  test(`a fault in what decides bytes is told: ${code}`, () => assert.rejects(changed(change), throwsCode(code)));
}
