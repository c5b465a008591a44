// The clients of the tests. A native client's loopback redirect is good on any port (RFC 8252 §7.3).
const common = {
  application_type: 'native',
  redirect_uris: ['127.0.0.1', 'localhost', '[::1]'].map((host) => `http://${host}/callback`),
  post_logout_redirect_uris: ['http://127.0.0.1/bye'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
};

export const clients = [
  { client_id: 'pub', token_endpoint_auth_method: 'none' },
  { client_id: 'conf', client_secret: 'conf-secret', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'conf-post', client_secret: 'conf-post-secret', token_endpoint_auth_method: 'client_secret_post' },
  // Letters that must be form-encoded before they go into the header (RFC 6749 §2.3.1).
  { client_id: 'odd:client', client_secret: 'a+b%2Fc:d e&f', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'mcp-server', client_secret: 'mcp-server-secret', token_endpoint_auth_method: 'client_secret_basic' },
].map((client) => ({ ...common, ...client }));
