/** The rules that a linkage model may name (normalisation-v1, section 4), each from cells to a set of values. */

import { valueSet, words } from "../text.js";
import * as contact from "./contact.js";
import { foldPlain } from "./folding.js";
import { firstNames, initial, mainFirstName, prefixColumnParts, surnameParts } from "./names.js";
import { phonetic } from "./phonetic.js";

const each = (rule) => (cells) => cells.map(rule);

/** Rule -> how many columns it reads, and its values (with "" for none) of one record's cells. */
export const COLUMN_RULES = {
  date: { columns: [1, 1], values: each(contact.date) },
  surnames: {
    columns: [1, 4],
    values: (cells) => cells.flatMap((cell, i) => (i % 2 ? prefixColumnParts(cell) : surnameParts(cell))),
  },
  first_names: { columns: [1, 2], values: (cells) => cells.flatMap(firstNames) },
  main_first_name: { columns: [1, 2], values: mainFirstName },
  initial: { columns: [1, 3], values: initial },
  postcode: { columns: [1, 1], values: each(contact.postcode) },
  house_number: { columns: [1, 1], values: each(contact.houseNumber) },
  phone: { columns: [1, 1], values: each(contact.phone) },
  email: { columns: [1, 1], values: each(contact.email) },
  insurance: { columns: [2, 2], values: (cells) => [contact.insurance(cells)] },
  text: { columns: [1, 16], values: each(foldPlain) },
  words: { columns: [1, 16], values: (cells) => cells.flatMap((cell) => words(foldPlain(cell))) },
  digits: { columns: [1, 16], values: each(contact.digits) },
};

/** Rule -> its value of one value of another attribute. */
export const DERIVED_RULES = { phonetic, pc4: (value) => value.slice(0, 4) };

/** The set of values of a column rule for the cells of its columns ("" where missing). */
export const valuesOfCells = (rule, cells) =>
  valueSet(COLUMN_RULES[rule].values(cells).filter((value) => value !== ""));

/** The set of values of a derived rule for the values of the other attribute. */
export const valuesOfValues = (rule, values) =>
  valueSet(values.map(DERIVED_RULES[rule]).filter((value) => value !== ""));

/**
 * Every attribute of a model for one record.
 * @param {Record<string, string>} cells trimmed, "" or absent where missing
 * @returns {Record<string, string[]>} attribute name -> set of values
 */
export function normalise(cells, model) {
  const record = {};
  for (const attribute of model.attributes) {
    record[attribute.name] = attribute.of
      ? valuesOfValues(attribute.rule, record[attribute.of])
      : valuesOfCells(attribute.rule, attribute.columns.map((column) => cells[column] ?? ""));
  }
  return record;
}
