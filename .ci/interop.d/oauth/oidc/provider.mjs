// The certified OpenID Provider of npm on loopback, with clients and accounts for the tests.
//
//   PORT=0 AT_TTL=3 ROTATE=1 TOKEN_LOG=FILE node provider.mjs
//
// Prints `READY {"issuer":…}` when it takes connections, and ends on SIGTERM. Any login name is an
// account. `POST /peer/withdraw?account=NAME` ends that account's grants, as a person does on an
// account page, without the client's knowledge.
//
//   ANSWER_AFTER=300    holds each renewed token back for so many milliseconds after it counts
//   CLIENT_KEYS=FOLDER  where the private keys of clients that sign are left
//   DEVICE_PACE=3       how many seconds a device must wait between two questions, though it is told 1
//   DEVICE_TTL=2        how long a device's code is good
//   DPOP_NONCE=1        each proof needs a nonce
//   MCP=1               clients register themselves, and tokens are bound to resources
//   PUSHED=1            takes authorization requests only when they were pushed
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { clientKeys } from './client-keys.mjs';
import { clientsWith } from './clients.mjs';
import { devicePace } from './device-pace.mjs';
import { tokenLog } from './token-log.mjs';

const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const is = (name) => process.env[name] === '1';
const server = createServer();
await new Promise((listens) => server.listen(number('PORT', 0), '127.0.0.1', listens));
const issuer = `http://127.0.0.1:${server.address().port}`;

const key = (type, how, more) =>
  ({ ...generateKeyPairSync(type, how).privateKey.export({ format: 'jwk' }), use: 'sig', ...more });

const provider = new Provider(issuer, {
  clients: clientsWith(clientKeys(process.env.CLIENT_KEYS ?? mkdtempSync(`${tmpdir()}/client-keys-`))),
  jwks: { keys: [
    key('rsa', { modulusLength: 2048 }, { kid: 'rsa', alg: 'RS256' }),
    key('ec', { namedCurve: 'P-256' }, { kid: 'ec', alg: 'ES256' }),
  ] },
  cookies: { keys: ['of no worth'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
  scopes: ['openid', 'offline_access', 'email', 'profile', 'api:read', 'api:write'],
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.test`, email_verified: true, name: id, preferred_username: id }),
  }),
  pkce: { required: () => true },
  // Not only for prompt=consent with offline_access.
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: process.env.ROTATE !== '0',
  ttl: {
    AccessToken: number('AT_TTL', 5), IdToken: number('ID_TTL', 300), AuthorizationCode: 30,
    RefreshToken: number('RT_TTL', 3600), ClientCredentials: number('AT_TTL', 5), DeviceCode: number('DEVICE_TTL', 60), Grant: 86400, Session: 86400, Interaction: 600,
  },
  features: {
    revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
    // An MCP server asks about everybody's tokens.
    introspection: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId || client.clientId === 'mcp-server' },
    rpInitiatedLogout: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true, mask: '****-****' },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: is('PUSHED') },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => is('DPOP_NONCE') },
    ...(is('MCP') && {
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true, useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({ scope: 'tools:list', audience: resource, accessTokenFormat: 'opaque', accessTokenTTL: number('AT_TTL', 5) }),
      },
    }),
  },
});

const log = tokenLog(provider, process.env.TOKEN_LOG);
provider.use(log.middleware);
provider.use(devicePace(1, number('DEVICE_PACE', 0)));
provider.on('server_error', (_, error) => console.error(error.stack));

const answer = provider.callback();
server.on('request', async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (request.method !== 'POST' || pathname !== '/peer/withdraw') return answer(request, response);
  const ended = await log.withdraw(searchParams.get('account'));
  return response.end(`${ended}\n`);
});
console.log(`READY ${JSON.stringify({ issuer, pid: process.pid })}`);

const end = () => { server.closeAllConnections(); server.close(() => process.exit(0)); };
process.on('SIGTERM', end);
process.on('SIGINT', end);
