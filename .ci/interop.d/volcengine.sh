# Volcengine's own clients against the emulator, so that both are not tested against one misreading of
# the wire; and the emulator with users whom a real OpenID Provider has signed in.

part_setup() {
  need node nodejs
  need npm npm
  need python3 python3
  python3 -c 'import ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv; } >/dev/null
  local here=$root/.ci/interop.d/volcengine oauth=$root/.ci/interop.d/oauth
  # Again only when the pins have changed.
  if ! cmp -s "$here/requirements.txt" "$work/venv/.pins"; then
    python3 -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$work/venv/.pins"
  fi
  cp -r "$oauth/." "$work/"
  cp -r "$here/node" "$work/"
  local folder
  for folder in oidc node; do
    if ! cmp -s "$work/$folder/package-lock.json" "$work/$folder/node_modules/.pins"; then
      (cd "$work/$folder" && npm ci --silent --no-audit --no-fund --ignore-scripts)
      cp "$work/$folder/package-lock.json" "$work/$folder/node_modules/.pins"
    fi
  done

  # Before it starts: an earlier run's line would be taken for its own.
  local out=$work/oidc.out ready
  : >"$out"
  TOKEN_LOG=$work/oidc.log CLIENT_KEYS=$work/keys AT_TTL=600 node "$work/oidc/provider.mjs" >"$out" 2>"$work/oidc.err" &
  pids+=($!)
  ready=$(wait_for_line "$out" '^READY ' 60) || { cat "$work/oidc.err" >&2; return 1; }
  export VOLCENGINE_OIDC_ISSUER OAUTH_BROWSER=$work/headless.mjs
  VOLCENGINE_OIDC_ISSUER=$(sed 's/.*"issuer": *"\([^"]*\)".*/\1/' <<<"$ready")
  export VOLCENGINE_PYTHON=$work/venv/bin/python
  export VOLCENGINE_PYTHON_CLIENT=$here/official_client.py
  export VOLCENGINE_NODE_CLIENT=$work/node/official_client.mjs
}

part_packages() { echo "volcengine-provider --features emulator"; }
