/** The published test vectors, and what several tests make of them. */

import { readFileSync } from "node:fs";

export const ROOT = new URL("../../", import.meta.url);

export const readText = (path) => readFileSync(new URL(path, ROOT), "utf8");

export const readVectors = (name) => JSON.parse(readText(`docs/spec/vectors/${name}-v1.json`));
