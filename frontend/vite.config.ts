/// <reference types="vitest/config" />
import { defineConfig } from "vite";

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
    rollupOptions: {
      input: ["live/theme-early.ts", "live/main.ts", "upload/main.ts", "viewer/main.tsx"],
    },
  },
  test: { include: ["**/*.test.ts"] },
});
