# shellcheck shell=bash
# Long-running processes. A process is known by its pid and its start time, so that a pid
# used again by something else is never taken for ours.

# Prints the start time of PID in clock ticks since boot; fails where there is no such process.
process_start_time() {
    local stat
    { stat="$(<"/proc/$1/stat")"; } 2>/dev/null || return 1
    # The command's name, in brackets, may hold spaces; the start time is field 22 of the line, 20 after it.
    local fields
    read -r -a fields <<<"${stat##*) }"
    [[ "${fields[0]}" != Z ]] && echo "${fields[19]}"
}

# start NAME COMMAND...: runs the command in the background with a clean environment, in the
# cgroup of the cluster's own processes, its output in LOGS/NAME.log.
start() {
    local name="$1" pid
    shift
    (
        enter_process_cgroup
        ulimit -n "$(ulimit -Hn)"
        exec {LOCK_FD}>&-
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="${STATE}" \
            setsid "$@" </dev/null >>"${LOGS}/${name}.log" 2>&1
    ) &
    pid=$!
    echo "${pid} $(process_start_time "${pid}")" >"${RUN}/${name}.pid"
}

# Prints the pid of NAME where it runs; fails where it does not.
running_pid() {
    local pid started
    { read -r pid started <"${RUN}/$1.pid"; } 2>/dev/null || return 1
    [[ -n "${started}" && "$(process_start_time "${pid}")" == "${started}" ]] && echo "${pid}"
}

# Prints the name of a process that was started and no longer runs; nothing where all do.
ended_process() {
    local file name
    for file in "${RUN}"/*.pid; do
        name="$(basename "${file}" .pid)"
        if [[ -e "${file}" ]] && ! running_pid "${name}" >/dev/null; then
            echo "${name}"
            return
        fi
    done
}
