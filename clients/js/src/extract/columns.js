/** The columns of an extract (docs/extract.md): which must be there, what each may hold, and the match with a header. */

import { EncodeError } from "../errors.js";
import { lower } from "../text.js";
import * as cells from "./cells.js";

const PRODUCTS = ["kraamzorg", "partus", "uitgesteld", "kraamhotel", "adoptie"];
const ROLES = ["zelfstandig", "hoofdaannemer", "onderaannemer", "bemiddelaar"];
const STATUSES = [
  "wachtlijst", "aangemeld", "ingeschreven", "intake", "in_zorg", "overgedragen", "geannuleerd", "afgerond",
];
const END_REASONS = ["client", "aanbieder", "overdracht", "verhuizing", "overig"];

const required = (clean, missing = "required.missing") => ({ clean, missing, required: true });
const optional = (clean) => ({ clean, missing: "", required: false });
const yesNo = cells.oneOf(["ja", "nee"]);
const otherAgb = cells.agb("agb.malformed");

/** Column -> { clean(cell, today), missing: fault of an empty cell or "", required: must stand in the header }. */
export const COLUMNS = new Map(
  Object.entries({
    schema_versie: required(cells.schemaVersion),
    bronsysteem: required(cells.openCode),
    registratie_id: required(cells.registrationId, "id.missing"),
    aanbieder_agb: required(cells.agb("provider.malformed"), "provider.missing"),
    zorgproduct: required(cells.oneOf(PRODUCTS)),
    rol: required(cells.oneOf(ROLES)),
    relatie_agb: optional(otherAgb),
    status: required(cells.oneOf(STATUSES, "status.unknown"), "status.missing"),
    inschrijf_datum: required(cells.pastDate),
    status_datum: required(cells.pastDate),
    overdracht_datum: optional(cells.anyDate),
    eind_reden: optional(cells.oneOf(END_REASONS)),
    overdracht_agb: optional(otherAgb),
    voorkeur_1_agb: optional(otherAgb),
    voorkeur_2_agb: optional(otherAgb),
    verdeling_id: optional(cells.freeText),
    gedeelde_zorg: optional(yesNo),
    deelname: required(cells.freeText, ""),
    geboortedatum: required(cells.birthDate),
    achternaam: required(cells.nameText),
    voorvoegsels: optional(cells.nameText),
    achternaam_partner: optional(cells.nameText),
    voorvoegsels_partner: optional(cells.nameText),
    naamgebruik: optional(cells.oneOf(["nl1", "nl2", "nl3", "nl4"])),
    voornamen: optional(cells.nameText),
    roepnaam: optional(cells.nameText),
    initialen: optional(cells.nameText),
    postcode: required(cells.postcodeText),
    huisnummer: required(cells.houseNumberText),
    huisletter: optional(cells.freeText),
    huisnummertoevoeging: optional(cells.freeText),
    telefoon: optional(cells.phoneText),
    email: optional(cells.emailText),
    a_terme_datum: required(cells.expectedDelivery),
    a_terme_definitief: optional(yesNo),
    uzovi: optional(cells.insurerText),
    verzekerdennummer: optional(cells.insuranceText),
    indicatie_uren: optional(cells.hours),
    toegezegde_uren: optional(cells.hours),
  }),
);
export const FIRST_NAME_COLUMNS = ["voornamen", "roepnaam", "initialen"]; // at least one of them must be there
const REQUIRED = [...COLUMNS].filter(([, column]) => column.required).map(([name]) => name);
const CLOSE_ENOUGH = 0.75; // of 1; a name less similar is not taken for a misspelling

/**
 * Matches a header with the columns, in any order and case.
 * @returns {Map<string, string>} the file's name -> ours, without columns that are no part of the format
 */
export function matchHeader(fileName, header) {
  const renamed = new Map();
  for (const name of header) {
    const ours = lower(name);
    if (!COLUMNS.has(ours)) continue;
    if ([...renamed.values()].includes(ours)) {
      throw new EncodeError("extract.duplicate-columns", `${fileName} has the column ${ours} twice.`);
    }
    renamed.set(name, ours);
  }
  const found = new Set(renamed.values());
  if (found.size < 0.2 * REQUIRED.length) {
    // A file without a header has a client in its first line, so nothing of it is repeated.
    throw new EncodeError(
      "extract.no-header",
      `The first line of ${fileName} does not hold the column names of an extract (see docs/extract.md).`,
    );
  }
  const unknown = header.filter((name) => !renamed.has(name));
  const missing = REQUIRED.filter((name) => !found.has(name));
  if (!FIRST_NAME_COLUMNS.some((name) => found.has(name))) missing.push(FIRST_NAME_COLUMNS.join(" or "));
  throwIfMissing(missing, unknown, (one) => `${fileName} lacks ${one ? "a required column" : "required columns"}`);
  return renamed;
}

/** Raises where a generic table lacks columns that the model names. */
export function requireColumns(fileName, header, needed) {
  const unknown = header.filter((name) => !needed.includes(name));
  const missing = needed.filter((name) => !header.includes(name));
  throwIfMissing(missing, unknown, () => `${fileName} lacks columns that the linkage model names`);
}

function throwIfMissing(missing, unknown, sentence) {
  if (missing.length === 0) return;
  const parts = missing.map((name) => {
    const close = closest(name, unknown);
    return close ? `${name} (is it ${close}?)` : name;
  });
  throw new EncodeError("extract.missing-columns", `${sentence(parts.length === 1)}: ${parts.join(", ")}.`);
}

function closest(name, candidates) {
  let best = "";
  let highest = CLOSE_ENOUGH;
  for (const candidate of candidates) {
    const alike = similarity(lower(name), lower(candidate));
    if (alike > highest || (alike === highest && best === "")) [best, highest] = [candidate, alike];
  }
  return best;
}

/** Twice the longest common subsequence over both lengths, 0 to 1. */
function similarity(one, other) {
  let row = new Array(other.length + 1).fill(0);
  for (const character of one) {
    const next = [0];
    for (let i = 1; i <= other.length; i += 1) {
      next[i] = other[i - 1] === character ? row[i - 1] + 1 : Math.max(row[i], next[i - 1]);
    }
    row = next;
  }
  return (2 * row[other.length]) / (one.length + other.length || 1);
}
