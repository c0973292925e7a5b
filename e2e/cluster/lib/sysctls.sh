# shellcheck shell=bash
# Settings of the whole machine: what the kubelets write, and what three nodes on one machine need more of.
# They are noted before and set back after.

readonly SYSCTLS=(
    fs.inotify.max_user_instances fs.inotify.max_user_watches
    kernel.keys.root_maxbytes kernel.keys.root_maxkeys kernel.panic kernel.panic_on_oops
    vm.overcommit_memory vm.panic_on_oom
)

raise_sysctls() {
    local name
    for name in "${SYSCTLS[@]}"; do
        echo "${name}=$(sysctl -n "${name}")"
    done >"${STATE}/sysctls"
    sysctl -q fs.inotify.max_user_instances=8192 fs.inotify.max_user_watches=524288
}

restore_sysctls() {
    [[ ! -s "${STATE}/sysctls" ]] || sysctl -q -p "${STATE}/sysctls"
}
