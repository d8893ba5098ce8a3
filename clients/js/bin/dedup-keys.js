#!/usr/bin/env node
/** `dedup-keys`: what a vendor does with keys, from making its own to fetching the server's. */

import { basename } from "node:path";
import { DONE, UsageError, runCommand } from "../src/commandline.js";
import { replaceFile } from "../src/files.js";
import {
  Patience, UploadServer, makeVendorKeys, openLinkageKey, readCredentials, readReceiptKey, readVendorSealingKey,
  rememberStatement, writeCredentials, writeLinkageKey,
} from "../src/index.js";
import { keyDocument } from "../src/keyfiles.js";

const HELP = `Usage: dedup-keys vendor --out FOLDER
       dedup-keys open FILE --with FILE --out FILE
       dedup-keys credentials --out FILE --url URL --vendor CODE --signing-key FILE --receipt-key FILE...
       dedup-keys fetch --credentials FILE --out FILE

Makes a vendor's two key pairs; opens a linkage key that the custodian sealed to it; makes the credentials file for
dedup-send, in which there is no secret; and fetches the server's public sealing key of today, signed with a receipt
key that the credentials name. The same files and sentences as \`dedup keys\`; either reads what the other wrote.

  --out PATH           what to write; only fetch replaces a file that is there
  --with FILE          the vendor's sealing.key
  --url URL            the server's public URL
  --vendor CODE        the code under which the operator registered you
  --signing-key FILE   your signing.key; only its path is written
  --receipt-key FILE   the server's receipts.pub; may be given more than once
  --credentials FILE   made by \`dedup-keys credentials\`
  --json               print one JSON document for machines
  --help               this text

Example: dedup-keys fetch --credentials credentials.json --out server.pub
`;
const FETCH_SECONDS = 60;

/** Each command: the options that it needs, how many files it is given, and its work: { document, sentence }. */
const COMMANDS = {
  vendor: { needs: ["out"], files: 0, work: vendor },
  open: { needs: ["with", "out"], files: 1, work: open },
  credentials: { needs: ["out", "url", "vendor", "signing-key", "receipt-key"], files: 0, work: credentials },
  fetch: { needs: ["credentials", "out"], files: 0, work: fetchKey },
};

async function vendor({ out }) {
  const { signingKeyId, sealingKeyId, files } = await makeVendorKeys(out, new Date());
  return {
    document: { signing_key_id: signingKeyId, sealing_key_id: sealingKeyId, files },
    sentence:
      `Wrote ${files.map((file) => basename(file)).join(", ")} to ${out}. Send signing.pub (key ${signingKeyId}) to the ` +
      `operator and sealing.pub (key ${sealingKeyId}) to the key custodian.`,
  };
}

async function open({ out, with: sealingKey }, [file]) {
  const key = await openLinkageKey(file, await readVendorSealingKey(sealingKey));
  await writeLinkageKey(out, key, new Date());
  return {
    document: { key_id: key.keyId, file: out },
    sentence: `Wrote the linkage key of epoch ${key.keyId} to ${out}.`,
  };
}

async function credentials({ out, url, vendor: code, "signing-key": signingKey, "receipt-key": files }) {
  const receiptKeys = await Promise.all(files.map(readReceiptKey));
  const keyId = await writeCredentials(out, { url, vendor: code, signingKey, receiptKeys }, new Date());
  const named = receiptKeys.map((key) => key.keyId);
  return {
    document: { file: out, signing_key_id: keyId, receipts_key_ids: named },
    sentence:
      `Wrote ${out}: vendor ${code} proves who it is with key ${keyId}, and believes ${named.join(", ")}. ` +
      "Compare these ids with the operator's by telephone.",
  };
}

async function fetchKey({ credentials: path, out }) {
  const known = await readCredentials(path);
  const patience = new Patience(FETCH_SECONDS, { told: (sentence) => console.error(sentence) });
  const statement = await new UploadServer(known, patience).connect();
  await rememberStatement(known, statement);
  const [[keyId, jwk]] = statement.sealing;
  await replaceFile(out, keyDocument("server-sealing-public", keyId, { jwk }, new Date()));
  return { document: { file: out, sealing_key_id: keyId }, sentence: `Wrote the server's sealing key ${keyId} to ${out}.` };
}

async function work(values, [name, ...files]) {
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`Give a command: ${Object.keys(COMMANDS).join(", ")}.`);
  if (files.length !== command.files) throw new UsageError(command.files ? "Give one file." : `${name} takes no file.`);
  for (const option of command.needs) if (!values[option]) throw new UsageError(`--${option} is needed.`);
  const other = Object.keys(values).find((option) => !["json", ...command.needs].includes(option));
  if (other) throw new UsageError(`${name} has no option --${other}.`);
  const { document, sentence } = await command.work(values, files);
  console.log(values.json ? JSON.stringify(document, null, 2) : sentence);
  return DONE;
}

const TEXTS = ["out", "with", "url", "vendor", "signing-key", "credentials"];
await runCommand("dedup-keys", { help: HELP, texts: TEXTS, lists: ["receipt-key"], work });
