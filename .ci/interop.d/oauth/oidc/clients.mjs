// The clients of the tests. A native client's loopback redirect is good on any port (RFC 8252 §7.3).
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const common = {
  application_type: 'native',
  redirect_uris: ['127.0.0.1', 'localhost', '[::1]'].map((host) => `http://${host}/callback`),
  post_logout_redirect_uris: ['http://127.0.0.1/bye'],
  grant_types: ['authorization_code', 'refresh_token', DEVICE],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};
const signs = (key) => ({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } });
// Nobody signs in with these.
const alone = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };

export const clientsWith = (keys) => [
  { client_id: 'pub' },
  { client_id: 'pub-par', require_pushed_authorization_requests: true },
  { client_id: 'pub-dpop', dpop_bound_access_tokens: true },
  { client_id: 'conf', client_secret: 'conf-secret', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'conf-post', client_secret: 'conf-post-secret', token_endpoint_auth_method: 'client_secret_post' },
  // Letters that must be form-encoded before they go into the header (RFC 6749 §2.3.1).
  { client_id: 'odd:client', client_secret: 'a+b%2Fc:d e&f', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'mcp-server', client_secret: 'mcp-server-secret', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'signs-rsa', ...signs(keys.rsa) },
  { client_id: 'signs-ec', ...signs(keys.ec) },
  { client_id: 'robot', client_secret: 'robot-secret', token_endpoint_auth_method: 'client_secret_basic', ...alone },
  { client_id: 'robot-signs', ...signs(keys.ec), ...alone },
  { client_id: 'robot-dpop', dpop_bound_access_tokens: true, ...signs(keys.ec), ...alone },
].map((client) => ({ ...common, ...client }));
