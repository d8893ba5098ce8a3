/** From normalised records to presence, block tokens and sketches (encoding-v1, section 6). */

import { compareBytes, concat, hex, utf8 } from "../bytes.js";
import { hmac } from "../webcrypto.js";
import { blockSecret, blockToken, blockValue, combinations } from "./blocks.js";
import { hashedToken, sketch } from "./sketch.js";
import { subkeysOf } from "./subkeys.js";
import { tokenSet } from "./tokens.js";

const MAX_KEPT = 100_000; // hashed tokens; a value that is typed once need not stay

/** Encodes records under one linkage key and model. */
export class RecordEncoder {
  /** @param {Uint8Array} linkageKey 32 bytes */
  static async create(linkageKey, model) {
    return new RecordEncoder(await subkeysOf(linkageKey), model);
  }

  constructor(subkeys, model) {
    this.subkeys = subkeys;
    this.model = model;
    this.hashed = new Map();
  }

  /** The attribute `sharing` of a verdeling_id: 64 hex digits, "" where it is missing. */
  async sharing(verdelingId) {
    return verdelingId ? hex(await hmac(this.subkeys.sharing, utf8(verdelingId))) : "";
  }

  /**
   * One record.
   * @param {Record<string, string[]>} values attribute -> set of values, in ascending order
   * @returns {Promise<{presence: number, passes: {token: Uint8Array, sketch: Uint8Array}[][]}>}
   *   the entries of each pass in the model's order, ascending by token
   */
  async encode(values) {
    const hashedTokens = await Promise.all(
      this.model.fields.map((field) =>
        Promise.all(tokenSet(field.tokens, values[field.attribute] ?? []).map((token) => this.hash(field.number, token))),
      ),
    );
    const presence = hashedTokens.reduce((bits, tokens, i) => (tokens.length > 0 ? (bits | (1 << i)) >>> 0 : bits), 0);
    const passes = await Promise.all(this.model.passes.map((pass) => this.entries(pass, values, hashedTokens)));
    return { presence, passes };
  }

  async entries(pass, values, hashedTokens) {
    const entries = new Map();
    await Promise.all(
      combinations(pass.attributes.map((name) => values[name] ?? [])).map(async (components) => {
        const secret = await blockSecret(this.subkeys, blockValue(pass.number, components));
        const token = await blockToken(this.subkeys, secret);
        const sketches = await Promise.all(
          pass.fields.map((i) => sketch(this.subkeys, secret, hashedTokens[i], this.model.fields[i].bits)),
        );
        entries.set(hex(token), { token, sketch: concat(...sketches) });
      }),
    );
    return [...entries.values()].sort((one, other) => compareBytes(one.token, other.token));
  }

  /** h of a token; most tokens are bigrams that many records have. */
  hash(field, token) {
    const name = `${field}:${hex(token)}`;
    let hashed = this.hashed.get(name);
    if (hashed === undefined) {
      if (this.hashed.size >= MAX_KEPT) this.hashed.clear();
      hashed = hashedToken(this.subkeys, field, token);
      this.hashed.set(name, hashed);
    }
    return hashed;
  }
}

/**
 * A batch of encoded records as bundle-v1 (section 5) orders it.
 * @param {object[]} records what `encode` gave, one a row
 * @returns {{presence: number[], passes: {rows: number[], tokens: Uint8Array[], sketches: Uint8Array[]}[]}}
 */
export function batchOf(records, model) {
  const passes = model.passes.map((_, p) => {
    const entries = records.flatMap((record, row) => record.passes[p].map((entry) => ({ row, ...entry })));
    entries.sort((one, other) => compareBytes(one.token, other.token) || one.row - other.row);
    return {
      rows: entries.map(({ row }) => row),
      tokens: entries.map(({ token }) => token),
      sketches: entries.map(({ sketch: bytes }) => bytes),
    };
  });
  return { presence: records.map(({ presence }) => presence), passes };
}
