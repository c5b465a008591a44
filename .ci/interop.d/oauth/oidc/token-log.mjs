// One JSON line a token request, written before its answer leaves: what a client does is counted
// where it arrives. Tokens appear as fingerprints.
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';

const fingerprint = (token) => token && createHash('sha256').update(token).digest('hex').slice(0, 12);

export const tokenLog = (provider, file) => {
  // Of a refresh token that is gone the issuer no longer knows whose it was.
  const owners = new Map();
  const grants = new Map();

  const middleware = async (ctx, next) => {
    await next();
    const { route, params, client, entities } = ctx.oidc ?? {};
    if (route !== 'token') return;
    const sent = fingerprint(params?.refresh_token), issued = fingerprint(ctx.body?.refresh_token);
    const account = entities?.Account?.accountId ?? owners.get(sent);
    if (issued) owners.set(issued, account);
    const grant = entities?.Grant?.jti;
    if (account && grant) grants.set(account, (grants.get(account) ?? new Set()).add(grant));
    if (file) appendFileSync(file, `${JSON.stringify({
      at: Date.now(), grant_type: params?.grant_type, client: client?.clientId, account,
      status: ctx.status, error: ctx.body?.error, sent, issued, device: fingerprint(params?.device_code),
      rotated: ctx.status === 200 && sent !== undefined && issued !== undefined && sent !== issued,
    })}\n`);
    // So that a client can be killed between sending and saving.
    if (sent) await new Promise((later) => { setTimeout(later, Number(process.env.ANSWER_AFTER ?? 0)); });
  };

  const withdraw = async (account) => {
    const ended = grants.get(account) ?? new Set();
    for (const id of ended) {
      for (const kind of [provider.RefreshToken, provider.AccessToken]) await kind.revokeByGrantId(id);
      await (await provider.Grant.find(id))?.destroy();
    }
    grants.delete(account);
    return ended.size;
  };

  return { middleware, withdraw };
};
