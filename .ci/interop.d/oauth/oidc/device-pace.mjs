// How often a device may ask (RFC 8628 §3.2, §3.5), which oidc-provider leaves to whoever sets it up:
// every `said` seconds is what a device is told; one that asks sooner than after `wanted` is told to
// slow down, by 5 s each time, and is held to that.
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

export const devicePace = (said, wanted) => {
  const asked = new Map();
  return async (ctx, next) => {
    await next();
    const { route, params } = ctx.oidc ?? {};
    if (route === 'device_authorization' && ctx.status === 200) ctx.body = { ...ctx.body, interval: said };
    if (route !== 'token' || params?.grant_type !== DEVICE) return;
    const now = Date.now(), { at, slower } = asked.get(params.device_code) ?? { at: 0, slower: 0 };
    const early = now - at < (slower ? said + 5 * slower : wanted) * 1000;
    const slowed = early && ctx.body?.error === 'authorization_pending';
    if (slowed) ctx.body = { error: 'slow_down', error_description: 'asked too soon' };
    asked.set(params.device_code, { at: now, slower: slower + (slowed ? 1 : 0) });
  };
};
