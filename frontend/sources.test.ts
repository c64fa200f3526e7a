/** Holds that the type checker, the linter and the bundler see every source file: a new folder cannot be left out. */
import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { expect, it } from "vitest";
import config from "./vite.config";

const root = import.meta.dirname;

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name === "node_modules") return [];
    if (entry.isDirectory()) return sourcesBelow(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const sources = sourcesBelow(root).sort();

it("type-checks every TypeScript file, with checked indices", () => {
  const { config: json, error } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
  expect(error).toBeUndefined();
  const parsed = ts.parseJsonConfigFileContent(json, ts.sys, root);
  expect(parsed.fileNames.sort()).toEqual(sources);
  expect(parsed.options).toMatchObject({ strict: true, noUncheckedIndexedAccess: true });
});

it("lints every folder", () => {
  const { files } = JSON.parse(readFileSync(`${root}/biome.json`, "utf8")) as { files: { includes: string[] } };
  expect(files.includes.filter((pattern) => !pattern.startsWith("!"))).toEqual(["**/*.ts", "**/*.tsx", "**/*.css"]);
});

it("bundles every page's entry", () => {
  const mains = sources.filter((path) => /\/main\.tsx?$/.test(path)).map((path) => path.slice(root.length + 1));
  expect(config.build?.rollupOptions?.input).toEqual(["style/main.css", ...mains]);
});
