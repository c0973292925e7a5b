# shellcheck shell=bash
# A bridge on the host, and one network namespace for each node. Pods of a node are routed
# through it, so the host and all nodes reach every pod. Nothing leads off the machine.

make_network() {
    local node
    ip link add "${BRIDGE}" type bridge
    ip address add "${HOST_ADDRESS}/24" dev "${BRIDGE}"
    ip link set "${BRIDGE}" up
    for node in "${NODES[@]}"; do
        make_node_network "${node}"
        ip route add "$(node_pod_cidr "${node}")" via "$(node_address "${node}")" dev "${BRIDGE}"
    done
}

# make_node_network NAME: the namespace, its cable to the bridge, and its routes to the other nodes' pods.
make_node_network() {
    local node="$1" namespace cable other
    namespace="$(node_namespace "${node}")"
    cable="$(node_cable "${node}")"
    ip netns add "${namespace}"
    ip link add "${cable}" type veth peer name eth0 netns "${namespace}"
    ip link set "${cable}" master "${BRIDGE}" up
    ip -n "${namespace}" link set lo up
    ip -n "${namespace}" address add "$(node_address "${node}")/24" dev eth0
    ip -n "${namespace}" link set eth0 up
    ip -n "${namespace}" route add default via "${HOST_ADDRESS}"
    for other in "${NODES[@]}"; do
        if [[ "${other}" != "${node}" ]]; then
            ip -n "${namespace}" route add "$(node_pod_cidr "${other}")" via "$(node_address "${other}")"
        fi
    done
    in_node "${node}" sysctl -q net.ipv4.ip_forward=1
}

# Prints the host's end of the cable to node NAME.
node_cable() { echo "${BRIDGE}-$(node_number "$1")"; }

# in_node NAME COMMAND...: runs the command in the node's network. Not with `ip netns exec`: that one
# mounts /sys anew and so hides the cgroups.
in_node() {
    local node="$1"
    shift
    nsenter --net="/run/netns/$(node_namespace "${node}")" "$@"
}

# node_link cut|join NAME
node_link() {
    local verb="${1:-}" node="${2:-}" direction
    case "${verb}" in
    cut) direction=down ;;
    join) direction=up ;;
    *) fail "cluster node cut|join NAME; the nodes are: ${NODES[*]}" ;;
    esac
    require_root
    node_number "${node}" >/dev/null
    ip link set "$(node_cable "${node}")" "${direction}" || fail "${node} has no network; is the cluster up?"
}

remove_network() {
    local namespace
    for namespace in $(ip netns list | awk '$1 ~ /^millrace-/ { print $1 }'); do
        ip netns delete "${namespace}"
    done
    if ip link show "${BRIDGE}" >/dev/null 2>&1; then
        ip link delete "${BRIDGE}"
    fi
    # `ip netns add` mounts the directory of names, and never unmounts it.
    if mountpoint -q /run/netns && [[ -z "$(ls -A /run/netns)" ]]; then
        umount /run/netns
    fi
}
