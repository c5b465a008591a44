// Takes the lock of a file with OpenClaw's own code, holds it, and releases it.
//
//   node lock.mjs OPENCLAW_PACKAGE_FOLDER FILE MILLISECONDS
//
// Prints HELD once it has the lock and RELEASED once it has not. Killed in between, it leaves the lock
// of a dead process behind.
import { exported } from "./bundle.mjs";

const [openclaw, file, held] = process.argv.slice(2);
const withFileLock = await exported(openclaw, "withFileLock");
const options = { retries: { retries: 20, factor: 2, minTimeout: 50, maxTimeout: 500, randomize: true }, stale: 30_000 };
await withFileLock(file, options, async () => {
  console.log("HELD");
  await new Promise((done) => setTimeout(done, Number(held)));
});
console.log("RELEASED");
process.exit(0);
