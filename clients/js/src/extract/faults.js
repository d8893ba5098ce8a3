/** Every fault that the check can find in a row (docs/extract.md): code, severity, and what to do about it. */

export const ERROR = "error"; // the row is refused and not sent
export const WARNING = "warning"; // the row is sent, the field counts as missing
export const NOTE = "note"; // the row is sent as it stands; counted only

const TABLE = `
row.fields | error | The row has more or fewer fields than the header; quote a value that holds ; or a line break.
id.missing | error | registratie_id is missing; give every registration a random UUID of its own.
id.malformed | error | registratie_id is no UUID; use a random UUID, never the client number.
id.bsn | error | registratie_id has the form of a BSN, which must never stand here; use a random UUID.
id.duplicate | error | This registratie_id stands on an earlier row too; every registration occurs once.
provider.missing | error | aanbieder_agb is missing.
provider.malformed | error | aanbieder_agb is no AGB code of eight digits; mind leading zeros that a spreadsheet drops.
status.missing | error | status is missing.
status.unknown | error | status is not in the list; see the codes in docs/extract.md.
identity.missing | error | There is neither a usable birth date nor a usable name; at least one of them is needed.
required.missing | warning | This required field is empty; fill it where it is known.
conditional.missing | warning | This field should be filled with this role or status.
participation.unknown | warning | deelname is neither ja nor bezwaar; the row is held back until it says ja.
schema.unknown | warning | schema_versie is not 1.0.
code.unknown | warning | The value is not in this field's list; see the codes in docs/extract.md.
agb.malformed | warning | No AGB code of eight digits; mind leading zeros that a spreadsheet drops.
date.malformed | warning | No existing date YYYY-MM-DD, such as 1994-05-31; or (birth dates apart) before 2000 or after 2099.
date.future | warning | The date lies after the day of the check.
birth_date.age | warning | The mother would be younger than 12 or older than 60; is this the mother's birth date?
birth_date.weak | note | 1 January and 1 July often stand for an unknown birth day; ask for the real date where you can.
edd.range | warning | The expected date of delivery is over 60 days ago or over 300 days ahead.
name.no-letters | warning | The name holds no letter of the Latin alphabet, or only a filler such as onbekend.
name.garbled | warning | The name holds characters of a wrong encoding (such as Ã followed by ©); export again as UTF-8.
text.malformed | warning | The value is longer than 200 characters or holds characters that this field does not allow.
postcode.malformed | warning | No Dutch postcode of four digits and two letters.
postcode.no-region | note | The postcode lies in none of the regions; the registration counts in the KSV where the provider has most.
house_number.malformed | warning | No house number; a suffix belongs in huisletter or huisnummertoevoeging.
phone.malformed | warning | No valid phone number, or a filler such as 0600000000; one number per field.
email.malformed | warning | No valid e-mail address; one address per field.
insurance.malformed | warning | No UZOVI code of four digits, or no usable insurance number.
insurance.incomplete | warning | uzovi and verzekerdennummer belong together; one of them is missing.
hours.malformed | warning | No whole number of hours from 0 to 400.
`;

/** Code -> { severity, hint }, in the order in which they are told. */
export const FAULTS = new Map(
  TABLE.trim()
    .split("\n")
    .map((line) => line.split(" | "))
    .map(([code, severity, hint]) => [code, { severity, hint }]),
);
