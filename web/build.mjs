// Builds the browser client into zchat/gateway/web, from where gateways serve it. The result is committed, so that
// whoever runs zchat needs no Node; scripts/check builds it again, and fails if anything differs.
//
//   node build.mjs                    what is committed
//   node build.mjs --dev              the same, to be read and debugged, and not compressed
//   node build.mjs --tests [FOLDER]   the tests, into build/tests or there, for `node --test`

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  gunzipSync,
  gzipSync,
} from "node:zlib";

import { build } from "esbuild";

const WEB = dirname(fileURLToPath(import.meta.url));
const SITE = join(WEB, "../zchat/gateway/web");
/** Smaller files are sent in one packet either way. */
const COMPRESSED_FROM_BYTES = 1024;
const COMPRESSIONS = {
  br: {
    compress: (bytes) =>
      brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      }),
    decompress: brotliDecompressSync,
  },
  gz: {
    compress: (bytes) => gzipSync(bytes, { level: 9 }),
    decompress: gunzipSync,
  },
};
/** Not kept by the worker of the page for when there is no server. */
const NOT_KEPT = ["index.html", "LICENSES.txt"];

const common = {
  absWorkingDir: WEB,
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  jsx: "automatic",
  jsxImportSource: "preact",
};

async function buildSite(dev) {
  const options = { ...common, minify: !dev, write: false, outdir: SITE };
  if (dev) options.sourcemap = "inline";
  const app = await build({
    ...options,
    entryPoints: { app: "src/view/main.tsx" },
    // What is imported when it is wanted, as `import("./file.ts")`, is a file of its own.
    splitting: true,
    chunkNames: "[name]",
    metafile: true,
  });
  const files = new Map([
    ["app.css", Buffer.alloc(0)],
    ...app.outputFiles.map((file) => [
      file.path.slice(SITE.length + 1),
      Buffer.from(file.contents),
    ]),
    ["index.html", await readFile(join(WEB, "index.html"))],
    ["LICENSES.txt", await licenses(Object.keys(app.metafile.inputs))],
  ]);
  for (const name of await readdir(join(WEB, "static"))) {
    files.set(name, await readFile(join(WEB, "static", name)));
  }
  const worker = await build({
    ...options,
    format: "iife",
    entryPoints: { sw: "src/worker/sw.ts" },
    define: {
      BUILD: JSON.stringify(hashOf(files.values())),
      FILES: JSON.stringify([...files.keys()].filter((name) => !NOT_KEPT.includes(name))),
    },
  });
  files.set("sw.js", Buffer.from(worker.outputFiles[0].contents));
  await write(files, dev);
}

/** So that a worker of another build is another file, which browsers notice. */
function hashOf(contents) {
  const hash = createHash("sha256");
  for (const bytes of contents) hash.update(`${bytes.length}\n`).update(bytes);
  return hash.digest("hex").slice(0, 16);
}

async function write(files, dev) {
  await mkdir(SITE, { recursive: true });
  const wanted = new Set(files.keys());
  for (const [name, bytes] of files) {
    await writeFile(join(SITE, name), bytes);
    const line = [name.padEnd(22), String(bytes.length).padStart(8)];
    if (!dev && bytes.length >= COMPRESSED_FROM_BYTES) {
      for (const [suffix, { compress, decompress }] of Object.entries(COMPRESSIONS)) {
        const path = join(SITE, `${name}.${suffix}`);
        wanted.add(`${name}.${suffix}`);
        // Another release of Node may compress the same into other bytes. That is no difference.
        const kept = await readFile(path).catch(() => undefined);
        const same = kept && bytes.equals(tried(decompress, kept));
        const compressed = same ? kept : compress(bytes);
        if (!same) await writeFile(path, compressed);
        line.push(`${suffix} ${String(compressed.length).padStart(7)}`);
      }
    }
    console.log(line.join("  "));
  }
  for (const name of await readdir(SITE)) {
    if (!wanted.has(name)) await rm(join(SITE, name));
  }
}

function tried(decompress, bytes) {
  try {
    return decompress(bytes);
  } catch {
    return Buffer.alloc(0);
  }
}

/** What those want to be read who wrote the parts of the bundle that are not ours. */
async function licenses(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  const parts = ["app.js contains these packages, under these licences:\n"];
  for (const name of [...packages].sort()) {
    const folder = join(WEB, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    if (!file) throw new Error(`${name} has no file with its licence`);
    const text = (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n").trim();
    parts.push(`${"-".repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`);
  }
  return Buffer.from(parts.join("\n"));
}

async function buildTests(folder = join(WEB, "build/tests")) {
  await rm(folder, { recursive: true, force: true });
  const entries = await readdir(join(WEB, "tests"), { recursive: true });
  await build({
    ...common,
    platform: "node",
    target: "node20",
    entryPoints: entries
      .filter((name) => /\.test\.tsx?$/.test(name))
      .map((name) => `tests/${name}`),
    outdir: folder,
    // In one folder, whatever they are in here, since not every shell finds those in others.
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
    sourcemap: "inline",
  });
}

const [what, folder] = process.argv.slice(2);
if (what === "--tests") {
  await buildTests(folder);
} else {
  await buildSite(what === "--dev");
}
