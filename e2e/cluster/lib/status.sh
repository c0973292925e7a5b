# shellcheck shell=bash
# What runs, in a table. Fails where a component is down.

cluster_status() {
    local name pid result=0
    printf '%-26s %-8s %s\n' COMPONENT PID STATE
    while read -r name; do
        if pid="$(running_pid "${name}")"; then
            printf '%-26s %-8s up\n' "${name}" "${pid}"
        else
            printf '%-26s %-8s down\n' "${name}" -
            result=1
        fi
    done < <(component_names)
    if api_server_ready >/dev/null 2>&1; then
        echo
        kubectl get nodes --label-columns=topology.kubernetes.io/zone
    fi
    echo
    echo "kubeconfig: ${ADMIN_KUBECONFIG}"
    return "${result}"
}
