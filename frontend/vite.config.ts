/// <reference types="vitest/config" />
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Every `<folder>/main.ts(x)` is loaded by some page. */
const entries = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((folder) => folder.isDirectory())
  .flatMap((folder) => readdirSync(`${import.meta.dirname}/${folder.name}`).map((file) => `${folder.name}/${file}`))
  .filter((path) => /\/main\.tsx?$/.test(path));

const SMALLEST = 1024; // bytes that are worth compressing

/** Writes `.br` and `.gz` beside each script and style sheet, which WhiteNoise then sends to browsers that take them. */
const precompress: Plugin = {
  name: "precompress",
  writeBundle({ dir }, bundle) {
    for (const file of Object.keys(bundle).filter((name) => /\.(js|css)$/.test(name))) {
      const content = readFileSync(`${dir}/${file}`);
      if (content.length < SMALLEST) continue;
      writeFileSync(`${dir}/${file}.br`, brotliCompressSync(content));
      writeFileSync(`${dir}/${file}.gz`, gzipSync(content, { level: 9 }));
    }
  },
};

export default defineConfig({
  plugins: [precompress],
  root: import.meta.dirname,
  base: "/static/dist/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../platform/palmares/static/dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsInlineLimit: 0, // the content security policy allows no data: fonts
    target: "es2022",
    rollupOptions: { input: ["style/main.css", ...entries] },
  },
  // one process and one set of modules for all files: they share no state that a test changes
  test: { include: ["**/*.test.ts"], isolate: false, pool: "threads" },
});
