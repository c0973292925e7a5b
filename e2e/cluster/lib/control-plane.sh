# shellcheck shell=bash
# etcd, the API server, the controller manager, the scheduler and the volumes' provisioner, on the host.

readonly ETCD_CLIENT=https://127.0.0.1:22379
readonly ETCD_PEER=https://127.0.0.1:22380

# Starts all of them at once: each tries again until the one it needs is there.
start_control_plane() {
    start_etcd
    start_apiserver
    start_controller_manager
    start_scheduler
    start volume-provisioner "${BIN}/volume-provisioner" "${PKI}/volume-provisioner.kubeconfig" "${STATE}/nodes"
}

start_etcd() {
    local tls=(--{,peer-}cert-file="${PKI}/etcd.crt" --{,peer-}key-file="${PKI}/etcd.key"
        --{,peer-}trusted-ca-file="${PKI}/ca.crt" --{,peer-}client-cert-auth)
    # Without fsync: what a power cut would lose here is a test's.
    start etcd "${BIN}/etcd" --name=etcd --data-dir="${STATE}/etcd" --unsafe-no-fsync "${tls[@]}" \
        --listen-client-urls="${ETCD_CLIENT}" --advertise-client-urls="${ETCD_CLIENT}" \
        --listen-peer-urls="${ETCD_PEER}" --initial-advertise-peer-urls="${ETCD_PEER}" \
        --initial-cluster="etcd=${ETCD_PEER}"
}

start_apiserver() {
    # Webhooks are called on their pods' addresses (aggregator routing): the host has no route to a service's.
    # Pods leave a lost node after 30 s, not 5 min, so that tests of an outage stay short.
    start kube-apiserver "${BIN}/kube-apiserver" \
        --bind-address="${HOST_ADDRESS}" --advertise-address="${HOST_ADDRESS}" --secure-port=6443 \
        --etcd-servers="${ETCD_CLIENT}" --etcd-cafile="${PKI}/ca.crt" \
        --etcd-certfile="${PKI}/etcd.crt" --etcd-keyfile="${PKI}/etcd.key" \
        --tls-cert-file="${PKI}/apiserver.crt" --tls-private-key-file="${PKI}/apiserver.key" \
        --client-ca-file="${PKI}/ca.crt" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="${PKI}/service-accounts.pub" \
        --service-account-signing-key-file="${PKI}/service-accounts.key" \
        --service-cluster-ip-range="${SERVICE_CIDR}" --enable-aggregator-routing=true --allow-privileged=true \
        --kubelet-client-certificate="${PKI}/apiserver-client.crt" --kubelet-client-key="${PKI}/apiserver-client.key" \
        --kubelet-preferred-address-types=InternalIP \
        --default-not-ready-toleration-seconds=30 --default-unreachable-toleration-seconds=30
}

start_controller_manager() {
    start kube-controller-manager "${BIN}/kube-controller-manager" --bind-address=127.0.0.1 \
        --kubeconfig="${PKI}/controller-manager.kubeconfig" --use-service-account-credentials --leader-elect=false \
        --service-account-private-key-file="${PKI}/service-accounts.key" --root-ca-file="${PKI}/ca.crt" \
        --cluster-signing-cert-file="${PKI}/ca.crt" --cluster-signing-key-file="${PKI}/ca.key" \
        --flex-volume-plugin-dir="${STATE}/nodes" --node-monitor-grace-period=20s
}

start_scheduler() {
    start kube-scheduler "${BIN}/kube-scheduler" --bind-address=127.0.0.1 \
        --kubeconfig="${PKI}/scheduler.kubeconfig" --leader-elect=false
}

# kubectl as the cluster's administrator.
kubectl() { "${BIN}/kubectl" --kubeconfig "${ADMIN_KUBECONFIG}" "$@"; }

api_server_ready() { kubectl get --raw /readyz --request-timeout=5s; }

apply_manifests() {
    kubectl apply -f "${HERE}/manifests" >/dev/null
}
