/** What can be wrong with an input: a stable code for machines and one sentence for people, never a value from a row. */

export class EncodeError extends Error {
  /**
   * @param {string} code `room.what`, the same as the Python encoder's where it has the same fault
   * @param {string} message one sentence
   */
  constructor(code, message) {
    super(message);
    this.name = "EncodeError";
    this.code = code;
  }
}

/** What the operating system said, without the path: of "ENOENT: no such file or directory, open 'a'" the middle. */
export function inWords({ code, message }) {
  const told = /^[A-Z0-9]+: ([^,]+)/.exec(message ?? "")?.[1];
  return told ? told[0].toUpperCase() + told.slice(1) : code;
}
