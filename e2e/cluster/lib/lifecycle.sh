# shellcheck shell=bash
# The cluster as a whole: up, down, and whether it runs.

cluster_up() {
    require_root
    install_packages
    build_binaries
    take_lock
    if cluster_running; then
        echo "The cluster is up. Kubeconfig: ${ADMIN_KUBECONFIG}"
        return
    fi
    take_away
    ln -sfn "${STATE}" "${CLAIM}"
    mkdir -p "${LOGS}" "${RUN}"
    raise_sysctls
    step "certificates" make_certificates
    step "networks of ${#NODES[@]} nodes" make_grounds
    step "control plane" bring_up_control_plane
    step "${#NODES[@]} nodes Ready" bring_up_nodes
    step "DNS answers" bring_up_dns
    echo "The cluster is up. Kubeconfig: ${ADMIN_KUBECONFIG}"
}

make_grounds() {
    make_cgroups
    make_network
}

bring_up_control_plane() {
    start_control_plane
    wait_until 120 "the API server is ready" api_server_ready
    apply_manifests
}

bring_up_nodes() {
    on_every_node start_node
    wait_until 120 "all nodes are Ready" nodes_ready
}

bring_up_dns() {
    wait_until 120 "CoreDNS has a pod that is ready" \
        kubectl -n kube-system wait deployment/coredns --for=condition=Available --timeout=1s
    wait_until 60 "CoreDNS answers on ${DNS_ADDRESS}" dns_answers
}

# Asks the cluster's DNS for the API server's Service, from a node, as a pod would.
dns_answers() {
    echo "nameserver ${DNS_ADDRESS}" >"${RUN}/resolv.conf"
    # shellcheck disable=SC2016
    in_node "${NODES[0]}" unshare --mount sh -c \
        'mount --bind "$1" /etc/resolv.conf && getent hosts kubernetes.default.svc.cluster.local' sh "${RUN}/resolv.conf"
}

cluster_down() {
    require_root
    take_lock
    step "cluster taken away" take_away
}

# Holds the machine's one cluster for this process, and refuses to touch one whose state is elsewhere.
take_lock() {
    exec {LOCK_FD}>"${LOCK}"
    flock "${LOCK_FD}"
    local owner
    owner="$(readlink "${CLAIM}" || true)"
    [[ -z "${owner}" || "${owner}" == "${STATE}" ]] ||
        fail "another cluster runs on this machine. Take it away first: MILLRACE_STATE=${owner} ${HERE}/cluster down"
}

# Succeeds where every process of the cluster runs and the API server is ready.
cluster_running() {
    local name
    while read -r name; do
        running_pid "${name}" >/dev/null || return 1
    done < <(component_names)
    api_server_ready >/dev/null 2>&1
}

# Prints the names of the cluster's processes.
component_names() {
    local node process
    printf '%s\n' "${CONTROL_PLANE[@]}"
    for node in "${NODES[@]}"; do
        for process in "${NODE_PROCESSES[@]}"; do
            echo "${process}-${node}"
        done
    done
}
