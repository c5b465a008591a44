// Records what OpenClaw's own code decides about profiles: which one is next, and what it writes into
// its books after a failure or a success. Prints JSON; the cases are drawn from a fixed seed.
//
//   node record_choices.mjs OPENCLAW_PACKAGE_FOLDER [orders]
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exported as find } from "./bundle.mjs";

const exported = (name) => find(process.argv[2], name);

let state = 59165;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const pick = (list) => list[Math.floor(random() * list.length)];
const maybe = (chance, value) => (random() < chance ? value() : undefined);

const NOW = 1_800_000_000_000;
Date.now = () => NOW;
const near = () => NOW + pick([-90_000_000, -60_000, -1, 0, 1, 20_000, 300_000, 7_200_000]);

function profile(provider) {
  const type = pick(["api_key", "api_key", "token", "oauth"]);
  const common = { type, provider };
  if (type === "api_key") return { ...common, key: maybe(0.8, () => pick(["sk-a", "sk-b", " "])),
    keyRef: maybe(0.3, () => ({ source: "env", provider: "default", id: "A_KEY" })) };
  if (type === "token") return { ...common, token: maybe(0.9, () => "t"),
    expires: maybe(0.6, () => pick([near(), near(), 0, -5])) };
  return { ...common, access: maybe(0.8, () => "a"), refresh: maybe(0.6, () => "r"), expires: near() };
}

function usage() {
  const reasons = ["rate_limit", "auth", "billing", "timeout", "unknown"];
  return {
    lastUsed: maybe(0.7, near),
    cooldownUntil: maybe(0.4, near),
    cooldownReason: maybe(0.4, () => pick(reasons)),
    cooldownModel: maybe(0.3, () => pick(["m1", "m2"])),
    disabledUntil: maybe(0.2, near),
    disabledReason: maybe(0.2, () => pick(["billing", "auth_permanent"])),
    blockedUntil: maybe(0.15, near),
    errorCount: maybe(0.6, () => Math.floor(random() * 5)),
    failureCounts: maybe(0.5, () => ({ [pick(reasons)]: 1 + Math.floor(random() * 12) })),
    lastFailureAt: maybe(0.6, near),
    lastProbeAt: maybe(0.2, near),
  };
}

const clean = (value) => JSON.parse(JSON.stringify(value));

// Later versions keep their books in SQLite, which is not written here.
const keepsBooks = process.argv[3] !== "orders";
const order = await exported("resolveAuthProfileOrder");
const orders = [];
for (let at = 0; at < 150; at++) {
  const ids = ["p:1", "p:2", "p:3", "p:4", "q:1"].filter(() => random() < 0.75);
  const store = clean({
    version: 1,
    profiles: Object.fromEntries(ids.map((id) => [id, profile(pick(["example", "example", " Example", "other"]))])),
    order: maybe(0.35, () => ({ [pick(["example", "Example "])]: ["p:3", "p:1", "gone", "p:1", "p:2"].filter(() => random() < 0.7) })),
    usageStats: Object.fromEntries(ids.filter(() => random() < 0.6).map((id) => [id, usage()])),
  });
  if (store.order && Object.values(store.order)[0].length === 0) delete store.order;
  const config = clean({ auth: {
    profiles: maybe(0.4, () => Object.fromEntries(["p:1", "p:2", "p:4", "x:1"].filter(() => random() < 0.6)
      .map((id) => [id, { provider: pick(["example", "example", "other"]), mode: pick(["api_key", "token", "oauth", "oauth"]) }]))),
    order: maybe(0.25, () => ({ example: ["p:2", "p:4", "p:1"].filter(() => random() < 0.8) })),
  } });
  const pinned = maybe(0.3, () => pick(["p:1", "p:2", "gone"]));
  if (!keepsBooks && at % 5 === 0 && store.profiles["p:1"]) store.profiles["p:1"].setup = { replacement: at % 10 === 0 };
  if (!keepsBooks && at % 7 === 0 && store.profiles["p:2"]?.key) store.profiles["p:2"].key = "openclaw onboard --auth-choice=x";
  if (!keepsBooks && at % 3 === 0 && store.profiles["p:3"]?.type === "oauth")
    Object.assign(store.profiles["p:3"], { access: `openclaw-oauth-refresh-fence:v1:${"a".repeat(32)}:access:${"b".repeat(64)}`,
      refresh: `openclaw-oauth-refresh-fence:v1:${"a".repeat(32)}:refresh:${"b".repeat(64)}`, expires: 1 });
  const given = structuredClone(store);
  orders.push(clean({ store: given, config, provider: pick(["example", "EXAMPLE"]), pinned, now: NOW,
    order: order({ cfg: config, store, provider: "example", preferredProfile: pinned }) }));
}

const failed = keepsBooks && (await exported("markAuthProfileFailure"));
const succeeded = keepsBooks && (await exported("markAuthProfileSuccess"));
const books = [];
for (let at = 0; keepsBooks && at < 150; at++) {
  const folder = mkdtempSync(join(tmpdir(), "record-"));
  const provider = pick(["example", "example", "example", "openrouter"]);
  const store = clean({ version: 1, profiles: { "p:1": { type: "api_key", provider, key: "sk-a" } } });
  const before = clean(usage());
  writeFileSync(join(folder, "auth-profiles.json"), JSON.stringify(store));
  writeFileSync(join(folder, "auth-state.json"), JSON.stringify({ version: 1, usageStats: { "p:1": before } }));
  const reason = pick(["success", "auth", "auth_permanent", "billing", "rate_limit", "rate_limit", "timeout", "unknown"]);
  const model = maybe(0.6, () => pick(["m1", "m2"]));
  const cfg = clean({ auth: { cooldowns: maybe(0.3, () => clean({ billingBackoffHours: maybe(0.5, () => pick([1, 0.001, "x"])),
    billingBackoffHoursByProvider: maybe(0.5, () => ({ Example: 2 })), billingMaxHours: maybe(0.5, () => 3),
    authPermanentBackoffMinutes: maybe(0.5, () => 7), failureWindowHours: maybe(0.5, () => pick([1, 48])) })) } });
  const whole = { ...structuredClone(store), usageStats: { "p:1": structuredClone(before) } };
  if (reason === "success") await succeeded({ store: whole, provider, profileId: "p:1", agentDir: folder });
  else await failed({ store: whole, profileId: "p:1", reason, agentDir: folder, cfg, modelId: model });
  const file = join(folder, "auth-state.json");
  const after = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  books.push(clean({ provider, before, reason, model, config: cfg, now: NOW, after: after.usageStats?.["p:1"] ?? {},
    lastGood: after.lastGood?.[provider] }));
  rmSync(folder, { recursive: true });
}

// The later version's function, without its database. It has no configuration and keeps other fields.
if (!keepsBooks) {
  const next = await exported("computeNextProfileUsageStats");
  for (let at = 0; at < 150; at++) {
    const before = clean({ ...usage(), blockedReason: maybe(0.2, () => "subscription_limit"),
      blockedScope: maybe(0.2, () => "model"), blockedModel: maybe(0.3, () => pick(["m1", "m2"])) });
    const reason = pick(["auth", "auth_permanent", "billing", "rate_limit", "rate_limit", "timeout", "unknown"]);
    const model = maybe(0.6, () => pick(["m1", "m2"]));
    const after = next({ existing: structuredClone(before), now: NOW, reason, modelId: model });
    books.push(clean({ provider: "example", before, reason, model, config: {}, now: NOW, after }));
  }
}

console.log(`{\n"orders": [\n${orders.map((o) => JSON.stringify(o)).join(",\n")}\n],\n"books": [\n${books.map((b) => JSON.stringify(b)).join(",\n")}\n]\n}`);
process.exit(0);
