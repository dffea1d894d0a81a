// The example of the README is a file that the compiler reads.
import { expect, test } from "vitest";
import example from "./first-call.ts?raw";
import readme from "../README.md?raw";

test("the README shows the example that is compiled", () => {
  expect(readme).toContain(example.trim());
});
