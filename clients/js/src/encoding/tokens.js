/** The tokens of a field's values (encoding-v1, section 4): byte strings that start with a byte for their kind. */

import { hex, utf8 } from "../bytes.js";

const RULES = {
  bigrams(value) {
    const characters = [..."_", ...value, ..."_"];
    return characters.slice(1).map((character, i) => utf8(`b${characters[i]}${character}`));
  },
  positions: (value) => [...value].map((character, i) => positioned(i, character)),
  date(value) {
    const [year, month, day] = [value.slice(0, 4), value.slice(4, 6), value.slice(6, 8)];
    const parts = [`y${year}`, `m${month}`, `d${day}`, `m${day}`, `d${month}`];
    return [...RULES.positions(value), ...parts.map(utf8)];
  },
  whole: (value) => [utf8(`w${value}`)],
};

function positioned(position, character) {
  const token = utf8(`p\0${character}`);
  token[1] = Math.min(position, 255);
  return token;
}

/** The token set of all values of an attribute, each token once. */
export function tokenSet(rule, values) {
  const tokens = new Map();
  for (const token of values.flatMap(RULES[rule])) tokens.set(hex(token), token);
  return [...tokens.values()];
}
