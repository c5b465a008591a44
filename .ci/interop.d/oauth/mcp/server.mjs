// An MCP server made with the official SDK, on loopback: one tool, behind the SDK's own bearer check.
//
//   ISSUER=URL node server.mjs     tokens are looked up at that issuer (introspection, RFC 7662)
//   node server.mjs                the SDK's own authorization routes issue them
//
// Prints `READY {"issuer":…}`, where `issuer` is the address of the MCP endpoint, and ends on SIGTERM.
// Without ISSUER any person agrees at once, and `POST /peer/forget` loses all clients.
import { randomUUID } from 'node:crypto';
import express from 'express';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter, mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { InvalidGrantError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';

const app = express();
const listening = app.listen(0, '127.0.0.1');
await new Promise((listens) => listening.once('listening', listens));
const origin = `http://127.0.0.1:${listening.address().port}`;
const resourceServerUrl = new URL('/mcp', origin);
const scopesSupported = ['tools:list'];

// Tokens of another issuer.
const introspecting = async (issuer) => {
  const oauthMetadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
  const verifyAccessToken = async (token) => {
    const answer = await fetch(oauthMetadata.introspection_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('mcp-server:mcp-server-secret')}` },
      body: new URLSearchParams({ token }),
    });
    const found = await answer.json();
    if (!found.active) throw new InvalidTokenError('no such token');
    const audience = [found.aud].flat().find((name) => name === resourceServerUrl.href);
    return {
      token, clientId: found.client_id, scopes: found.scope?.split(' ') ?? [], expiresAt: found.exp,
      resource: audience && new URL(audience),
    };
  };
  app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl, scopesSupported }));
  return { verifyAccessToken };
};

// Tokens of the SDK's own routes; what is issued is kept here.
const own = () => {
  const clients = new Map(), codes = new Map(), access = new Map(), refresh = new Map();
  const issue = (grant) => {
    const tokens = { access_token: randomUUID(), refresh_token: randomUUID(), token_type: 'bearer', expires_in: 2, scope: grant.scopes.join(' ') };
    access.set(tokens.access_token, { ...grant, expiresAt: Date.now() / 1000 + tokens.expires_in });
    refresh.set(tokens.refresh_token, grant);
    return tokens;
  };
  const taken = (map, key, client, resource) => {
    const grant = map.get(key);
    map.delete(key);
    if (grant?.clientId !== client.client_id || grant.resource?.href !== resource?.href) throw new InvalidGrantError('not yours');
    return grant;
  };
  const provider = {
    clientsStore: { getClient: (id) => clients.get(id), registerClient: (client) => { clients.set(client.client_id, client); return client; } },
    async authorize(client, params, response) {
      const code = randomUUID(), back = new URL(params.redirectUri);
      codes.set(code, { clientId: client.client_id, scopes: params.scopes ?? [], resource: params.resource, challenge: params.codeChallenge });
      back.searchParams.set('code', code);
      back.searchParams.set('state', params.state);
      response.redirect(back.href);
    },
    challengeForAuthorizationCode: async (_, code) => codes.get(code)?.challenge,
    exchangeAuthorizationCode: async (client, code, _, __, resource) => issue(taken(codes, code, client, resource)),
    exchangeRefreshToken: async (client, token, _, resource) => issue(taken(refresh, token, client, resource)),
    async verifyAccessToken(token) {
      const found = access.get(token);
      if (!found) throw new InvalidTokenError('no such token');
      return { token, ...found };
    },
    async revokeToken(_, { token }) { access.delete(token); refresh.delete(token); },
  };
  app.use(mcpAuthRouter({ provider, issuerUrl: new URL(origin), resourceServerUrl, scopesSupported }));
  app.post('/peer/forget', (_, response) => { clients.clear(); response.end(); });
  return provider;
};

const verifier = process.env.ISSUER ? await introspecting(process.env.ISSUER) : own();
const bearer = requireBearerAuth({
  verifier, requiredScopes: scopesSupported, expectedResource: resourceServerUrl,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resourceServerUrl),
});
app.post('/mcp', bearer, express.json(), async (request, response) => {
  const server = new McpServer({ name: 'peer', version: '1.0.0' });
  server.registerTool('whoami', { description: 'the client that calls' }, async () => ({
    content: [{ type: 'text', text: request.auth.clientId }],
  }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  response.on('close', () => { transport.close(); server.close(); });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});

console.log(`READY ${JSON.stringify({ issuer: resourceServerUrl.href, pid: process.pid })}`);
const end = () => { listening.closeAllConnections(); listening.close(() => process.exit(0)); };
process.on('SIGTERM', end);
process.on('SIGINT', end);
