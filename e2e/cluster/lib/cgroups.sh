# shellcheck shell=bash
# Everything the cluster starts lives in the cgroup /millrace: its own processes in
# /millrace/system, the pods of a node in /millrace/NODE. What is in there is ours to end.

# Prints the root of each cgroup hierarchy: one on cgroup v2, one for each controller on v1.
cgroup_hierarchies() {
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        echo /sys/fs/cgroup
    else
        find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d
    fi
}

# Prints the root of the hierarchy by which processes are found again.
process_hierarchy() {
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        echo /sys/fs/cgroup
    else
        echo /sys/fs/cgroup/pids
    fi
}

make_cgroups() {
    local hierarchy node
    mkdir -p "$(process_hierarchy)/millrace/system"
    while read -r hierarchy; do
        make_cgroup "${hierarchy}" millrace
        prefer_cgroup "${hierarchy}/millrace"
        for node in "${NODES[@]}"; do
            make_cgroup "${hierarchy}" "millrace/${node}"
        done
    done < <(cgroup_hierarchies)
}

# Lets the cluster go before whatever compiles beside it: brokers that wait too long for a processor lose their quorum.
prefer_cgroup() {
    if [[ -e "$1/cpu.shares" ]]; then
        echo 20480 >"$1/cpu.shares"
    fi
    if [[ -e "$1/cpu.weight" ]]; then
        echo 2000 >"$1/cpu.weight"
    fi
}

# make_cgroup HIERARCHY PATH: PATH's parent exists.
make_cgroup() {
    local group="$1/$2" parent setting
    parent="$(dirname "${group}")"
    mkdir -p "${group}"
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        sed 's/[^ ]*/+&/g' "${parent}/cgroup.controllers" >"${parent}/cgroup.subtree_control"
        return
    fi
    # A cpuset takes no process before it has processors and memory.
    for setting in cpuset.cpus cpuset.mems; do
        if [[ -e "${group}/${setting}" ]]; then
            cat "${parent}/${setting}" >"${group}/${setting}"
        fi
    done
}

enter_process_cgroup() { echo "${BASHPID}" >"$(process_hierarchy)/millrace/system/cgroup.procs"; }

# Prints the pids of all that runs in the cluster's cgroups.
cgroup_processes() {
    local hierarchy
    while read -r hierarchy; do
        if [[ -d "${hierarchy}/millrace" ]]; then
            find "${hierarchy}/millrace" -name cgroup.procs -exec cat {} + 2>/dev/null || true
        fi
    done < <(cgroup_hierarchies) | sort -un
}

# Ends every process in the cluster's cgroups. Fails while some are left.
kill_cgroup_processes() {
    local pids
    mapfile -t pids < <(cgroup_processes)
    [[ ${#pids[@]} -eq 0 ]] || {
        kill -KILL "${pids[@]}" 2>/dev/null || true
        return 1
    }
}

# Removes the cluster's cgroups. Fails while the kernel still holds one.
remove_cgroups() {
    local hierarchy
    while read -r hierarchy; do
        if [[ -d "${hierarchy}/millrace" ]]; then
            find "${hierarchy}/millrace" -depth -type d -exec rmdir {} + 2>/dev/null || return 1
        fi
    done < <(cgroup_hierarchies)
}
