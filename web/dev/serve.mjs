// Serves the playground of the views on http://127.0.0.1:8123, built anew at each load.
//
//   node dev/serve.mjs [port]

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { context } from "esbuild";

const DEV = dirname(fileURLToPath(import.meta.url));

const playground = await context({
  absWorkingDir: join(DEV, ".."),
  entryPoints: ["dev/play.tsx"],
  outdir: "dev/build",
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  sourcemap: "inline",
});
const { port } = await playground.serve({
  servedir: DEV,
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? 8123),
});
console.log(`http://127.0.0.1:${port}/?scene=plain`);
