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
      input: [
        "style/main.css",
        "live/main.ts",
        "upload/main.ts",
        "submit/main.ts",
        "hand/main.ts",
        "measure/main.ts",
        "viewer/main.tsx",
      ],
    },
  },
  test: { include: ["**/*.test.ts"] },
});
