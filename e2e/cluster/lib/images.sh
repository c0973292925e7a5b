# shellcheck shell=bash
# Images come from archives, never from a registry.

# containerd_ctl NODE ARGUMENT...: ctr, among the images and containers that the kubelet sees.
containerd_ctl() {
    local node="$1"
    shift
    ctr --address "$(node_directory "${node}")/containerd.sock" --namespace k8s.io "$@"
}

# load_images ARCHIVE...: gives each archive's images to every node, all nodes at a time.
load_images() {
    local archive
    [[ $# -gt 0 ]] || fail "cluster load-image ARCHIVE...: no archive given"
    require_root
    cluster_running || fail "the cluster is not up; run: ${HERE}/cluster up"
    for archive in "$@"; do
        [[ -r "${archive}" ]] || fail "no archive ${archive}"
        step "image $(archive_names "${archive}" | paste -sd ' ') on ${#NODES[@]} nodes" on_every_node load_image_into "${archive}"
    done
}

# on_every_node COMMAND ARGUMENT...: runs COMMAND NODE ARGUMENT... for all nodes at a time; fails where one fails.
on_every_node() {
    local command="$1" node pid pids=()
    shift
    for node in "${NODES[@]}"; do
        "${command}" "${node}" "$@" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "${pid}" || fail "${command} failed on a node; see above, and ${LOGS}/*.log"
    done
}

# load_image_into NODE ARCHIVE: does nothing where the node has the archive's images, the same to the byte.
load_image_into() {
    local node="$1" archive="$2"
    if ! has_images "${node}" "${archive}"; then
        containerd_ctl "${node}" images import "${archive}" >/dev/null
    fi
}

has_images() {
    local node="$1" archive="$2" config name
    config="$(archive_config "${archive}")"
    while read -r name; do
        [[ -n "${config}" && "$(image_config "${node}" "${name}")" == "${config}" ]] || return 1
    done < <(archive_names "${archive}")
}

# Prints the names under which the images of ARCHIVE are known. A docker archive has a manifest.json;
# an OCI archive an index.json with annotations.
archive_names() {
    archive_json "$1" manifest.json '.[].RepoTags[]' ||
        archive_json "$1" index.json '.manifests[].annotations["org.opencontainers.image.ref.name"]' ||
        fail "$1 is neither a docker archive nor an OCI archive with names"
}

# Prints the digest of the configuration of ARCHIVE's image, which is the image's identity.
archive_config() {
    if archive_json "$1" manifest.json '.[0].Config | sub("^blobs/sha256/"; "") | sub("[.]json$"; "") | "sha256:" + .'; then
        return
    fi
    local manifest
    manifest="$(archive_json "$1" index.json '.manifests[0].digest')"
    archive_json "$1" "blobs/${manifest/://}" .config.digest
}

# archive_json ARCHIVE MEMBER FILTER: fails where the archive has no such member.
archive_json() { tar -xOf "$1" --occurrence=1 "$2" 2>/dev/null | jq -er "$3"; }

# Prints the digest of the configuration of the image NAME on NODE; nothing where there is none.
image_config() {
    local manifest
    manifest="$(containerd_ctl "$1" images list "name==$2" | awk 'NR == 2 { print $3 }')"
    [[ -z "${manifest}" ]] || containerd_ctl "$1" content get "${manifest}" | jq -r .config.digest
}
