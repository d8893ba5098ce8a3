/** Reading and checking extracts; that the rows and bytes are those of `dedup encode` is tests/clients/test_js.py. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { dayOf, weekOf } from "../src/calendar.js";
import { checkRows } from "../src/extract/checks.js";
import { parseCsv } from "../src/extract/csv.js";
import { FAULTS } from "../src/extract/faults.js";
import { readText } from "../published.js";

const TODAY = dayOf("2026-11-22");
const REGIONS = { ksvOf: (pc4) => (pc4 === "3584" ? "KSV10" : "") };
const GOOD = {
  schema_versie: "1.0", bronsysteem: "pakket", registratie_id: "0c0ffee0-0000-4000-8000-000000000001",
  aanbieder_agb: "41000001", zorgproduct: "kraamzorg", rol: "zelfstandig", status: "intake",
  inschrijf_datum: "2026-10-01", status_datum: "2026-10-01", deelname: "ja", geboortedatum: "1994-03-17",
  achternaam: "Zonneschijn", voornamen: "Philippine", postcode: "3584 AB", huisnummer: "1", a_terme_datum: "2027-03-01",
};

const fieldsOf = (text) => [...parseCsv(text, ";")].map(({ fields }) => fields);

function check(...changes) {
  const rows = changes.map((change, i) => ({ cells: { ...GOOD, ...change }, line: i + 2, malformed: false }));
  return checkRows(rows, TODAY, REGIONS);
}

const codes = (...changes) => check(...changes).report.counts_by_code;

test("quotes, line ends and empty fields", () => {
  assert.deepEqual(fieldsOf('a;"b;""c""\r\nd";e\r\n;;\n\nx"y; "z"\rlast'), [
    ["a", 'b;"c"\r\nd', "e"], ["", "", ""], [], ['x"y', ' "z"'], ["last"],
  ]);
  assert.deepEqual([...parseCsv('a\n"b\nc"\nd', ";")].map(({ line }) => line), [1, 3, 4]);
});

test("a quote that is not closed, or text behind a quoted value, is a fault", () => {
  for (const text of ['"a', '"a" b', '"a"b;c', '"a""']) assert.throws(() => fieldsOf(text), { code: "csv.quotes" });
});

test("the codes and sentences are those of docs/extract.md, in its order", () => {
  const rows = readText("docs/extract.md").matchAll(/^\| `([a-z_.-]+)` \| (refused|warning|note) \| (.+) \|$/gm);
  const published = [...rows].map(([, code, severity, hint]) => [code, severity.replace("refused", "error"), hint]);
  assert.deepEqual([...FAULTS].map(([code, { severity, hint }]) => [code, severity, hint]), published);
});

test("a good row is accepted with every column, and nothing is found", () => {
  const { rows, report } = check({});
  assert.deepEqual(report.counts_by_code, {});
  assert.equal(rows[0].telefoon, "");
  assert.equal(Object.keys(rows[0]).length, 39);
});

test("rows are refused, withheld, or sent without a field", () => {
  const { rows, report } = check({}, { deelname: "Bezwaar", registratie_id: "x" }, { status: "x" }, { postcode: "x" });
  assert.deepEqual([report.accepted, report.refused, report.withheld], [1, 2, 1]);
  assert.equal(rows.length, 1);
  assert.deepEqual(report.counts_by_code, { "id.duplicate": 2, "status.unknown": 1, "postcode.malformed": 1 });
});

test("a withheld row pushes nothing out, and an id in another case is the same id", () => {
  assert.deepEqual(codes({ deelname: "bezwaar" }, {}), {});
  assert.deepEqual(codes({}, { registratie_id: GOOD.registratie_id.toUpperCase() }), { "id.duplicate": 1 });
});

test("a registratie_id is a UUID, and a BSN is told apart", () => {
  const id = (registratieId) => Object.keys(codes({ registratie_id: registratieId }));
  for (const bsn of ["111222333", "1112.22.333"]) assert.deepEqual(id(bsn), ["id.bsn"]);
  for (const no of ["111222334", "client 7", "00000000-0000-0000-0000-000000000000"]) {
    assert.deepEqual(id(no), ["id.malformed"]);
  }
});

test("what depends on several columns", () => {
  assert.deepEqual(codes({ geboortedatum: "", achternaam: "", voornamen: "" }), {
    "identity.missing": 1, "required.missing": 3,
  });
  assert.deepEqual(codes({ voornamen: "", initialen: "P." }), {});
  assert.deepEqual(codes({ uzovi: "101" }), { "insurance.incomplete": 1 });
  assert.deepEqual(codes({ uzovi: "101", verzekerdennummer: "0" }), { "insurance.malformed": 1 });
  assert.deepEqual(codes({ rol: "bemiddelaar", status: "overgedragen" }), { "conditional.missing": 3 });
  assert.deepEqual(codes({ postcode: "9999 ZZ", geboortedatum: "1994-07-01" }), {
    "birth_date.weak": 1, "postcode.no-region": 1,
  });
});

test("week ordinals", () => {
  assert.equal(weekOf(dayOf("0001-01-07")), 0);
  assert.equal(weekOf(dayOf("1970-01-05")), 102738);
  assert.deepEqual(["2026-02-30", "0000-01-01", "2026-1-01", "2026-01-01\n"].map(dayOf), [null, null, null, null]);
});
