/// <reference types="vitest/config" />
import { readdirSync } from "node:fs";
import { defineConfig } from "vite";

/** Every `<folder>/main.ts(x)` is loaded by some page. */
const entries = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((folder) => folder.isDirectory())
  .flatMap((folder) => readdirSync(`${import.meta.dirname}/${folder.name}`).map((file) => `${folder.name}/${file}`))
  .filter((path) => /\/main\.tsx?$/.test(path));

export default defineConfig({
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
  test: { include: ["**/*.test.ts"] },
});
