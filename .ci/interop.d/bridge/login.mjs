// Signs in at an issuer as a person would, for a client without a secret, and prints the tokens.
//
//   node login.mjs ISSUER CLIENT HEADLESS
//
// HEADLESS is a browser without a browser: it prints where the issuer redirects to.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";

const [issuer, client, headless] = process.argv.slice(2);
const meta = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const verifier = randomBytes(32).toString("base64url");
const redirect = "http://127.0.0.1:1/callback";
const address = new URL(meta.authorization_endpoint);
address.search = new URLSearchParams({
  client_id: client, response_type: "code", redirect_uri: redirect, scope: "openid offline_access", prompt: "consent",
  code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
});
const printed = execFileSync(process.execPath, [headless, address.href], { encoding: "utf8" });
const code = new URL(printed.match(/http:\/\/127\.0\.0\.1:1\/callback\S*/)[0]).searchParams.get("code");
const body = new URLSearchParams({ grant_type: "authorization_code", client_id: client, code, redirect_uri: redirect, code_verifier: verifier });
const answer = await fetch(meta.token_endpoint, { method: "POST", body });
if (!answer.ok) throw new Error(`no tokens: ${answer.status}`);
console.log(JSON.stringify({ ...(await answer.json()), token_endpoint: meta.token_endpoint }));
