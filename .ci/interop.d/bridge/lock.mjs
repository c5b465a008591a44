// Takes OpenClaw's own locks, with OpenClaw's own code.
//
//   node lock.mjs PACKAGE store FILE                 the lock of a store file
//   node lock.mjs PACKAGE refresh PROVIDER PROFILE   the lock of a profile's renewal
//
// PACKAGE is the folder of an installed `openclaw`. Prints `HELD {"lock":…}` once it holds it, then
// obeys lines: `release` (prints `RELEASED`, ends), `hang` (prints `HANGING`, never answers again).
// The end of its input releases too. If the lock is not to be had: `REFUSED {"code":…}` and exit code 3.
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { exported } from "./bundle.mjs";

const [folder, kind, ...names] = process.argv.slice(2);
const { withFileLock } = await import(pathToFileURL(join(folder, "dist", "plugin-sdk", "file-lock.js")));

const internal = (name) => exported(folder, name);

const target =
  kind === "refresh" ? (await internal("resolveOAuthRefreshLockPath"))(...names) : names[0];
const options = await internal(
  kind === "refresh" ? "OAUTH_REFRESH_LOCK_OPTIONS" : "AUTH_STORE_LOCK_OPTIONS",
).catch(async (error) => {
  // 2026.9.6 has no lock of the store file; its renewals use the other options for all files.
  if (kind === "refresh") throw error;
  return internal("OAUTH_REFRESH_LOCK_OPTIONS");
});

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
try {
  await withFileLock(target, options, async () => {
    console.log(`HELD ${JSON.stringify({ lock: `${target}.lock` })}`);
    const { value } = await lines.next();
    if (value === "hang") {
      console.log("HANGING");
      for (;;) await new Promise((resolve) => setTimeout(resolve, 1 << 30));
    }
  });
} catch (error) {
  console.log(`REFUSED ${JSON.stringify({ code: error.code ?? null })}`);
  process.exit(3);
}
console.log("RELEASED");
process.exit(0);
