/** The attributes that leave the source readable (normalisation-v1, section 6), as coarse as the server needs them. */

import { dayOf, weekOf } from "../calendar.js";
import { postcode } from "../normalise/contact.js";
import { valuesOfCells } from "../normalise/rules.js";

const AS_THEY_ARE = [
  "registratie_id", "schema_versie", "bronsysteem", "aanbieder_agb", "zorgproduct", "rol", "relatie_agb", "status",
  "eind_reden", "overdracht_agb", "voorkeur_1_agb", "voorkeur_2_agb",
];
const WEEKS = {
  inschrijf_week: "inschrijf_datum",
  status_week: "status_datum",
  overdracht_week: "overdracht_datum",
  edd_week: "a_terme_datum",
};
const YES_NO = ["gedeelde_zorg", "a_terme_definitief"];
const HOURS = ["indicatie_uren", "toegezegde_uren"];
const MISSING = -1;

/**
 * The columns of one checked row (bundle-v1, section 6) but for `sharing`, which needs a key.
 * @param {Record<string, string>} cells of an accepted row, "" where missing
 */
export function readable(cells, regions, frequencies) {
  const columns = {};
  for (const name of AS_THEY_ARE) columns[name] = cells[name];
  for (const [name, source] of Object.entries(WEEKS)) {
    columns[name] = cells[source] ? weekOf(dayOf(cells[source])) : MISSING;
  }
  for (const name of YES_NO) columns[name] = cells[name] ? Number(cells[name] === "ja") : MISSING;
  for (const name of HOURS) columns[name] = cells[name] ? Number(cells[name]) - (Number(cells[name]) % 4) : MISSING;
  columns.ksv = cells.postcode ? regions.ksvOf(postcode(cells.postcode).slice(0, 4)) : "";
  const values = (rule, names) => valuesOfCells(rule, names.map((name) => cells[name]));
  columns.first_name_band = frequencies.bandOf("first_name", values("first_names", ["voornamen", "roepnaam"]));
  columns.surname_band = frequencies.bandOf(
    "surname",
    values("surnames", ["achternaam", "voorvoegsels", "achternaam_partner", "voorvoegsels_partner"]),
  );
  return columns;
}
