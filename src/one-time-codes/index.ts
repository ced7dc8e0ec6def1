// The face of one-time codes: what a client confirms with a code that only it was sent. Nothing else of this module may be imported.

export { oneTimeCodesVerifiable } from "./checks.store.ts";
export { clientCodes } from "./client-data.ts";
export { liftCodeBlocks } from "./lifting.ts";
export { openOneTimeCodes, type OneTimeCodes, type OneTimeCodesDeps } from "./one-time-codes.ts";
