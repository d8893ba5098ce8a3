/** The bundle file (bundle-v1, sections 1 and 2): manifest, signature, and how the parts lie behind one another. */

import { b64url, concat, hex, u32, utf8 } from "../bytes.js";
import { EncodeError } from "../errors.js";
import { SCHEME } from "../model/model.js";
import { canonicalJson } from "../text.js";
import { randomBytes, sha256, subtle } from "../webcrypto.js";
import { CHUNK_BYTES, sealBody, sealContentKey } from "./seal.js";

const SEALED_MAGIC = utf8("DEDUPB1\0");
const UNSEALED_MAGIC = utf8("DEDUPE1\0");
const SUITE = "HPKE-P256-SHA256-A256GCM";
const ECDSA = { name: "ECDSA", hash: "SHA-256" };

/** What of a manifest is known before the body is: see `manifestOf`. */
export function checkHeader({ vendor, provider }, isSealed) {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(vendor)) {
    throw new EncodeError(
      "bundle.manifest-malformed",
      "The vendor's code is a letter or digit, then up to 63 letters, digits, dots, underscores and hyphens; give it with --vendor.",
    );
  }
  if (!/^[0-9]{8}$/.test(provider) && (isSealed || provider !== "")) {
    throw new EncodeError("bundle.manifest-malformed", "A submission is one provider's, with an AGB code of eight digits.");
  }
}

/** The manifest (section 2), ready for canonical JSON. */
export async function manifestOf(header, model, body, sealing) {
  return {
    scheme: SCHEME,
    submission_id: header.submissionId,
    vendor: header.vendor,
    provider: header.provider,
    snapshot_date: header.snapshotDate,
    created_at: header.createdAt,
    epoch_key_id: header.epochKeyId,
    model_name: model.name,
    model_digest: model.digest,
    body_bytes: body.length,
    body_sha256: hex(await sha256(body)),
    sealing,
  };
}

/** What the signature is over: the JWS's first two parts. */
export function signingInput(manifestJson, signingKeyId) {
  const header = canonicalJson({ alg: "ES256", kid: signingKeyId, typ: "dedup-bundle" });
  return `${b64url(utf8(header))}.${b64url(utf8(manifestJson))}`;
}

/** The statement of a submission: the manifest as a compact JWS. */
export async function signedStatement(manifestJson, signWith) {
  const input = signingInput(manifestJson, signWith.keyId);
  const signature = new Uint8Array(await subtle.sign(ECDSA, signWith.key, utf8(input)));
  return `${input}.${b64url(signature)}`;
}

/** The file of a submission. */
export const sealedFile = (statement, body) => fileOf(SEALED_MAGIC, statement, body);

/** The file of an evaluation bundle, which no server takes. */
export const unsealedFile = (manifestJson, payload) => fileOf(UNSEALED_MAGIC, manifestJson, payload);

function fileOf(magic, statement, body) {
  const bytes = utf8(statement);
  return concat(magic, u32(bytes.length), bytes, body);
}

/**
 * The whole file for a payload: a sealed and signed submission, or with neither key an evaluation bundle.
 * @param {object} header submissionId, vendor, provider, snapshotDate, createdAt, epochKeyId
 * @returns {Promise<{file: Uint8Array, manifest: object}>}
 */
export async function bundleOf(payload, header, model, { sealTo, signWith }) {
  if (!sealTo) {
    const manifest = await manifestOf(header, model, payload, null);
    return { file: unsealedFile(canonicalJson(manifest), payload), manifest };
  }
  const contentKey = randomBytes(32);
  const body = await sealBody(payload, contentKey, header.submissionId);
  const manifest = await manifestOf(header, model, body, {
    suite: SUITE,
    key_id: sealTo.keyId,
    chunk_bytes: CHUNK_BYTES,
    sealed_key: await sealContentKey(contentKey, sealTo, signWith.keyId, header.submissionId),
  });
  return { file: sealedFile(await signedStatement(canonicalJson(manifest), signWith), body), manifest };
}
