/** Sealing (bundle-v1, section 3): the payload under a fresh content key, and that key to the server by HPKE. */

import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from "@hpke/core";
import { b64url, concat, fromHex, u32, utf8 } from "../bytes.js";
import { subtle } from "../webcrypto.js";

export const CHUNK_BYTES = 262_144;
const ENCAPSULATED_BYTES = 65;
const SUITE = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** The nonce of chunk `number` of a submission. */
export const chunkNonce = (submission, number, isLast) =>
  concat(submission.subarray(0, 7), u32(number), Uint8Array.of(isLast ? 1 : 0));

/**
 * The body: every chunk under AES-256-GCM, one after another.
 * @param {Uint8Array} contentKey 32 fresh random bytes, never used twice
 * @param {string} submissionId 32 hex digits
 */
export async function sealBody(payload, contentKey, submissionId) {
  const key = await subtle.importKey("raw", contentKey, "AES-GCM", false, ["encrypt"]);
  const additionalData = fromHex(submissionId);
  const sealed = [];
  for (let start = 0; start < payload.length; start += CHUNK_BYTES) {
    const end = Math.min(start + CHUNK_BYTES, payload.length);
    const iv = chunkNonce(additionalData, sealed.length, end === payload.length);
    const chunk = await subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, payload.subarray(start, end));
    sealed.push(new Uint8Array(chunk));
  }
  return concat(...sealed);
}

/** What binds a sealed body to its receiver, signer and submission. */
export const hpkeInfo = (sealingKeyId, signingKeyId, submissionId) =>
  `dedup/v1/bundle\n${sealingKeyId}\n${signingKeyId}\n${submissionId}`;

/**
 * The content key, sealed to the server: b64url(enc || ciphertext).
 * @param {{keyId: string, jwk: JsonWebKey}} sealTo
 * @param {CryptoKeyPair} [ephemeral] for test vectors only; else a fresh one
 */
export async function sealContentKey(contentKey, sealTo, signingKeyId, submissionId, ephemeral) {
  const info = utf8(hpkeInfo(sealTo.keyId, signingKeyId, submissionId));
  const recipientPublicKey = await SUITE.kem.importKey("jwk", sealTo.jwk, true);
  const sender = await SUITE.createSenderContext({ recipientPublicKey, info: info.buffer, ekm: ephemeral });
  const ciphertext = await sender.seal(contentKey.slice().buffer);
  return b64url(concat(new Uint8Array(sender.enc), new Uint8Array(ciphertext)));
}

/** What an HPKE seal (enc || ciphertext) holds, with a private JWK; throws when the key or `info` is another. */
export async function openSecret(sealed, jwk, info) {
  const recipientKey = await SUITE.kem.importKey("jwk", jwk, false);
  const [enc, ciphertext] = [sealed.slice(0, ENCAPSULATED_BYTES), sealed.slice(ENCAPSULATED_BYTES)];
  const recipient = await SUITE.createRecipientContext({ recipientKey, enc: enc.buffer, info: utf8(info).slice().buffer });
  return new Uint8Array(await recipient.open(ciphertext.buffer));
}
