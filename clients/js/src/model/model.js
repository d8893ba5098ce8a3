/** The linkage model: what of it decides bytes, checked, and its digest (encoding-v1, section 7). */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { hex, utf8 } from "../bytes.js";
import { EncodeError } from "../errors.js";
import { COLUMN_RULES, DERIVED_RULES } from "../normalise/rules.js";
import { canonicalJson } from "../text.js";
import { sha256 } from "../webcrypto.js";
import { parseToml } from "./toml.js";

export const SCHEME = "dedup/v1";
const TOKEN_RULES = ["bigrams", "date", "positions", "whole"];
const LOSSY = ["phonetic", "pc4"];
const ONE_VALUE = ["date", "main_first_name", "initial", "postcode", "house_number", "phone", "email", "insurance"];

/**
 * Reads a model: TOML as the operator publishes it, or the same document as JSON where the name ends in `.json`.
 * Raises `model.missing-file`, `model.malformed`, and the code of the first fault in what decides bytes.
 */
export async function readModel(path) {
  const text = await readFile(path, "utf8").catch(() => {
    throw new EncodeError("model.missing-file", `The linkage model ${basename(path)} cannot be read.`);
  });
  if (!path.toLowerCase().endsWith(".json")) return modelOf(parseToml(text));
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new EncodeError("model.malformed", `The linkage model ${basename(path)} is not valid JSON.`);
  }
  return modelOf(document);
}

/**
 * The model of a parsed document.
 * @returns {Promise<object>} { name, table | null, attributes, fields, passes, digest }; each pass has `fields`, the
 *   positions of the model's fields that its entries hold, in order
 */
export async function modelOf(document) {
  const table = document.table
    ? { id_column: text(document.table, "id_column", "[table]"), separator: text({ separator: ",", ...document.table }, "separator", "[table]") }
    : null;
  if (table && [...table.separator].length !== 1) {
    fail("model.bad-separator", "In [table], separator must be one character.");
  }
  const attributes = readAttributes(document.attributes ?? {});
  const fields = readFields(section(document, "fields"), attributes);
  const passes = readPasses(section(document, "passes"), attributes, fields);
  const model = { name: text(document.model ?? {}, "name", "[model]"), table, attributes, fields, passes };
  return { ...model, digest: hex(await sha256(utf8(canonicalJson(digestDocument(model))))) };
}

/** What the digest is taken over. */
function digestDocument({ table, attributes, fields, passes }) {
  return {
    scheme: SCHEME,
    table,
    attributes: Object.fromEntries(attributes.map(({ name, rule, columns, of }) => [name, { rule, columns, of }])),
    fields: fields.map(({ number, name, attribute, tokens, bits }) => ({ number, name, attribute, tokens, bits })),
    passes: passes.map((pass) => ({ number: pass.number, attributes: pass.attributes, omits: pass.omits })),
  };
}

function readAttributes(declared) {
  const attributes = [];
  for (const [name, entry] of Object.entries(declared)) {
    const where = `attribute ${name}`;
    const rule = text(entry, "rule", where);
    const of = entry.of ?? "";
    const columns = entry.columns === undefined ? [] : texts(entry, "columns", where);
    if (Object.hasOwn(DERIVED_RULES, rule)) {
      if (!of || columns.length > 0) {
        fail("model.rule-needs-attribute", `In ${where}, the rule ${rule} works on another attribute: give \`of\`, and no columns.`);
      }
      if (!attributes.some((above) => above.name === of)) {
        fail("model.attribute-order", `In ${where}, \`of\` names ${of}, which must be defined above it.`);
      }
    } else if (Object.hasOwn(COLUMN_RULES, rule)) {
      const [least, most] = COLUMN_RULES[rule].columns;
      if (of || columns.length < least || columns.length > most) {
        const many = least === most ? `${least}` : `${least} to ${most}`;
        fail("model.rule-needs-columns", `In ${where}, the rule ${rule} works on ${many} column(s), and takes no \`of\`.`);
      }
    } else {
      fail("model.unknown-rule", `In ${where}, the rule ${rule} does not exist.`);
    }
    attributes.push({ name, rule, columns, of });
  }
  return attributes;
}

function readFields(entries, attributes) {
  if (entries.length > 32) fail("model.too-many-fields", `The model has ${entries.length} fields; at most 32 fit.`);
  const fields = entries.map((entry) => {
    const name = text(entry, "name", "a field");
    const where = `field ${name}`;
    const field = {
      number: number(entry, where),
      name,
      attribute: text(entry, "attribute", where),
      tokens: text(entry, "tokens", where),
      bits: entry.bits,
    };
    const attribute = named(attributes, field.attribute, where);
    if (!TOKEN_RULES.includes(field.tokens)) {
      fail("model.unknown-tokens", `In ${where}, tokens is ${field.tokens}; known are ${TOKEN_RULES.join(", ")}.`);
    }
    if (field.tokens === "date" && attribute.rule !== "date") {
      fail("model.tokens-need-date", `In ${where}, the token rule date needs an attribute of the rule date.`);
    }
    if (!Number.isInteger(field.bits) || field.bits < 8 || field.bits > 4096 || field.bits % 8 !== 0) {
      fail("model.bad-bits", `In ${where}, bits must be a multiple of 8 from 8 to 4096.`);
    }
    return field;
  });
  once(fields, "number", "field");
  once(fields, "name", "field");
  return fields;
}

function readPasses(entries, attributes, fields) {
  const passes = entries.map((entry) => {
    const pass = { number: number(entry, "a pass"), attributes: texts(entry, "attributes", "a pass"), omits: [] };
    const where = `pass ${pass.number}`;
    if (entry.omits !== undefined) pass.omits = texts(entry, "omits", where);
    if (pass.attributes.length === 0) fail("model.empty-pass", `In ${where}, there are no attributes.`);
    for (const name of pass.attributes) named(attributes, name, where);
    for (const name of pass.omits) checkOmission(name, pass, attributes, fields);
    pass.fields = fields.flatMap((field, i) => (pass.omits.includes(field.name) ? [] : [i]));
    pass.width = pass.fields.reduce((bytes, i) => bytes + fields[i].bits / 8, 0);
    if (pass.width === 0) fail("model.pass-omits-all", `In ${where}, every field is omitted, so its entries would compare nothing.`);
    return pass;
  });
  once(passes, "number", "pass");
  return passes;
}

/** A field may be omitted only where an equal block value means an equal value. */
function checkOmission(name, pass, attributes, fields) {
  const field = fields.find((one) => one.name === name);
  if (!field) fail("model.unknown-field", `In pass ${pass.number}, ${name} is no field.`);
  const attribute = named(attributes, field.attribute, `field ${name}`);
  const isOne = ONE_VALUE.includes(attribute.rule) || (["text", "digits"].includes(attribute.rule) && attribute.columns.length === 1);
  if (!pass.attributes.includes(attribute.name) || !isOne || LOSSY.includes(attribute.rule)) {
    fail(
      "model.omission-not-fixed",
      `In pass ${pass.number}, the field ${name} may not be omitted: two records can share the block and still differ in it.`,
    );
  }
}

function fail(code, message) {
  throw new EncodeError(code, message);
}

function section(document, name) {
  const entries = document[name];
  if (!Array.isArray(entries) || entries.length === 0) fail("model.empty-section", `The model has no [[${name}]].`);
  return entries;
}

function text(entry, key, where) {
  const value = entry[key];
  if (value === undefined) fail("model.missing-key", `In ${where}, ${key} is missing.`);
  if (typeof value !== "string") fail("model.wrong-type", `In ${where}, ${key} must be a text.`);
  if (value === "") fail("model.empty-value", `In ${where}, ${key} is empty.`);
  return value;
}

function texts(entry, key, where) {
  const value = entry[key];
  if (value === undefined) fail("model.missing-key", `In ${where}, ${key} is missing.`);
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) {
    fail("model.wrong-type", `In ${where}, ${key} must be a list of texts.`);
  }
  return value;
}

function number(entry, where) {
  if (!Number.isInteger(entry.number) || entry.number < 1 || entry.number > 255) {
    fail("model.bad-number", `In ${where}, the number is not from 1 to 255.`);
  }
  return entry.number;
}

function named(attributes, name, where) {
  const attribute = attributes.find((one) => one.name === name);
  if (!attribute) fail("model.unknown-attribute", `In ${where}, ${name} is no attribute.`);
  return attribute;
}

function once(entries, key, what) {
  const values = entries.map((entry) => entry[key]);
  const twice = values.find((value, i) => values.indexOf(value) < i);
  if (twice !== undefined) fail(`model.duplicate-${key}`, `The ${what} ${key} ${twice} is given twice.`);
}
