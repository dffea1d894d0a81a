// The example of the README is a file that the compiler reads.
import { expect, test } from "vitest";
import example from "./first-call.ts?raw";
import front from "../../../README.md?raw";
import readme from "../README.md?raw";

test("both READMEs show the example that is compiled", () => {
  for (const text of [readme, front]) expect(text).toContain(example.trim());
});
