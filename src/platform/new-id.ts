// The process's one source of ids, so that ids made here only ever rise.

import { randomBytes } from "node:crypto";
import { createIdSource } from "./ids.ts";

/** A fresh time-ordered UUID (version 7), lower case. */
export const newId: () => string = createIdSource(Date.now, randomBytes);
