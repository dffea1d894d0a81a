// What a stranger installs: nothing but what is needed, with types, and the README's first call compiles with it.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile, example, project } from "./packed.mjs";

const SIZE_MAX = 100_000;
let packed;

beforeAll(async () => {
  packed = await project();
}, 120_000);
afterAll(() => rm(packed.folder, { recursive: true, force: true }));

test("the package holds its modules, their types, README, licences, and nothing else", () => {
  const others = packed.files.filter((path) => !/^dist\/[a-z-]+(\/[a-z-]+)*\.(d\.ts|js)$/.test(path));
  expect(others.sort()).toEqual(["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"]);
  for (const path of packed.files.filter((it) => it.endsWith(".js"))) expect(packed.files).toContain(path.replace(/\.js$/, ".d.ts"));
  expect(packed.size).toBeLessThan(SIZE_MAX);
});

test("every file that package.json names for others is in the package", async () => {
  const { exports, types, dependencies } = JSON.parse(await readFile(join(packed.home, "package.json"), "utf8"));
  expect(packed.files).toEqual(expect.arrayContaining([types, exports["."].types, exports["."].default].map((it) => it.slice(2))));
  expect(Object.keys(exports["."])[0], "a condition that only this repository asks for").toBe("duologue-source");
  expect(Object.keys(dependencies), "and no more").toEqual(["fflate"]);
});

test("older compilers read the types too: none has arrays of bytes with a parameter, which TypeScript 5.7 brought", async () => {
  for (const path of packed.files.filter((it) => it.endsWith(".d.ts"))) expect(await readFile(join(packed.home, path), "utf8"), path).not.toMatch(/Uint8Array</);
});

test("the README's first call has ten lines, and compiles with the package alone", { timeout: 60_000 }, async () => {
  const text = await example("ts");
  expect(text.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(10);
  await writeFile(join(packed.folder, "main.ts"), text);
  await compile(packed.folder);
  // And the check is one: a wrong field is refused.
  await writeFile(join(packed.folder, "main.ts"), text.replace("token })", "tokn: token })"));
  await expect(compile(packed.folder)).rejects.toThrow(/tokn/);
});
