# The store on the kernel's own ground: a disk that is really full or read-only, a lock taken by
# another program, a process in another pid namespace, as in another container.

part_setup() {
  need unshare util-linux
  need flock util-linux
  export CREDENTIAL_STORE_SMALL_DISK=$work/small
  mkdir -p "$CREDENTIAL_STORE_SMALL_DISK"
  if ! mount -t tmpfs -o size=256k,mode=700 none "$CREDENTIAL_STORE_SMALL_DISK"; then
    echo "interop store: mounting a small file system needs root" >&2
    return 1
  fi
  mounted+=("$CREDENTIAL_STORE_SMALL_DISK")
}

part_packages() { echo credential-store; }
