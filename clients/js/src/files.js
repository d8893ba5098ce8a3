/** Files that appear whole or not at all. */

import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { hex } from "./bytes.js";
import { randomBytes } from "./webcrypto.js";

/** Writes a file in one step, durably: a reader sees what was there before, or all of it. */
export async function replaceFile(path, bytes) {
  const beside = `${path}.${hex(randomBytes(4))}.part`;
  try {
    const file = await open(beside, "wx", 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
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
