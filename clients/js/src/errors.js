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
