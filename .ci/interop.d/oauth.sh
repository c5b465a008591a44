# OAuth and OpenID Connect against issuers that none of us wrote: oidc-provider from npm and
# django-oauth-toolkit from PyPI, each with and without what makes a renewal hard; and MCP servers made
# with the official SDK from npm.

part_setup() {
  need node nodejs
  need npm npm
  need python3 python3
  python3 -c 'import ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv; } >/dev/null
  local here=$root/.ci/interop.d/oauth
  cp -r "$here/." "$work/"

  # Again only when the pins have changed.
  local made
  for made in oidc mcp; do
    if ! cmp -s "$here/$made/package-lock.json" "$work/$made/node_modules/.pins"; then
      (cd "$work/$made" && npm ci --silent --no-audit --no-fund --ignore-scripts)
      cp "$here/$made/package-lock.json" "$work/$made/node_modules/.pins"
    fi
  done
  if ! cmp -s "$here/dot/requirements.txt" "$work/venv/.pins"; then
    python3 -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/dot/requirements.txt"
    cp "$here/dot/requirements.txt" "$work/venv/.pins"
  fi

  # Tokens that live for seconds end by themselves while a test looks on.
  peer OIDC AT_TTL=3 ROTATE=1 DPOP_NONCE=1 node "$work/oidc/provider.mjs"
  peer OIDC_KEPT AT_TTL=3 ROTATE=0 PUSHED=1 DEVICE_PACE=3 node "$work/oidc/provider.mjs"
  peer OIDC_LONG AT_TTL=600 ROTATE=1 DEVICE_TTL=4 node "$work/oidc/provider.mjs"
  toolkit DOT_GRACE_0 AT_TTL=3 RT_GRACE=0
  toolkit DOT_GRACE_30 AT_TTL=3 RT_GRACE=30
  toolkit DOT_LONG AT_TTL=600 RT_GRACE=0
  peer OIDC_MCP AT_TTL=3 ROTATE=1 MCP=1 node "$work/oidc/provider.mjs"
  # shellcheck disable=SC2153
  peer MCP_SERVER ISSUER="$OAUTH_OIDC_MCP_ISSUER" node "$work/mcp/server.mjs"
  peer MCP_OWN node "$work/mcp/server.mjs"
  # They wait, most of the time.
  export OAUTH_BROWSER=$work/headless.mjs RUST_TEST_THREADS=4
}

# NAME WORD…: starts an issuer; OAUTH_NAME_ISSUER is where, OAUTH_NAME_LOG what it was asked for,
# OAUTH_NAME_KEYS the keys of clients that sign.
peer() {
  local name=$1 out=$work/$1.out log=$work/$1.log ready
  shift
  # Before it starts: an earlier run's line would be taken for its own.
  : >"$out"
  : >"$log"
  env TOKEN_LOG="$log" CLIENT_KEYS="$work/$name.keys" "$@" >"$out" 2>"$work/$name.err" &
  pids+=($!)
  ready=$(wait_for_line "$out" '^READY ' 60) || { cat "$work/$name.err" >&2; return 1; }
  export "OAUTH_${name}_ISSUER=$(sed 's/.*"issuer": *"\([^"]*\)".*/\1/' <<<"$ready")"
  export "OAUTH_${name}_LOG=$log" "OAUTH_${name}_KEYS=$work/$name.keys"
}

# NAME WORD…: starts django-oauth-toolkit, on an empty database.
toolkit() {
  rm -rf "$work/$1.db"
  mkdir "$work/$1.db"
  peer "$@" "$work/venv/bin/python" "$work/dot/app.py" "$work/$1.db"
}

part_packages() { echo oauth-provider; }

# Several processes that share a grant: each expiry costs one call.
part_also() {
  cd "$work"
  cargo run --quiet --locked --manifest-path "$root/Cargo.toml" -p examples --bin refresh_storm -- \
    --issuer "$OAUTH_OIDC_ISSUER" --issuer-log "$OAUTH_OIDC_LOG" --browser "node headless.mjs --deliver" \
    --processes 3 --tasks 8 --rotations 3
}
