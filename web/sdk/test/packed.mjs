/**
 * The package as a stranger gets it: packed by npm, and unpacked into the `node_modules` of an empty project, beside what it
 * depends on. And what its README tells them to write.
 */

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const SDK = dirname(dirname(fileURLToPath(import.meta.url)));

/** A new folder with the package in it, and the names of the packed files. */
export async function project() {
  const folder = await mkdtemp(join(tmpdir(), "duologue-sdk-"));
  const { stdout } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", folder], { cwd: SDK });
  const [{ filename, files, size }] = JSON.parse(stdout.slice(stdout.indexOf("[")));
  const home = join(folder, "node_modules/@duologue/sdk");
  await mkdir(home, { recursive: true });
  await run("tar", ["-xzf", join(folder, filename), "-C", home, "--strip-components=1"]);
  const { dependencies } = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) await cp(join(SDK, "../node_modules", name), join(folder, "node_modules", name), { recursive: true });
  return { folder, home, size, files: files.map((it) => it.path) };
}

/** The first block of this language in the README, or a later one. */
export async function example(language, which = 0) {
  const readme = await readFile(join(SDK, "README.md"), "utf8");
  const found = [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))][which];
  if (!found) throw new Error(`the README has no example in ${language}`);
  return found[1];
}

/** Compiles `main.ts` of the folder, as strictly as anybody does, to `main.js`. Throws what the compiler says. */
export async function compile(folder) {
  const options = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable", "--types", ""];
  await run(process.execPath, [join(SDK, "../node_modules/typescript/bin/tsc"), ...options, "main.ts"], { cwd: folder }).catch((error) => {
    throw new Error(error.stdout || error.message);
  });
}
