import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** WCAG 2.2: of letters, and of what only has to be seen, such as edges. */
const LETTERS = 4.5;
const SHAPES = 3;
const ON = ["ground", "panel", "raised"];
const WRITTEN = ["text", "strong", "dim", "accent", "warm", "bad", "good", "link"];
const HUES = Array.from({ length: 8 }, (_, at) => `hue-${at}`);

const css = readFileSync("src/view/css/themes.css", "utf8");
const themes = [...css.matchAll(/data-theme="(\w+)"\] \{([^}]*)\}/g)].map(([, name, body]) => {
  const colours = [...(body ?? "").matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)];
  return { name, of: new Map(colours.map(([, use, colour]) => [use, colour ?? ""])) };
});

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test("there are three themes", () => {
  assert.deepEqual(
    themes.map((theme) => theme.name),
    ["dark", "light", "contrast"],
  );
});

for (const { name, of } of themes) {
  test(`all can be read in the ${name} theme`, () => {
    const holds = (use: string, on: string, least: number) => {
      const found = contrast(of.get(use) ?? "", of.get(on) ?? "");
      assert.ok(found >= least, `${use} on ${on}: ${found.toFixed(2)}`);
    };
    for (const on of ON) for (const use of [...WRITTEN, ...HUES]) holds(use, on, LETTERS);
    for (const use of ["text", "strong", "dim", ...HUES]) holds(use, "warm-ground", LETTERS);
    for (const use of ["text", "strong"]) holds(use, "code", LETTERS);
    holds("on-accent", "accent", LETTERS);
    holds("ground", "warm", LETTERS);
    for (const on of ["ground", "panel"]) holds("edge", on, SHAPES);
  });
}
