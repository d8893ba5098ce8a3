/**
 * Reads the part of TOML that linkage models are written in: comments, [table] and [[array of tables]] with plain names,
 * strings on one line, whole and decimal numbers, true and false, arrays, and inline tables. Anything else (dotted keys,
 * dates, text over several lines) is a fault, never a guess.
 */

import { EncodeError } from "../errors.js";

const ESCAPES = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", '"': '"', "\\": "\\" };
const NUMBER = /[+-]?(?:0|[1-9](?:_?[0-9])*)(?:\.[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.:-])/y;
const KEY = /[A-Za-z0-9_-]+/y;

/** A TOML text as plain objects. Raises `model.malformed` with the line. */
export function parseToml(text) {
  return new Reader(text).document();
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(what) {
    const line = this.text.slice(0, this.at).split("\n").length;
    throw new EncodeError("model.malformed", `Line ${line} of the linkage model is not TOML that is read here: ${what}.`);
  }

  /** Takes what a sticky pattern matches here, or returns undefined. */
  take(pattern) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at = pattern.lastIndex;
    return match?.[0];
  }

  expect(literal) {
    if (!this.text.startsWith(literal, this.at)) this.fail(`${literal} is expected`);
    this.at += literal.length;
  }

  blanks = () => this.take(/[ \t]*/y);
  blankLines = () => this.take(/(?:[ \t\r\n]|#[^\n]*)*/y);

  endOfLine() {
    this.take(/[ \t]*(?:#[^\n]*)?/y);
    if (this.at < this.text.length && this.take(/\r?\n/y) === undefined) this.fail("more stands on this line");
  }

  document() {
    const root = {};
    const headers = new Set();
    let table = root;
    for (this.blankLines(); this.at < this.text.length; this.blankLines()) {
      if (this.text[this.at] === "[") table = this.header(root, headers);
      else this.member(table);
      this.endOfLine();
    }
    return root;
  }

  header(root, headers) {
    const isArray = this.text.startsWith("[[", this.at);
    this.expect(isArray ? "[[" : "[");
    this.blanks();
    const name = this.key();
    this.blanks();
    this.expect(isArray ? "]]" : "]");
    const taken = Object.hasOwn(root, name);
    if (taken && (!isArray || !headers.has(name))) this.fail(`${name} is given twice`);
    if (!isArray) return (root[name] = {});
    headers.add(name);
    root[name] ??= [];
    root[name].push({});
    return root[name].at(-1);
  }

  key() {
    const name = this.text[this.at] === '"' || this.text[this.at] === "'" ? this.string() : this.take(KEY);
    if (name === undefined || name === "__proto__") this.fail("a name is expected");
    return name;
  }

  member(table) {
    const name = this.key();
    this.blanks();
    this.expect("=");
    this.blanks();
    if (Object.hasOwn(table, name)) this.fail(`${name} is given twice`);
    table[name] = this.value();
  }

  value() {
    const first = this.text[this.at];
    if (first === '"' || first === "'") return this.string();
    if (first === "[") return this.array();
    if (first === "{") return this.inlineTable();
    const word = this.take(/(?:true|false)(?![A-Za-z0-9_-])/y);
    if (word) return word === "true";
    const number = this.take(NUMBER);
    if (number === undefined) this.fail("a text, a number, true, false, a list or a table is expected");
    return Number(number.replaceAll("_", ""));
  }

  string() {
    const quote = this.text[this.at];
    if (this.text.startsWith(quote.repeat(3), this.at)) this.fail("text over several lines is not read");
    const raw = this.take(quote === "'" ? /'[^'\n]*'/y : /"(?:[^"\\\n]|\\.)*"/y);
    if (raw === undefined) this.fail("a quote is not closed");
    const inner = raw.slice(1, -1);
    if (quote === "'") return inner;
    return inner.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/gs, (_, short, long, letter) => {
      if (letter === undefined) return String.fromCodePoint(parseInt(short ?? long, 16));
      return ESCAPES[letter] ?? this.fail(`\\${letter} is no escape`);
    });
  }

  array() {
    const items = [];
    this.expect("[");
    for (this.blankLines(); this.text[this.at] !== "]"; this.blankLines()) {
      items.push(this.value());
      this.blankLines();
      if (this.text[this.at] !== "]") this.expect(",");
    }
    this.expect("]");
    return items;
  }

  inlineTable() {
    const table = {};
    this.expect("{");
    this.blanks();
    while (this.text[this.at] !== "}") {
      this.member(table);
      this.blanks();
      if (this.text[this.at] === "}") break;
      this.expect(",");
      this.blanks();
    }
    this.expect("}");
    return table;
  }
}
