// Finds functions of OpenClaw in its package. The bundles have names that change with every build, so
// each function is found by its own name in them.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export async function exported(openclaw, name) {
  const dist = join(openclaw, "dist");
  const defines = new RegExp(`(function|const) ${name}\\b`);
  const exports = new RegExp(`[{ ,]${name}(?: as ([A-Za-z$_][\\w$]*))?[ ,}]`);
  for (const file of readdirSync(dist).filter((file) => /\.m?js$/.test(file))) {
    const text = readFileSync(join(dist, file), "utf8");
    if (!defines.test(text)) continue;
    for (const line of text.split("\n").filter((line) => line.startsWith("export {"))) {
      const as = line.match(exports);
      if (as) return (await import(pathToFileURL(join(dist, file))))[as[1] ?? name];
    }
  }
  throw new Error(`no bundle of ${openclaw} exports ${name}`);
}
