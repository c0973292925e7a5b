# shellcheck shell=bash
# Builds Kubernetes, etcd, CoreDNS, kubectl and helm from their Go modules, all in one module so
# that they share compiled packages. The result is cached under a hash of everything that goes in.

# Prints the version of a Go module in build/go.mod.
module_version() { awk -v module="$1" '$1 == module { print $2; exit }' "${HERE}/build/go.mod"; }

# Prints the flags that tell the programs their versions.
linker_flags() {
    local kubernetes major minor
    kubernetes="$(module_version k8s.io/kubernetes)"
    IFS=. read -r major minor _ <<<"${kubernetes#v}"
    echo "-s -w" \
        "-X k8s.io/component-base/version.gitVersion=${kubernetes}" \
        "-X k8s.io/component-base/version.gitMajor=${major}" \
        "-X k8s.io/component-base/version.gitMinor=${minor}" \
        "-X helm.sh/helm/v3/internal/version.version=$(module_version helm.sh/helm/v3)"
}

# Prints a hash of the sources and the flags.
build_hash() {
    {
        find "${HERE}/build" -type f | sort | xargs cat
        cat "${HERE}/lib/build.sh"
    } | sha256sum | cut -c 1-12
}

BIN="${CACHE}/bin-$(build_hash)"
readonly BIN

build_binaries() {
    [[ -d "${BIN}" ]] || step "Kubernetes and its tools built from source" build_under_lock
}

# Two builds at once would only slow each other down.
build_under_lock() {
    mkdir -p "${CACHE}"
    (
        flock 8
        [[ -d "${BIN}" ]] || build_all
    ) 8>"${CACHE}/build.lock"
}

build_all() {
    command -v go >/dev/null || fail "no 'go' on the PATH; install Go 1.25 or newer."
    local work log="${CACHE}/build.log"
    work="$(mktemp -d "${CACHE}/building.XXXXXX")"
    echo "Building Kubernetes from source: 5 to 10 minutes on two cores, once. Output: ${log}"
    if ! { build_go "${work}" && build_images "${work}"; } >"${log}" 2>&1; then
        rm -rf "${work}"
        tail -n 15 "${log}" >&2
        fail "the build failed; the whole output is in ${log}."
    fi
    chmod 755 "${work}"
    mv "${work}" "${BIN}"
}

# Without debugging information, which is stripped in the end, a cold build takes a tenth less.
build_go() {
    CGO_ENABLED=0 GOFLAGS="" go -C "${HERE}/build" build -trimpath -buildvcs=false -gcflags=all=-dwarf=0 -ldflags "$(linker_flags)" \
        -o "$1/" tool ./coredns ./volume-provisioner &&
        mv "$1/server" "$1/etcd"
}

# Makes the images of the two programs that run in pods.
build_images() {
    local work="$1" kubernetes
    kubernetes="$(go -C "${HERE}/build" list -m -f '{{.Dir}}' k8s.io/kubernetes)" &&
        gcc -Os -Wall -static -DVERSION=3.10 -o "${work}/pause" "${kubernetes}/build/pause/linux/pause.c" &&
        build_scratch_image "${work}" pause &&
        build_scratch_image "${work}" coredns
}

# build_scratch_image DIRECTORY PROGRAM: writes DIRECTORY/PROGRAM.tar, the image localhost/PROGRAM:local
# that holds DIRECTORY/PROGRAM and nothing else.
build_scratch_image() {
    local layout="$1/layout-$2" program="$2"
    umoci init --layout "${layout}" &&
        umoci new --image "${layout}:local" &&
        umoci insert --rootless --image "${layout}:local" "$1/${program}" "/${program}" &&
        umoci config --image "${layout}:local" --config.entrypoint "/${program}" --config.user 65535:65535 &&
        skopeo copy -q "oci:${layout}:local" "docker-archive:$1/${program}.tar:localhost/${program}:local" &&
        rm -r "${layout}"
}
