/** The validation report of a submission: what the server found in the bundle (docs/spec/upload-v1.md, section 5). */

import { NOT_THE_PROTOCOL, NoServerError, printable } from "./errors.js";
import { jsonOf, refusedBy } from "./server.js";

const LOOK_EVERY_SECONDS = 1;
const COUNTS = ["rows", "accepted", "refused", "withheld"];

/**
 * A submission's report, after at most `seconds` of waiting for the bundle to be opened.
 * @returns {Promise<{document, counts, problem}>} counts is undefined while it was not opened, problem where it can be used
 */
export async function awaitedReport(submissionId, server, seconds) {
  const begun = server.patience.now();
  for (;;) {
    const headers = { Accept: "application/json" };
    const answer = await server.call("GET", `/v1/submissions/${submissionId}/report`, { headers });
    if (answer.status !== 200) throw refusedBy(answer);
    server.patience.progressed();
    const report = reportOf(jsonOf(answer));
    const isFinal = report.counts || report.problem;
    if (isFinal || server.patience.now() - begun + LOOK_EVERY_SECONDS > seconds) return report;
    await server.patience.sleep(LOOK_EVERY_SECONDS);
  }
}

function reportOf(document) {
  if (!("opened" in document)) throw new NoServerError("send.answer", NOT_THE_PROTOCOL);
  const { opened, problem } = document;
  const counts = opened ? COUNTS.filter((name) => Number.isInteger(opened[name])).map((name) => [name, opened[name]]) : undefined;
  return { document, counts, problem: problem ? faultOf(problem) : undefined };
}

/** The fault that `problem` is: its code alone, or a code and a detail. */
function faultOf(problem) {
  const unusable = "The bundle turned out to be unusable when it was opened.";
  const { code, detail } = typeof problem === "object" ? problem : { code: problem, detail: unusable };
  return { code: printable(String(code)), detail: printable(String(detail)) };
}
