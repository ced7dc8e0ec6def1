// Reads single settings by their kind. A wrong one becomes a sentence in `problems` and a harmless value, so that reading goes on
// and the person hears of all mistakes at once. Values of secrets are never repeated in a sentence.

import { readFileSync } from "node:fs";
import { type Mode, SETTINGS, type Setting, type SettingName } from "./settings.ts";

export type SettingsReader = {
  /** One sentence for each wrong setting so far. */
  readonly problems: string[];
  /** Whether the environment says something, as opposed to the default. */
  isGiven(name: SettingName): boolean;
  text(name: SettingName): string | null;
  integer(name: SettingName, least: number, most: number): number;
  flag(name: SettingName): boolean;
  oneOf<const T extends string>(name: SettingName, values: readonly [T, ...T[]]): T;
  matching(name: SettingName, pattern: RegExp, expected: string): string;
  url(name: SettingName, protocols: readonly string[]): string | null;
  timeZone(name: SettingName): string;
  currencies(name: SettingName): readonly string[];
};

/** Readers over one environment. Empty means not given. */
export function readSettings(env: NodeJS.ProcessEnv, mode: Mode): SettingsReader {
  const problems: string[] = [];
  const given = new Map<SettingName, string>();
  const values = new Map<SettingName, string | null>();
  for (const setting of SETTINGS) {
    const found = findGiven(setting, env, problems);
    if (found !== null) given.set(setting.name, found);
    values.set(setting.name, found ?? defaultOf(setting, mode));
    if (found === null && (setting as Setting).required === mode) problems.push(`${setting.name} is missing: ${setting.meaning}`);
  }
  const text = (name: SettingName) => values.get(name) ?? null;
  const wrong = (name: SettingName, expected: string) => {
    const shown = isSecret(name) ? "" : ` It is ${JSON.stringify(text(name))}.`;
    problems.push(`${name} must be ${expected}.${shown}`);
  };
  return {
    problems,
    isGiven: (name) => given.has(name),
    text,
    integer: (name, least, most) => {
      const value = /^\d{1,9}$/.test(text(name) ?? "") ? Number(text(name)) : Number.NaN;
      if (value >= least && value <= most) return value;
      wrong(name, `a whole number from ${least} to ${most}`);
      return least;
    },
    flag: (name) => {
      const value = text(name) ?? "0";
      if (!["0", "1", "false", "true"].includes(value)) wrong(name, "0 or 1");
      return value === "1" || value === "true";
    },
    oneOf: (name, allowed) => {
      const value = allowed.find((candidate) => candidate === text(name));
      if (value === undefined) wrong(name, `one of ${allowed.join(", ")}`);
      return value ?? allowed[0];
    },
    matching: (name, pattern, expected) => {
      if (!pattern.test(text(name) ?? "")) wrong(name, expected);
      return text(name) ?? "";
    },
    url: (name, protocols) => {
      const value = text(name);
      if (value === null || (URL.canParse(value) && protocols.includes(new URL(value).protocol))) return value;
      wrong(name, `an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`);
      return null;
    },
    timeZone: (name) => {
      if (!isTimeZone(text(name) ?? "")) wrong(name, "the IANA name of a time zone, such as Europe/Vilnius");
      return text(name) ?? "";
    },
    currencies: (name) => {
      const codes = (text(name) ?? "").split(/[\s,]+/).filter((code) => code !== "");
      if (codes.length === 0 || !codes.every((code) => /^[A-Z]{3}$/.test(code)) || new Set(codes).size < codes.length) {
        wrong(name, "currency codes of three capital letters, each once, separated by blanks or commas");
      }
      return codes;
    },
  };
}

function findGiven(setting: Setting, env: NodeJS.ProcessEnv, problems: string[]): string | null {
  const value = env[setting.name]?.trim() || null;
  const fileName = `${setting.name}_FILE`;
  const file = (setting.secret && env[fileName]?.trim()) || null;
  if (file === null) return value;
  if (value !== null) problems.push(`${setting.name} and ${fileName} are both given: give one.`);
  try {
    return readFileSync(file, "utf8").trim() || null;
  } catch {
    problems.push(`${fileName} names ${file}, which cannot be read.`);
    return null;
  }
}

function defaultOf(setting: Setting, mode: Mode): string | null {
  if (setting.default === null || typeof setting.default === "string") return setting.default;
  return setting.default[mode === "development" ? 0 : 1];
}

function isSecret(name: SettingName): boolean {
  return SETTINGS.some((setting: Setting) => setting.name === name && setting.secret === true);
}

function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 would pass below, but a bank's day follows a place.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: name }).format();
    return true;
  } catch {
    return false;
  }
}

/** Whether an address leads away from this machine. */
export function isDistant(url: string): boolean {
  const { hostname } = new URL(url);
  return !(hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname));
}
