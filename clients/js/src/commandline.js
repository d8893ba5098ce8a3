/** What both commands share: how they are called, their exit codes, and how a fault and a bug are told. */

import { basename } from "node:path";
import { parseArgs } from "node:util";
import { EncodeError, inWords } from "./errors.js";

export const [DONE, FAULT, USAGE, REFUSED, BUG] = [0, 1, 2, 3, 70];

/** A call that asks for something else than the command does. */
export class UsageError extends Error {}

/**
 * Runs a command and sets the exit code. `texts` names the options that take a text, beside --json and --help, `lists`
 * those that may be given more than once; `work(values, positionals)` does it and gives the exit code.
 */
export async function runCommand(name, { help, texts, lists = [], work }) {
  try {
    process.exitCode = await called(name, process.argv.slice(2), { help, texts, lists, work });
  } catch (error) {
    // A bug. Its message may hold a value of a row, so only where it happened is told.
    const where = String(error?.stack ?? "").split("\n").filter((line) => line.trimStart().startsWith("at "));
    console.error([`This is a bug in ${name}.`, ...where.slice(0, 8)].join("\n"));
    process.exitCode = BUG;
  }
}

async function called(name, args, { help, texts, lists, work }) {
  const options = { json: { type: "boolean" }, help: { type: "boolean" } };
  for (const text of texts) options[text] = { type: "string" };
  for (const list of lists) options[list] = { type: "string", multiple: true };
  let values = {};
  try {
    let positionals;
    ({ values, positionals } = parseArgs({ args, options, allowPositionals: true }));
    if (values.help) {
      process.stdout.write(help);
      return DONE;
    }
    return await work(values, positionals);
  } catch (error) {
    if (error instanceof UsageError || error?.code?.startsWith?.("ERR_PARSE_ARGS")) {
      console.error(`${error.message}\nTry ${name} --help.`);
      return USAGE;
    }
    const { code, message } = faultOf(error);
    console.error(values.json ? JSON.stringify({ error: code, message }) : `${message} [${code}]`);
    return FAULT;
  }
}

/** The fault that somebody can mend: ours, or the operating system's; what is neither is thrown on. */
function faultOf(error) {
  if (error instanceof EncodeError) return error;
  if (!error?.syscall) throw error;
  const where = error.path ? ` (${basename(error.path)})` : "";
  return { code: "system.refused", message: `The operating system refused: ${inWords(error)}${where}.` };
}
