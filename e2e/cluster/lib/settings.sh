# shellcheck shell=bash disable=SC2034
# Names, addresses and paths: the values that the other files share.

# Sorting and decimal points must not depend on who runs this.
export LC_ALL=C

readonly NODES=(node1 node2 node3)
readonly ZONES=(zone-a zone-b zone-c)
readonly CONTROL_PLANE=(etcd kube-apiserver kube-controller-manager kube-scheduler volume-provisioner)
readonly NODE_PROCESSES=(containerd kubelet kube-proxy)

readonly BRIDGE=millrace0
readonly HOST_ADDRESS=10.99.0.1
readonly NODE_NETWORK=10.99.0
readonly POD_NETWORK=10.244
readonly SERVICE_CIDR=10.96.0.0/16
readonly API_SERVICE_ADDRESS=10.96.0.1
readonly DNS_ADDRESS=10.96.0.10

readonly STATE="${MILLRACE_STATE:-/var/lib/millrace}"
readonly CACHE="${MILLRACE_CACHE:-${HOME}/.cache/millrace}"
readonly PKI="${STATE}/pki"
readonly LOGS="${STATE}/logs"
readonly RUN="${STATE}/run"
readonly ADMIN_KUBECONFIG="${STATE}/kubeconfig"

# Machine-wide, as the names of bridge, namespaces and cgroups are: which state belongs to the running cluster.
readonly CLAIM=/run/millrace-cluster
readonly LOCK=/run/lock/millrace-cluster

# Prints the number of node NAME, counted from 1: it makes the node's addresses.
node_number() {
    local index
    for index in "${!NODES[@]}"; do
        if [[ "${NODES[index]}" == "$1" ]]; then
            echo $((index + 1))
            return
        fi
    done
    fail "no node '$1'; the nodes are: ${NODES[*]}"
}

# Prints the directory of node NAME.
node_directory() { echo "${STATE}/nodes/$1"; }

# Prints the address of node NAME on the bridge.
node_address() { echo "${NODE_NETWORK}.$((10 + $(node_number "$1")))"; }

# Prints the pod CIDR of node NAME.
node_pod_cidr() { echo "${POD_NETWORK}.$(node_number "$1").0/24"; }

# Prints the network namespace of node NAME.
node_namespace() { echo "millrace-$1"; }
