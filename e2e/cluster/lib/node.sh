# shellcheck shell=bash
# A node: containerd, kubelet and kube-proxy in a network namespace of their own.

# start_node NAME: returns when its kubelet has been started; the node is Ready a little later.
start_node() {
    local node="$1" directory
    directory="$(node_directory "${node}")"
    mkdir -p "${directory}"/{cni,kubelet,pod-logs,volume-plugins,volumes}
    render "${node}" containerd.toml "${directory}/containerd.toml"
    render "${node}" cni.conflist "${directory}/cni/millrace.conflist"
    render "${node}" kubelet.yaml "${directory}/kubelet.yaml"
    render "${node}" kube-proxy.yaml "${directory}/kube-proxy.yaml"

    start_in_node "${node}" containerd containerd --config="${directory}/containerd.toml"
    start_in_node "${node}" kube-proxy "${BIN}/kube-proxy" --config="${directory}/kube-proxy.yaml"
    wait_until 30 "containerd of ${node} answers" containerd_ctl "${node}" version
    load_image_into "${node}" "${BIN}/pause.tar"
    load_image_into "${node}" "${BIN}/coredns.tar"
    start_in_node "${node}" kubelet "${BIN}/kubelet" --config="${directory}/kubelet.yaml" \
        --kubeconfig="${PKI}/${node}.kubeconfig" --root-dir="${directory}/kubelet" \
        --cert-dir="${directory}/kubelet/pki" --hostname-override="${node}" --node-ip="$(node_address "${node}")" \
        --node-labels="topology.kubernetes.io/region=local,topology.kubernetes.io/zone=$(node_zone "${node}")"
}

# start_in_node NODE NAME COMMAND...: the process is known as NAME-NODE.
start_in_node() {
    local node="$1" name="$2"
    shift 2
    start "${name}-${node}" nsenter --net="/run/netns/$(node_namespace "${node}")" "$@"
}

# render NODE TEMPLATE FILE: fills in the node's values.
render() {
    sed -e "s|@NODE@|$1|g" -e "s|@DIRECTORY@|$(node_directory "$1")|g" -e "s|@ADDRESS@|$(node_address "$1")|g" \
        -e "s|@POD_CIDR@|$(node_pod_cidr "$1")|g" -e "s|@POD_NETWORK@|${POD_NETWORK}|g" \
        -e "s|@DNS_ADDRESS@|${DNS_ADDRESS}|g" -e "s|@PKI@|${PKI}|g" "${HERE}/config/$2" >"$3"
}

# Prints the zone of node NAME.
node_zone() { echo "${ZONES[$(node_number "$1") - 1]}"; }

# Succeeds where every node is Ready.
nodes_ready() {
    local ready
    ready="$(kubectl get nodes -o json | jq '[.items[].status.conditions[] | select(.type == "Ready" and .status == "True")] | length')"
    [[ "${ready}" -eq ${#NODES[@]} ]]
}
