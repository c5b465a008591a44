# The keychain against software from elsewhere: gnome-keyring in D-Bus sessions of the tests' own,
# libsecret's secret-tool on the other side, and the kernel's key retention service. The tests start
# what they need, each its own, and end it by its id.

part_setup() {
  need dbus-daemon dbus
  need dbus-monitor dbus-bin
  need gdbus libglib2.0-bin
  need gnome-keyring-daemon gnome-keyring
  need secret-tool libsecret-tools
  need keyctl keyutils
  need setpriv util-linux
}

part_packages() {
  echo keychain-provider
  echo examples --test gateway_keychain
}
