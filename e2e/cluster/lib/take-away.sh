# shellcheck shell=bash
# The end of a cluster.

# Takes away what there is, be it a running cluster or what a crash left. Order matters: a mount
# cannot go before the processes that use it, nor the state before the mounts.
take_away() {
    rm -f "${RUN}"/*.pid # From here on no process is expected to run.
    wait_until 30 "the cluster's processes are gone" kill_cgroup_processes
    remove_shim_sockets
    unmount_state
    remove_network
    wait_until 30 "the cluster's cgroups are gone" remove_cgroups
    restore_sysctls
    remove_state
}

# containerd's shims listen on sockets outside the state directory; each notes its own.
remove_shim_sockets() {
    local note
    for note in "${STATE}"/nodes/*/containerd-state/io.containerd.runtime.v2.task/k8s.io/*/address; do
        if [[ -e "${note}" ]]; then
            rm -f "$(sed 's|^unix://||' "${note}")"
        fi
    done
}

unmount_state() {
    local mount
    while read -r mount; do
        umount "${mount}" 2>/dev/null || umount --lazy "${mount}"
    done < <(state_mounts | tac)
    # What is deleted next must not be the far side of a mount.
    [[ -z "$(state_mounts)" ]] || fail "still mounted, so nothing is deleted: $(state_mounts | paste -sd ' ')"
}

# Prints the mounts under the state directory, oldest first.
state_mounts() { awk -v prefix="${STATE}/" 'index($5, prefix) == 1 { print $5 }' /proc/self/mountinfo; }

# Removes what the cluster wrote, and leaves other files that someone keeps in the same directories.
remove_state() {
    remove_notes_elsewhere
    rm -rf "${STATE:?}"/{etcd,logs,nodes,pki,run,kubeconfig,sysctls} "${CLAIM}"
    if [[ -d "${STATE}" ]]; then
        rmdir --ignore-fail-on-non-empty "${STATE}"
    fi
}

# A few directories are fixed in the programs: the kubelet's links to logs and its socket for devices,
# and what CNI plugins remember of each pod.
remove_notes_elsewhere() {
    local directory
    if [[ -d /var/log/containers ]]; then
        find /var/log/containers -lname "${STATE}/*" -delete
    fi
    if [[ -d /var/lib/cni/results ]]; then
        grep -rlZF "${STATE}/nodes/" /var/lib/cni/results | xargs -0 -r rm || true
    fi
    if [[ -S /var/lib/kubelet/device-plugins/kubelet.sock && -e "${STATE}/nodes" ]]; then
        rm /var/lib/kubelet/device-plugins/kubelet.sock
    fi
    for directory in /var/log/containers /var/lib/cni/results /var/lib/cni /run/containerd/s /run/containerd \
        /var/lib/kubelet/device-plugins /var/lib/kubelet; do
        if [[ -d "${directory}" ]]; then
            rmdir --ignore-fail-on-non-empty "${directory}"
        fi
    done
}
