#!/usr/bin/env bash
# Runs "$@" in a D-Bus session of its own with an unlocked gnome-keyring in it, whose home is $SESSION_HOME.
set -euo pipefail
export HOME=$SESSION_HOME XDG_DATA_HOME=$SESSION_HOME/data XDG_CONFIG_HOME=$SESSION_HOME/config
export XDG_CACHE_HOME=$SESSION_HOME/cache XDG_RUNTIME_DIR=$SESSION_HOME/run
mkdir -p "$XDG_DATA_HOME/keyrings" "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME"
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
unset DISPLAY DBUS_SESSION_BUS_ADDRESS GNOME_KEYRING_CONTROL
# shellcheck disable=SC2016 # for the inner shell
exec dbus-run-session -- bash -euo pipefail -c '
  gnome-keyring-daemon --foreground --unlock --components=secrets \
    --control-directory="$XDG_RUNTIME_DIR/keyring" < <(printf %s "correct horse") >/dev/null 2>&1 &
  keyring=$!
  trap "kill $keyring 2>/dev/null || true" EXIT
  for _ in $(seq 200); do
    owned=$(gdbus call --session -d org.freedesktop.DBus -o /org/freedesktop/DBus \
      -m org.freedesktop.DBus.NameHasOwner org.freedesktop.secrets)
    [[ $owned == *true* ]] && break
    sleep 0.05
  done
  "$@"' session "$@"
