// Who may import whom, made from the plan in tools/rules/house.ts. Type-only imports count: a type that points up couples
// as well as a call does.

import { CORNERS, LISTENING_PLACES, MODULES, NETWORK_PLACES, PURE_ENDING, PURE_FILES, PURE_PACKAGES, ROOMS } from "./tools/rules/house.ts";

const escape = (text) => text.replaceAll(".", "\\.");
const anyOf = (names) => `(?:${names.map(escape).join("|")})`;

const TESTS = "\\.test\\.ts$";
const PURE = `^src/.+(?:/${anyOf(PURE_FILES)}|[^/]${escape(PURE_ENDING)})$`;
const HTTP_CLIENTS = "^(?:node:)?(?:https?|http2|net|tls|dgram|dns)$|node_modules/(?:undici|axios|got|ky|node-fetch)/";
const FRAMEWORKS = "node_modules/(?:fastify|@fastify|pg|pino|graphile-worker|prom-client|ajv)/";

const onlyDownwards = Object.entries(ROOMS).map(([room, below]) => ({
  name: `${room}-only-looks-down`,
  comment: `${room} stands on: ${below.join(", ") || "nothing"}`,
  severity: "error",
  from: { path: `^src/${room}/` },
  // The port that an adapter fills belongs to the module that needs it.
  to: {
    path: "^src/",
    pathNot: [`^src/${anyOf([room, ...below])}/`, ...(room === "adapters" ? [`^src/${anyOf(MODULES)}/ports\\.ts$`] : [])],
  },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...onlyDownwards,
    {
      name: "modules-by-their-face",
      comment: "Another module is its index.ts; everything behind it may change tomorrow",
      severity: "error",
      from: { path: "^src/([^/]+)", pathNot: TESTS },
      to: { path: `^src/${anyOf(MODULES)}/`, pathNot: ["^src/$1/", "/index\\.ts$", "/ports\\.ts$"] },
    },
    {
      name: "modules-by-their-alias",
      comment: "One name per module everywhere: #general-ledger, not ../general-ledger/index.ts",
      severity: "error",
      from: { path: "^src/([^/]+)/" },
      to: { path: `^src/${anyOf(["platform", ...MODULES])}/`, pathNot: ["^src/$1/", "/ports\\.ts$"], dependencyTypesNot: ["aliased"] },
    },
    {
      name: "ports-only-by-adapters",
      severity: "error",
      from: { path: "^src/([^/]+)", pathNot: "^src/adapters/" },
      to: { path: "^src/[^/]+/ports\\.ts$", pathNot: "^src/$1/" },
    },
    {
      name: "corners-of-the-platform-by-their-face",
      comment: "A corner of the platform shows its index.ts to the rest of the house",
      severity: "error",
      from: { path: "^src/", pathNot: [`^src/platform/${anyOf(CORNERS)}/`, TESTS] },
      to: { path: `^src/platform/${anyOf(CORNERS)}/`, pathNot: "/index\\.ts$" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "pure-files-run-on-pure-files",
      comment: "No database, no HTTP, no file system below a pure file",
      severity: "error",
      from: { path: PURE, pathNot: TESTS },
      to: {
        pathNot: [PURE, `node_modules/${anyOf(PURE_PACKAGES)}/`, "^(?:node:)?(?:crypto|buffer)$"],
        dependencyTypesNot: ["type-only", "type-import"],
      },
    },
    {
      name: "pure-files-know-no-database",
      comment: "Not even a type of it",
      severity: "error",
      from: { path: PURE, pathNot: TESTS },
      to: { path: ["/store\\.ts$", "\\.store\\.ts$", "^src/platform/(?:db|http|jobs|log)(?:/|\\.ts$)", FRAMEWORKS] },
    },
    {
      name: "network-only-in-adapters",
      severity: "error",
      from: { path: "^src/", pathNot: [...[...NETWORK_PLACES, ...LISTENING_PLACES].map((place) => `^${escape(place)}`), TESTS] },
      to: { path: HTTP_CLIENTS, dependencyTypesNot: ["type-only", "type-import"] },
    },
    {
      name: "frameworks-behind-the-platform",
      comment: "A module speaks to endpoint(), job() and Tx, so that these packages can be changed in one place",
      severity: "error",
      from: { path: `^src/${anyOf(MODULES)}/`, pathNot: TESTS },
      to: { path: FRAMEWORKS },
    },
    {
      name: "product-knows-no-tests-or-tools",
      severity: "error",
      from: { path: "^src/", pathNot: TESTS },
      to: { path: "^(?:test|tools|bench)/|\\.test\\.ts$" },
    },
    {
      name: "product-runs-without-development-packages",
      severity: "error",
      from: { path: "^src/", pathNot: TESTS },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only", "type-import"] },
    },
    {
      name: "everything-resolves",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".mjs", ".js"],
    },
    skipAnalysisNotInRules: true,
  },
};
