// Renews one stored login as OpenClaw does: its refresh lock, the store read again, the exchange, the
// store written under the store's lock. Locks and store are OpenClaw's own code.
//
//   node renew.mjs OPENCLAW_PACKAGE_FOLDER AGENT_FOLDER PROFILE TOKEN_ENDPOINT CLIENT TIMES
//
// Renews so many times, whatever the token's age. Ends with the number of refusals as its exit code.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exported } from "./bundle.mjs";

const [openclaw, agentDir, profileId, endpoint, client, times] = process.argv.slice(2);
const withFileLock = await exported(openclaw, "withFileLock");
const lockPath = await exported(openclaw, "resolveOAuthRefreshLockPath");
const options = await exported(openclaw, "OAUTH_REFRESH_LOCK_OPTIONS");
const update = await exported(openclaw, "updateAuthProfileStoreWithLock");

const read = () => JSON.parse(readFileSync(join(agentDir, "auth-profiles.json"), "utf8")).profiles[profileId];
const provider = read().provider;
let refused = 0;
for (let time = 0; time < Number(times); time++) {
  await withFileLock(lockPath(provider, profileId), options, async () => {
    const stored = read();
    const body = new URLSearchParams({ grant_type: "refresh_token", client_id: client, refresh_token: stored.refresh });
    const answer = await fetch(endpoint, { method: "POST", body });
    const tokens = await answer.json();
    if (!answer.ok) {
      refused += 1;
      console.log(`REFUSED ${tokens.error}`);
      return;
    }
    const renewed = { ...stored, access: tokens.access_token, refresh: tokens.refresh_token,
      expires: Date.now() + tokens.expires_in * 1000 };
    const saved = await update({ agentDir, updater: (store) => {
      store.profiles[profileId] = renewed;
      return true;
    } });
    if (!saved) throw new Error("the store was not saved");
    console.log("ROTATED");
  });
  // Somebody else's turn.
  await new Promise((done) => setTimeout(done, 150));
}
process.exit(refused);
