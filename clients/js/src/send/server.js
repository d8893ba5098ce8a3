/** Calls to the upload server: verified keys first, a token that is renewed, and tries until there is an answer. */

import { b64url } from "../bytes.js";
import { randomBytes } from "../webcrypto.js";
import { NOT_THE_PROTOCOL, NoServerError, PassingTrouble, refusal } from "./errors.js";
import { sign } from "./jws.js";
import { refuseUnlessCurrent, verifiedStatement } from "./statement.js";

const PASSING = new Set([408, 429, 500, 502, 503, 504, 507]); // upload-v1, section 6: worth another try
const LONGEST_CALL = 300_000;
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ASSERTION_SECONDS = 120;
const RENEW_BEFORE_SECONDS = 30;
const CLOCKS_MAY_DIFFER_SECONDS = 60;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/;

export class UploadServer {
  #token = "";
  #tokenEnds = -Infinity;

  /** @param {Date} clock a function that gives the moment */
  constructor(credentials, patience, clock = () => new Date()) {
    Object.assign(this, { credentials, patience, clock });
  }

  /** Asks for the server's keys and verifies them. */
  async connect() {
    const answer = await this.#untilAnswered(() => this.#request("GET", `${this.credentials.url}/v1/keys`));
    if (answer.status !== 200) throw new NoServerError("send.answer", NOT_THE_PROTOCOL);
    const { receiptKeys, url, keysIssuedAt } = this.credentials;
    const statement = await verifiedStatement(jsonOf(answer), receiptKeys, url);
    refuseUnlessCurrent(statement, this.clock(), keysIssuedAt);
    this.statement = statement;
    return statement;
  }

  /** The answer to a call that may be repeated without harm, tried until there is one. */
  call(method, path, options) {
    return this.#untilAnswered(() => this.callOnce(method, path, options));
  }

  /** The answer to a call that is made once, or twice where a token has ended; throws on passing trouble. */
  async callOnce(method, path, { headers = {}, body } = {}) {
    const attempt = async (token) =>
      this.#request(method, this.absolute(path), { ...headers, Authorization: `Bearer ${token}` }, body);
    const answer = await attempt(await this.#currentToken());
    return answer.status === 401 ? attempt(await this.#freshToken()) : answer;
  }

  /** The address of a path of this server. */
  absolute(path) {
    const address = path.includes("://") ? path : `${this.credentials.url}${path}`;
    if (!address.startsWith(`${this.credentials.url}/`)) {
      throw new NoServerError("send.other-server", "The server points to another server; nothing is sent there.");
    }
    return address;
  }

  async #currentToken() {
    return this.patience.now() < this.#tokenEnds - RENEW_BEFORE_SECONDS ? this.#token : this.#freshToken();
  }

  async #freshToken() {
    const now = this.clock();
    const iat = Math.floor(now.getTime() / 1000);
    const { vendor, signingKey } = this.credentials;
    const claims = {
      iss: vendor,
      sub: vendor,
      aud: this.statement.issuer,
      jti: b64url(randomBytes(24)),
      iat,
      exp: iat + ASSERTION_SECONDS,
    };
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await sign(claims, signingKey, "client-authentication+jwt"),
    });
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const answer = await this.#request("POST", this.statement.tokenEndpoint, headers, form.toString());
    if (answer.status !== 200) throw noToken(answer, now);
    const { access_token: token, expires_in: seconds } = jsonOf(answer);
    if (typeof token !== "string" || !Number.isInteger(seconds)) throw new NoServerError("send.answer", NOT_THE_PROTOCOL);
    this.#token = token;
    this.#tokenEnds = this.patience.now() + seconds;
    return token;
  }

  async #untilAnswered(attempt) {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof PassingTrouble)) throw error;
        await this.patience.wait(error.message, error.wait);
      }
    }
  }

  async #request(method, address, headers = {}, body = undefined) {
    let answer;
    try {
      const signal = AbortSignal.timeout(LONGEST_CALL);
      const response = await fetch(address, {
        method,
        headers: { "User-Agent": "dedup-send-js", ...headers },
        body,
        redirect: "manual",
        signal,
      });
      answer = {
        status: response.status,
        headers: response.headers,
        body: Buffer.from(await response.arrayBuffer()),
      };
    } catch (error) {
      throw troubleOf(error);
    }
    const after = answer.headers.get("retry-after");
    if (PASSING.has(answer.status) || (answer.status === 409 && after !== null)) {
      throw new PassingTrouble(reasonOf(answer), /^[0-9]{1,6}$/.test(after ?? "") ? Number(after) : 0);
    }
    return answer;
  }
}

/** The JSON object that an answer is. */
export function jsonOf({ body }) {
  let document;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch {
    document = undefined;
  }
  if (document === null || typeof document !== "object") throw new NoServerError("send.answer", NOT_THE_PROTOCOL);
  return document;
}

/** The refusal that an answer is. */
export const refusedBy = ({ status, body }) => refusal(status, body);

/** Why the vendor gets no token, and that its clock is wrong where that may be the reason. */
function noToken(answer, now) {
  const { code, message } = refusedBy(answer);
  const apart = (now - Date.parse(answer.headers.get("date") ?? "")) / 1000 || 0;
  const order = apart > 0 ? "ahead of" : "behind";
  const hint = ` This machine's clock is ${Math.abs(apart).toFixed(0)} seconds ${order} the server's.`;
  return new NoServerError(code, message + (Math.abs(apart) > CLOCKS_MAY_DIFFER_SECONDS ? hint : ""));
}

/** The server's own sentence on why it cannot answer now, where it gives one. */
function reasonOf(answer) {
  const { code, message } = refusedBy(answer);
  return code === "send.answer" ? `The server has no answer now (HTTP ${answer.status})` : message.replace(/\.$/, "");
}

function troubleOf(error) {
  const code = String(error?.cause?.code ?? error?.code ?? "");
  if (CERTIFICATE.test(code)) {
    return new NoServerError(
      "send.certificate",
      "The server's certificate is not trusted on this machine; NODE_EXTRA_CA_CERTS names more authorities.",
    );
  }
  if (error?.name === "TimeoutError" || /TIMEOUT|TIMEDOUT/.test(code)) {
    return new PassingTrouble("The server cannot be reached (it took too long)");
  }
  const isConnecting = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(code);
  return new PassingTrouble(`The server cannot be reached (${isConnecting ? "no connection" : "the connection broke"})`);
}
