// From a fresh clone to installed packages: runs before every npm script (`pre...`), on whatever Node there is (20 or newer), with
// nothing installed. It runs `npm ci` when node_modules is not what package-lock.json says, and otherwise does nothing, in a few
// milliseconds. Messages go to stderr only: what a script prints on stdout may be read by a program.
//
// node_modules counts as good when its stamp holds the hash of the lock file. The stamp is written after a whole installation, so an
// interrupted one is simply done again. Two at once: the second waits for the first.

import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const WANTED_NODE = 24;
const OWN_NODE = Number(process.versions.node.split(".")[0]);

/** A sentence for the person at the terminal; anything else that is thrown is a bug. */
class Trouble extends Error {}

/** @param {string} root folder of the project @param {(line: string) => void} say @param {NodeJS.ProcessEnv} env */
export async function bootstrap(root, say, env) {
  if (isInstalled(root)) return;
  const unlock = await lockInstallation(root, say);
  try {
    // Somebody else may have done it while we waited.
    if (isInstalled(root)) return;
    if (!isInstalledByHand(root, env)) await install(root, say, env);
    checkNode(root, say);
    writeStamp(root);
  } finally {
    unlock();
  }
}

// ---- is there anything to do? ----

const stampFile = (root) => join(root, "node_modules", ".finlego-installed");

/** The lock file and the kind of machine: a folder shared with a container holds programs of the wrong kind there. */
function expectedStamp(root) {
  const lock = readFileSync(join(root, "package-lock.json"));
  return `${createHash("sha256").update(lock).digest("hex")} ${process.platform}-${process.arch}\n`;
}

function isInstalled(root) {
  const found = readText(stampFile(root));
  return found !== null && found === expectedStamp(root);
}

function writeStamp(root) {
  try {
    writeFileSync(stampFile(root), expectedStamp(root));
  } catch {
    // A folder that we may read but not write was installed by somebody who may; the longer check passes each time.
  }
}

/** Whether somebody ran npm himself: npm's own record in node_modules names what the lock file wants here. */
function isInstalledByHand(root, env) {
  const wanted = readPackages(join(root, "package-lock.json"));
  const found = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (wanted === null || found === null) return false;
  const programs = Object.keys(wanted[""]?.optionalDependencies ?? {}).map((name) => `node_modules/${name}`);
  // An image with a Node of its own may have left out what only tests need, and the programs.
  const bare = ["prestart", "precli"].includes(env.npm_lifecycle_event ?? "") && OWN_NODE >= WANTED_NODE;
  const mayLack = (path, { optional, dev, ...limits }) =>
    (bare && (dev || optional)) || (optional && !(programs.includes(path) && fits(limits)));
  return Object.entries(wanted).every(([path, wants]) => {
    if (!path.includes("node_modules/") || (found[path] === undefined && mayLack(path, wants))) return true;
    return found[path]?.version === wants.version && existsSync(join(root, path, "package.json"));
  });
}

function fits({ os, cpu }) {
  return (os === undefined || os.includes(process.platform)) && (cpu === undefined || cpu.includes(process.arch));
}

function readPackages(file) {
  const text = readText(file);
  try {
    return text === null ? null : (JSON.parse(text).packages ?? null);
  } catch {
    return null;
  }
}

function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

// ---- one at a time ----

/** Waits until nobody else installs here; answers with the function that lets the next one in. */
async function lockInstallation(root, say) {
  const file = join(root, ".cache", "install.lock");
  write(() => mkdirSync(dirname(file), { recursive: true }), root);
  for (let told = false; ; await pause(200)) {
    if (write(() => tryLock(file), root)) return () => rmSync(file, { force: true });
    const holder = readText(file);
    if (holder === null) continue;
    if (holder.split(/\s+/).filter(Boolean).every(isGone)) {
      breakLock(file, holder);
    } else if (!told) {
      told = true;
      say("another process is installing the packages, waiting for it");
    }
  }
}

/** The lock names its holder from its first moment: it is written aside and linked into place. */
function tryLock(file) {
  const draft = writeAside(file, `${identify(process.pid)}\n`);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

function writeAside(file, text) {
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  writeFileSync(draft, text);
  return draft;
}

/** Takes a dead process's lock away. If another one was quicker and has its own lock there already, that is put back. */
function breakLock(file, holder) {
  const aside = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    renameSync(file, aside);
    if (readText(aside) !== holder) linkSync(aside, file);
  } catch {
    // Gone, or replaced: the next round sees what is there.
  }
  rmSync(aside, { force: true });
}

/** A process is its id and the moment it began, as far as the system tells: ids are used again. One that is dead has no moment. */
function identify(pid) {
  const stat = readText(`/proc/${pid}/stat`) ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return `${pid}:${fields[0] === "Z" ? "dead" : (fields[19] ?? "")}`;
}

function isGone(identity) {
  const pid = Number.parseInt(identity, 10);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === "ESRCH";
  }
  return identify(pid) !== identity;
}

function write(action, root) {
  try {
    return action();
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT"].includes(error.code)) throw error;
    const reason = { ENOSPC: "the disk is full", EDQUOT: "the disk quota is used up", EROFS: "the file system is read-only" }[error.code];
    throw new Trouble(`Cannot install the packages in ${root}: ${reason ?? "this user may not write there"}.`);
  }
}

// ---- the installation ----

async function install(root, say, env) {
  say("installing the packages of package-lock.json (once, some 20 seconds)");
  // Its last line of defence against a half-done folder is that it has no stamp.
  rmSync(stampFile(root), { force: true });
  const code = await runNpm(root, env);
  if (code === 0) return;
  throw new Trouble(
    `npm ci failed (${code}); its own words stand above. It needs package-lock.json to fit package.json, space on the disk, and the npm registry within reach. Nothing is half-installed that the next attempt would trust: run the same command again.`,
  );
}

function runNpm(root, env) {
  const npm = env.npm_execpath?.endsWith("npm-cli.js") ? [process.execPath, env.npm_execpath] : ["npm"];
  // Tests need what development needs, and everything needs the optional programs (Node and PostgreSQL), whatever this shell leaves out.
  const flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--loglevel=error"];
  const [program, ...first] = npm;
  return new Promise((resolve) => {
    const child = spawn(program, [...first, ...flags], { cwd: root, env: cleanEnvironment(env), stdio: ["ignore", 2, 2] });
    // While npm lives the lock holds, even if this process is shot.
    if (child.pid !== undefined) nameHolders(root, child.pid);
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (status, signal) => resolve(status ?? signal));
    // Ctrl-C reaches npm by itself; we stay until it has ended, and then fail as it did.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => child.kill(signal));
  });
}

function nameHolders(root, npmPid) {
  const file = join(root, ".cache", "install.lock");
  renameSync(writeAside(file, `${identify(process.pid)} ${identify(npmPid)}\n`), file);
}

/** What the npm around us was told (omit, workspace, json, dry-run, ...) is not meant for the npm below; where to fetch from is. */
function cleanEnvironment(env) {
  const kept =
    /^npm_config_(registry|cache|userconfig|globalconfig|proxy|https_proxy|noproxy|cafile|ca|strict_ssl|fetch_.*|maxsockets|offline|prefer_offline|.*_authtoken|\/\/.*|@.*)$/i;
  const entries = Object.entries(env).filter(([name]) => name !== "NODE_ENV" && (!/^npm_/i.test(name) || kept.test(name)));
  return Object.fromEntries(entries);
}

// ---- does it run here? ----

/** The scripts find `node` in node_modules/.bin first. It must run here, or give way to one that does. */
function checkNode(root, say) {
  const bundled = join(root, "node_modules", ".bin", "node");
  if (existsSync(bundled)) {
    const { status, stdout } = spawnSync(bundled, ["--version"], { encoding: "utf8" });
    if (status === 0 && Number(stdout.slice(1).split(".")[0]) >= WANTED_NODE) return;
    rmSync(bundled, { force: true });
  }
  const musl = process.platform === "linux" && isMusl();
  const advice = `Use ${musl ? "a system with glibc (Debian, Ubuntu, node:24-slim), or " : ""}your own Node ${WANTED_NODE} or newer on the PATH together with DATABASE_URL for a PostgreSQL server of your own.`;
  const reason = musl
    ? "The Node and the PostgreSQL that come with the packages need glibc, and this system (Alpine, or another one with musl) has none."
    : `There is no Node ${WANTED_NODE} and no PostgreSQL among the packages for ${process.platform}-${process.arch}.`;
  if (OWN_NODE < WANTED_NODE) throw new Trouble(`${reason} ${advice}`);
  if (musl) say(`${reason} Going on with Node ${process.versions.node}; set DATABASE_URL for the database.`);
}

function isMusl() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

// ---- as a program ----

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const quiet = process.argv.includes("--quiet");
  const say = (line) => quiet || process.stderr.write(`${line}\n`);
  try {
    await bootstrap(root, say, process.env);
  } catch (error) {
    process.stderr.write(error instanceof Trouble ? `${error.message}\n` : `${error.stack}\n`);
    process.exitCode = 1;
  }
}
