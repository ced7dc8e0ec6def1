// Writes openapi.json, the description of every operation as it is served: a change of the API shows in review.
// `--check` compares instead and fails when the file is not what the sources make.

import { describeApi } from "../src/app.ts";
import { checkOrWrite } from "./snapshot.ts";

const document: unknown = await describeApi();
process.exitCode = await checkOrWrite("openapi.json", `${JSON.stringify(document, null, 2)}\n`, "npm run openapi");
