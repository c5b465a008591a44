// A gateway with `--config`, seen by a person at a browser: entering, signing in at a real issuer, setting
// a key in a real keychain, a key that a real OpenClaw rotates, a revoke, and the end. No secret is on the
// page, in what the network brought, or in what the gateway printed.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launch, until } from './browser.mjs';

const { GATEWAY_BIN, GATEWAY_FOLDER: folder, GATEWAY_ISSUER: issuer, GATEWAY_NODE: node, GATEWAY_OPENCLAW: claw, GATEWAY_WORK: work } = process.env;
const secrets = {
  first: 'sk-canary-claw-1-0123456789abcdef', second: 'sk-canary-claw-2-0123456789abcdef',
  typed: 'sk-canary-typed-0123456789abcdef', file: 'sk-canary-file-0123456789abcdef',
};
const steps = [];
const step = (line) => { steps.push(line); console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`); };
const began = Date.now();

// ---- OpenClaw writes its state folder

const home = join(folder, 'claw');
mkdirSync(join(home, 'home'), { recursive: true });
writeFileSync(join(home, 'openclaw.json'), JSON.stringify({ update: { checkOnStart: false }, gateway: { mode: 'local', port: 1 } }));
const paste = (profile, key) => {
  const words = ['models', 'auth', 'paste-api-key', '--provider', profile.split(':')[0], '--profile-id', profile];
  const ran = spawnSync(node, [join(claw, 'openclaw.mjs'), ...words], {
    input: `${key}\n`, encoding: 'utf8', cwd: home, timeout: 120_000,
    env: { PATH: `${join(node, '..')}:/usr/bin:/bin`, HOME: join(home, 'home'), OPENCLAW_STATE_DIR: join(home, 'state'), OPENCLAW_CONFIG_PATH: join(home, 'openclaw.json'), TMPDIR: join(home, 'home'), NO_COLOR: '1', npm_config_offline: 'true' },
  });
  assert.equal(ran.status, 0, `${ran.stdout}\n${ran.stderr}`);
};
paste('openai:main', secrets.first);
step('OpenClaw wrote its state folder');

// ---- the gateway

const config = join(folder, 'gateway.json5');
const keys = join(folder, 'keys.json');
writeFileSync(keys, JSON.stringify({ keys: { deploy: secrets.file, legacy: `${secrets.file}-legacy` } }), { mode: 0o600 });
const configuration = (more = '') => `{
  // As a person writes it.
  credentialProviders: {
    openclaw: { type: "auth-profiles", displayName: "OpenClaw", access: "read_only", stateFolder: ${JSON.stringify(join(home, 'state'))},
                modelProviders: { openai: { origins: ["https://api.openai.com"] } } },
    acme: { type: "oauth", displayName: "Acme", issuer: ${JSON.stringify(issuer)}, clientId: "pub",
            signIn: ["authorization_code", "device_code"],
            credentials: { calendar: { owner: "gateway", scopes: ["openid", "offline_access"], description: "appointments" },
                           mail: { owner: "gateway", scopes: ["openid", "offline_access", "email"], description: "reading mail" } } },
    keychain: { type: "keychain", displayName: "Keychain", stores: ["secret_service"],
                credentials: { "web-search": { description: "the search tool's key" }, voice: { kind: "token", description: "speech" } } },
    files: { type: "file", path: ${JSON.stringify(keys)} },
  },
  credentialAccess: [ { consumer: "cli:credentials", credential: "*" } ${more}],
  credentialStore: { folder: "grants", keyFile: "grants.key" },
  credentialGateway: { socket: "state/credentials.sock", audit: "audit.jsonl" },
}`;
const missing = spawnSync(GATEWAY_BIN, ['--config', config], { encoding: 'utf8' });
assert.equal(missing.status, 78, 'a configuration that is not there');
assert.match(missing.stdout, /does not exist[\s\S]*credentialProviders/);
writeFileSync(config, configuration());

const gateway = spawn(GATEWAY_BIN, ['--config', 'gateway.json5'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, RUST_LOG: 'trace' } });
const printed = [];
// However this ends, what it started ends too.
process.on('exit', (code) => {
  if (code !== 0) console.log(printed.join('\n'));
  if (gateway.exitCode === null) gateway.kill('SIGKILL');
});
for (const stream of [gateway.stdout, gateway.stderr]) createInterface(stream).on('line', (line) => printed.push(line));
const prints = (pattern) => until(`the gateway prints ${pattern}`, () => printed.findLast((line) => pattern.test(line)));
const link = (await prints(/^page {6}http/)).replace(/^page +/, '');
const { origin, host } = new URL(link);
const socket = join(folder, 'state/credentials.sock');
await until('its socket', () => existsSync(socket));
assert.equal(statSync(socket).mode & 0o777, 0o600);
step('the gateway serves');

// As the command does.
const operate = (operation) => new Promise((done, failed) => {
  const peer = connect(socket, () => peer.write(`${JSON.stringify(operation)}\n`));
  let text = '';
  peer.on('data', (data) => {
    text += data;
    if (text.endsWith('\n')) { peer.end(); done(JSON.parse(text)); }
  });
  peer.on('error', failed);
});
const named = (credential) => ({ credential: { provider: credential.split('/')[0], id: credential.split('/')[1] } });

// ---- a person

const browser = await launch(join(folder, 'browser'));
process.on('exit', () => browser.kill());
const tab = await browser.openTab();
await tab.shoot(1200, 800);
await tab.open(link);
const row = (credential) => `[data-credential=${JSON.stringify(credential)}]`;
const state = (credential) => tab.evaluate(`document.querySelector(${JSON.stringify(row(credential))})?.dataset.state`);
const revision = (credential) => tab.evaluate(`document.querySelector(${JSON.stringify(row(credential))})?.dataset.revision`);
const is = (credential, wanted) => until(`${credential} is ${wanted}`, async () => (await state(credential)) === wanted);
await is('openclaw/openai:main', 'active');
await is('files/deploy', 'active');
await is('acme/mail', 'pending');
await is('keychain/web-search', 'pending');
await prints(/^sign in {3}acme\/mail/);
assert.equal(await tab.evaluate('location.href'), `${origin}/`, 'the token is not in the address');
await until('events flow', () => tab.evaluate(`document.getElementById('live').dataset.is === 'live'`));
const { cookies } = await tab.ask('Network.getCookies', { urls: [origin] });
assert.equal(cookies.length, 1);
assert.deepEqual([cookies[0].httpOnly, cookies[0].sameSite, cookies[0].session], [true, 'Strict', false]);
step('the browser is in and sees states');

const plain = (path, headers = {}, body = undefined) => new Promise((done, failed) => {
  const asked = request(`${origin}${path}`, { method: body ? 'POST' : 'GET', headers }, (answer) => {
    let text = '';
    answer.on('data', (data) => { text += data; });
    answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, text }));
  });
  asked.on('error', failed);
  asked.end(body);
});
const cookie = `${cookies[0].name}=${cookies[0].value}`;
assert.equal((await plain(new URL(link).pathname + new URL(link).search)).status, 401, 'a token is good once');
assert.equal((await plain('/', { host: 'evil.example', cookie })).status, 403, 'a foreign Host');
const csrf = await tab.evaluate('document.querySelector("meta[name=csrf]").content');
const hello = (origin) => plain('/operation', { cookie, origin, 'content-type': 'application/json', 'x-csrf-token': csrf }, '{"op":"hello"}');
assert.equal((await hello(origin)).status, 200);
assert.equal((await hello('http://evil.example')).status, 403, 'a foreign Origin');
// The same from a page on another port of this host: to the browser that is the same site, cookies and all.
const evil = createServer((asked, answer) => {
  answer.setHeader('content-type', 'text/html');
  answer.end(`<script>fetch('${origin}/operation', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"op":"reload"}' }).finally(() => document.title = 'tried')</script>`);
}).listen(0, '127.0.0.1');
await once(evil, 'listening');
const trap = await browser.openTab();
await trap.open(`http://127.0.0.1:${evil.address().port}/`);
await until('the foreign page has tried', () => trap.evaluate(`document.title === 'tried'`));
const judged = await until('its answer', () => trap.statuses.get(`${origin}/operation`));
assert.equal(judged, 403, 'a foreign page in the same browser');
evil.close();
evil.closeAllConnections();
step('what is foreign is refused');

// ---- a sign-in at the issuer

const button = (credential, label) => `${row(credential)} button[data-key^=${JSON.stringify(label)}]`;
await tab.click(button('acme/mail', 'Sign in'));
await tab.click('#open-sign-in');
const login = await browser.newTab();
await login.type('input[name=login]', 'alice');
await login.type('input[name=password]', 'any');
await login.click('button[type=submit]');
await until('consent is asked', () => login.evaluate(`!document.querySelector('input[name=login]') && document.body.innerText.includes('Continue')`));
await login.click('button[type=submit]');
await until('the sign-in is back', () => login.evaluate(`document.body.innerText.includes('You are signed in')`));
await is('acme/mail', 'active');
const left = () => tab.evaluate(`document.querySelector(${JSON.stringify(`${row('acme/mail')} .ends`)}).textContent`);
const early = await until('a countdown', async () => /^\d+ min \d\d s left$/.test(await left()) && left());
await until('it counts', async () => (await left()) !== early);
await until('the dialog is gone', () => tab.evaluate(`!document.getElementById('dialog').open`));
step(`signed in: ${early}`);

// ---- a key, typed, goes into the keychain

await tab.click(button('keychain/web-search', 'Set'));
await tab.type('#dialog input[type=password]', secrets.typed);
await tab.click('#dialog button[type=submit]');
await is('keychain/web-search', 'active');
const kept = execFileSync('secret-tool', ['lookup', 'service', 'credential-provider.keychain', 'account', 'web-search'], { encoding: 'utf8' });
assert.equal(kept.trim(), secrets.typed);
step('a typed key is in the keychain');

// ---- OpenClaw rotates a key

const old = await revision('openclaw/openai:main');
paste('openai:main', secrets.second);
await until('the new revision', async () => (await state('openclaw/openai:main')) === 'active' && (await revision('openclaw/openai:main')) !== old);
const got = await operate({ op: 'get', of: named('openclaw/openai:main'), reveal: 'secret' });
assert.equal(got.done.fields.key.secret, secrets.second);
step('OpenClaw rotated its key, and the gateway follows');

// ---- the configuration, edited wrongly and rightly

writeFileSync(config, '{ credentialProviders: ');
await prints(/is not JSON5 at line 1/);
assert.equal((await operate({ op: 'hello' })).done.process, gateway.pid);
writeFileSync(config, configuration().replace('displayName: "Acme"', 'displayName: "Acme account"'));
await until('the new name', () => tab.evaluate(`document.querySelector('[data-provider=acme] h2').textContent === 'Acme account'`));
await is('acme/mail', 'active');
step('a wrong edit is told, a right one is in force');

// ---- looked at

// A key that is wanted no more: what is served of it ends here.
await operate({ op: 'refresh', of: named('files/legacy') });
await tab.click(button('files/legacy', 'Revoke'));
await tab.click('#dialog button.danger');
await is('files/legacy', 'revoked');
await operate({ op: 'refresh', of: named('files/deploy') });
const picture = async (name, ...how) => writeFileSync(join(work, name), await tab.shoot(...how));
await picture('page.png', 1200, 930);
await picture('page-dark.png', 1200, 930, 'dark');
await picture('page-wide.png', 1400, 900);
await picture('page-narrow.png', 400, 860);
for (const width of [400, 1400]) {
  await tab.shoot(width, 860);
  assert.equal(await tab.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), true, `nothing is cut off at ${width}`);
}
await tab.shoot(1200, 800);

// ---- a revoke, with its confirmation

const token = (await operate({ op: 'get', of: named('acme/mail'), reveal: 'secret' })).done.fields;
secrets.token = Object.values(token)[0].secret;
assert.ok(secrets.token.length > 20);
await tab.click(button('acme/mail', 'Revoke'));
await until('it asks', () => tab.evaluate(`document.getElementById('dialog').open`));
await picture('page-dialog.png', 1200, 800);
assert.equal(await state('acme/mail'), 'active', 'not before it is confirmed');
await tab.click('#dialog button.danger');
await is('acme/mail', 'revoked');
assert.equal((await operate({ op: 'get', of: named('acme/mail'), reveal: 'secret' })).refused.code, 'revoked');
step('revoked');

// ---- another link

gateway.kill('SIGUSR1');
const second = await until('another link', () => printed.filter((line) => /^page {6}http/.test(line)).at(1));
assert.equal((await plain(second.slice(second.indexOf('/?')))).status, 303);

// ---- the end

gateway.kill('SIGTERM');
const [code] = await once(gateway, 'exit');
assert.equal(code, 0, printed.join('\n'));
assert.equal(existsSync(socket), false, 'the socket is gone');
await until('the page knows', () => tab.evaluate(`document.getElementById('live').dataset.is !== 'live'`));
step('ended in good order');

// ---- no secret, anywhere

await Promise.all([tab.settled(), login.settled()]);
const dom = await tab.evaluate('document.documentElement.outerHTML');
const network = [...tab.seen, ...trap.seen].filter(({ url }) => !url.startsWith(issuer)).map(({ text }) => text).join('\n');
const audit = readFileSync(join(folder, 'audit.jsonl'), 'utf8');
assert.match(network, /happened .*"to":"revoked"/, 'events were seen');
assert.match(network, /"is":"status"/, 'answers were seen');
for (const [name, secret] of Object.entries(secrets)) {
  for (const [where, all] of Object.entries({ dom, network, audit, printed: printed.join('\n') })) {
    assert.equal(all.includes(secret), false, `the secret ${name} is in ${where}`);
  }
}
const arguments_ = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout;
for (const secret of Object.values(secrets)) assert.equal(arguments_.includes(secret), false, 'process arguments');
await browser.end();
step('no secret was seen');
