# shellcheck shell=bash disable=SC2034
# Root file systems of Debian 13 made on this machine, so that building needs no image registry.

readonly SUITE=trixie
readonly BASE_PACKAGES=base-files,bash,ca-certificates,coreutils,dash,libc6,libssl3t64,libstdc++6,zlib1g
readonly JDK_PACKAGES=base-files,bash,coreutils,dash,openjdk-21-jdk-headless

# rootfs NAME PACKAGES: leaves the file $IMAGES/NAME-rootfs.tar, once for each list of packages.
rootfs() {
  local name="$1" packages="$2" tar="$IMAGES/$1-rootfs.tar" started="$SECONDS"
  [[ -s "$tar" && "$(cat "$tar.packages" 2>/dev/null)" == "$packages" ]] && return
  # Packages are unpacked and not configured: this joins the certificates as ca-certificates would.
  # shellcheck disable=SC2016
  run_logged "$name" mmdebstrap --mode=root --variant=extract --format=tar --include="$packages" \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/lib/*/gconv/*' \
    --extract-hook='mkdir -p "$1/etc/ssl/certs"; cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1/etc/ssl/certs/ca-certificates.crt" 2>/dev/null || true' \
    "$SUITE" "$tar.part"
  mv "$tar.part" "$tar"
  printf '%s' "$packages" >"$tar.packages"
  report "$name" "$tar" "$started"
}
