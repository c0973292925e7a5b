# shellcheck shell=bash
# What the reader sees: progress lines, failures, and waiting with a deadline.

fail() {
    echo "cluster: $*" >&2
    exit 1
}

require_root() {
    [[ "${EUID}" -eq 0 ]] ||
        fail "needs root: it makes network namespaces, mounts and cgroups. Run it with sudo, or point KUBECONFIG at a cluster of your own."
}

# step WHAT COMMAND...: runs the command and prints one line with the seconds it took.
step() {
    local what="$1" started="${EPOCHREALTIME}"
    shift
    "$@"
    printf '%-58s %5.1f s\n' "${what}" "$(seconds_since "${started}")"
}

# Prints the seconds since TIME (as EPOCHREALTIME gives it), with one decimal.
seconds_since() {
    local tenths=$(((${EPOCHREALTIME/./} - ${1/./}) / 100000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

# wait_until SECONDS WHAT COMMAND...: polls until the command succeeds. Fails at the deadline, and at
# once where a process of the cluster has ended by itself.
wait_until() {
    local seconds="$1" deadline=$((SECONDS + $1)) what="$2" ended
    shift 2
    until "$@" >/dev/null 2>&1; do
        ended="$(ended_process)"
        [[ -z "${ended}" ]] || fail "${ended} has ended by itself. Its log, ${LOGS}/${ended}.log, ends:
$(tail -n 5 "${LOGS}/${ended}.log")"
        ((SECONDS < deadline)) || fail "waited ${seconds} s until ${what}, in vain. The logs are in ${LOGS}."
        sleep 0.2
    done
}
