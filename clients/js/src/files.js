/** Files that appear whole or not at all. */

import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { hex } from "./bytes.js";
import { randomBytes } from "./webcrypto.js";

/** Writes a file in one step, durably: a reader sees what was there before, or all of it. */
export async function replaceFile(path, bytes) {
  const beside = besides(path);
  try {
    await write(beside, bytes, 0o644);
    await rename(beside, path);
    await syncFolder(dirname(path));
  } finally {
    await rm(beside, { force: true });
  }
}

/** Writes a file that must not exist yet, and its folder if need be; throws EEXIST otherwise. */
export async function writeNewFile(path, bytes, mode) {
  const beside = besides(path);
  await mkdir(dirname(path), { recursive: true });
  try {
    await write(beside, bytes, mode);
    await link(beside, path); // unlike a rename, a link fails when the name is taken
    await syncFolder(dirname(path));
  } finally {
    await rm(beside, { force: true });
  }
}

const besides = (path) => `${path}.${hex(randomBytes(4))}.part`;

async function write(path, bytes, mode) {
  const file = await open(path, "wx", mode);
  try {
    await file.chmod(mode); // the umask may have taken bits away
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder) {
  if (process.platform === "win32") return; // Windows cannot open a folder
  const file = await open(folder, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
