# shellcheck shell=bash
# The Debian packages that packages.txt lists.

install_packages() {
    local wanted missing
    mapfile -t wanted < <(sed 's/#.*//' "${HERE}/packages.txt" | awk 'NF { print $1 }')
    mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort) <(installed_packages "${wanted[@]}" | sort))
    [[ ${#missing[@]} -eq 0 ]] || step "Debian packages: ${#missing[@]} installed" apt_install "${missing[@]}"
}

# Prints those of the packages that are installed.
installed_packages() {
    dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^ii  //p' || true
}

apt_install() {
    command -v apt-get >/dev/null ||
        fail "this machine has no apt-get; install these by hand, under your system's names: $*"
    local log="${CACHE}/apt.log"
    mkdir -p "${CACHE}"
    if ! {
        apt-get update &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
    } >"${log}" 2>&1; then
        tail -n 5 "${log}" >&2
        fail "apt-get could not install: $*. The whole output is in ${log}."
    fi
}
