# shellcheck shell=bash
# kubectl and helm on the PATH, the user's own first, and KUBECONFIG set to the cluster in use.

: "${E2E:?}"
if ! command -v helm >/dev/null || ! command -v kubectl >/dev/null; then
    PATH="${PATH}:$("${E2E}/cluster/cluster" tools)"
fi
KUBECONFIG="$("${E2E}/kubeconfig")"
export KUBECONFIG
