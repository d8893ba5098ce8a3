/** What can end an upload; codes and sentences are those of `dedup send`. */

import { EncodeError } from "../errors.js";

const CODE = /^[a-z0-9-]{1,40}\.[a-z0-9.-]{1,60}$/;
const MAX_SENTENCE = 400;
const MAX_FAULTS = 50;

export const NOT_THE_PROTOCOL = "The server's answer is not of the upload protocol; is this its URL?";

/** An upload that cannot be done as asked, or a server that cannot be believed. */
export class SendError extends EncodeError {}

/** A server that cannot be reached or believed, or takes nothing from this vendor: no other bundle need be tried. */
export class NoServerError extends SendError {}

/** The server's own refusal: `faults`, each with code and detail, and HTTP's `status`. */
export class ServerRefusedError extends EncodeError {
  constructor(faults, status) {
    super(faults[0].code, faults[0].detail);
    this.faults = faults;
    this.status = status;
  }
}

/** A call that got no answer, or one that asks to come again after `wait` seconds. */
export class PassingTrouble extends Error {
  constructor(why, wait = 0) {
    super(why);
    this.wait = wait;
  }
}

/** The refusal that an answer is: RFC 9457, or RFC 6749 section 5.2; of neither kind, such as a proxy's page, too. */
export function refusal(status, body) {
  let document;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch {
    document = undefined;
  }
  const listed = Array.isArray(document?.errors) ? document.errors.slice(0, MAX_FAULTS).map(faultOf).filter(Boolean) : [];
  const faults = listed.length ? listed : [faultOf(document)].filter(Boolean);
  const unknown = { code: "send.answer", detail: `The server answered ${status} without saying why.` };
  return new ServerRefusedError(faults.length ? faults : [unknown], status);
}

/** A sentence of the server's on one line, without what could steer a terminal. */
export const printable = (text) => text.split(/\s+/).join(" ").trim().replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "").slice(0, MAX_SENTENCE);

function faultOf(document) {
  const detail = document?.detail || document?.error_description || document?.title;
  if (typeof document?.code !== "string" || !CODE.test(document.code) || typeof detail !== "string") return undefined;
  return { code: document.code, detail: printable(detail) };
}
