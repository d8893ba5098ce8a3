/** The attributes that leave the source readable (normalisation-v1, section 6), as coarse as the server needs them. */

import { dayOf, weekOf } from "../calendar.js";
import { postcode } from "../normalise/contact.js";

const AS_THEY_ARE = [
  "registratie_id", "schema_versie", "bronsysteem", "aanbieder_agb", "zorgproduct", "rol", "relatie_agb", "status",
  "overdracht_agb",
];
const WEEKS = {
  inschrijf_week: "inschrijf_datum",
  overdracht_week: "overdracht_datum",
  edd_week: "a_terme_datum",
};
const HOURS = ["indicatie_uren", "toegezegde_uren"];
const MISSING = -1;

/**
 * The columns of one checked row (bundle-v1, section 6) but for `sharing`, which needs a key.
 * @param {Record<string, string>} cells of an accepted row, "" where missing
 */
export function readable(cells, regions) {
  const columns = {};
  const week = (name) => (cells[name] ? weekOf(dayOf(cells[name])) : MISSING);
  for (const name of AS_THEY_ARE) columns[name] = cells[name];
  for (const [name, source] of Object.entries(WEEKS)) columns[name] = week(source);
  const undated = cells.status === "overgedragen" && !cells.overdracht_datum;
  columns.status_week = undated ? week("status_datum") : MISSING;
  columns.gedeelde_zorg = cells.gedeelde_zorg ? Number(cells.gedeelde_zorg === "ja") : MISSING;
  for (const name of HOURS) columns[name] = cells[name] ? Number(cells[name]) - (Number(cells[name]) % 4) : MISSING;
  columns.ksv = cells.postcode ? regions.ksvOf(postcode(cells.postcode).slice(0, 4)) : "";
  return columns;
}
