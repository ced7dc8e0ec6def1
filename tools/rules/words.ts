// One word per thing (docs/glossary.md), no rooms without a purpose, no notes to ourselves, nothing of one person's machine.

import ts from "typescript";
import { eachFile, type Fault, faultAt, faultsOfPattern, isCode, isSourceCode, nodesOf, type Rule } from "./source.ts";

/** Right column of the glossary's table, as far as a word is wrong wherever it stands; with what we say instead. */
const WRONG_WORDS = new Map([
  ["customer", "client"],
  ["wallet", "account"],
  ["beneficiary", "recipient or creditor"],
  ["payee", "recipient or creditor"],
  ["sender", "debtor"],
  ["receiver", "creditor"],
  ["util", "the noun it is about"],
  ["utils", "the noun it is about"],
  ["helper", "the noun it is about"],
  ["helpers", "the noun it is about"],
]);

/** `isWalletOpen`, `WALLET_MAX`, `wallet-list` → their words in lower case. */
const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$3 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);

const wrongWords = (name: string): string[] =>
  wordsOf(name).flatMap((word) => {
    const instead = WRONG_WORDS.get(word) ?? WRONG_WORDS.get(word.replace(/s$/, "")) ?? WRONG_WORDS.get(word.replace(/ies$/, "y"));
    return instead ? [`"${word}" in ${name}: we say ${instead}`] : [];
  });

/** contract.ts speaks the documented words of the wire, adapters those of the world outside. */
const speaksForeign = (path: string): boolean => /(?:^|[./])contract\.ts$/.test(path) || path.startsWith("src/adapters/");

/** Identifiers and file names; comments and texts may say what they like. */
export const wordsOfTheGlossary: Rule = eachFile(
  (path) => isSourceCode(path) && !speaksForeign(path),
  function* (file): Generator<Fault> {
    for (const message of wrongWords(file.path.slice("src/".length))) yield { path: file.path, line: 1, message };
    for (const node of nodesOf(file)) {
      if (!ts.isIdentifier(node)) continue;
      for (const message of wrongWords(node.text)) yield faultAt(file, node, message);
    }
  },
);

/** A note to ourselves is an issue, a decision or a line of the change log; in the code it is forgotten. */
export const noNotesToOurselves: Rule = eachFile(
  (path) => isCode(path) || /\.(?:sql|ya?ml|json)$/.test(path),
  (file) => faultsOfPattern(file, /\b(?:TO[D]O|FIX[M]E)\b/, (found) => `${found}: do it, or write it down where it is read`),
);

/** The project builds on any machine. */
export const noMachinePaths: Rule = eachFile(
  () => true,
  (file) =>
    faultsOfPattern(
      file,
      /(?<![\w.~-])\/(?:work(?=[/\s"'`,;:)]|$)|root\/\w|home\/[a-z]|Users\/\w)/m,
      (found) => `${found}… exists on one machine only`,
    ),
);
