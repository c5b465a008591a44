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
  peer OIDC AT_TTL=3 ROTATE=1 node "$work/oidc/provider.mjs"
  peer OIDC_KEPT AT_TTL=3 ROTATE=0 node "$work/oidc/provider.mjs"
  peer OIDC_LONG AT_TTL=600 ROTATE=1 node "$work/oidc/provider.mjs"
  for grace in 0 30; do
    rm -rf "$work/grace-$grace"
    mkdir "$work/grace-$grace"
    peer "DOT_GRACE_$grace" AT_TTL=3 RT_GRACE=$grace \
      "$work/venv/bin/python" "$work/dot/app.py" "$work/grace-$grace"
  done
  peer OIDC_MCP AT_TTL=3 ROTATE=1 MCP=1 node "$work/oidc/provider.mjs"
  # shellcheck disable=SC2153
  peer MCP_SERVER ISSUER="$OAUTH_OIDC_MCP_ISSUER" node "$work/mcp/server.mjs"
  peer MCP_OWN node "$work/mcp/server.mjs"
  export OAUTH_BROWSER=$work/headless.mjs
}

# NAME WORD…: starts an issuer; OAUTH_NAME_ISSUER is where, OAUTH_NAME_LOG what it was asked for.
peer() {
  local name=$1 out=$work/$1.out log=$work/$1.log ready
  shift
  # Before it starts: an earlier run's line would be taken for its own.
  : >"$out"
  : >"$log"
  env TOKEN_LOG="$log" "$@" >"$out" 2>"$work/$name.err" &
  pids+=($!)
  ready=$(wait_for_line "$out" '^READY ' 60) || { cat "$work/$name.err" >&2; return 1; }
  export "OAUTH_${name}_ISSUER=$(sed 's/.*"issuer": *"\([^"]*\)".*/\1/' <<<"$ready")"
  export "OAUTH_${name}_LOG=$log"
}

part_packages() { echo oauth-provider; }
