# shellcheck shell=bash
# What the person at the terminal sees, and the hashes that say whether there is something to do.

fail() {
  echo "images: $*" >&2
  exit 1
}

# report NAME FILE SECONDS-AT-START
report() {
  printf 'image %-10s %4s MB  %3s s\n' "$1" "$(($(stat -c %s "$2") / 1000000))" "$((SECONDS - $3))"
}

# run_logged NAME COMMAND...: its output goes to a file, and is shown when the command fails.
run_logged() {
  local log="$IMAGES/$1.log" name="$1"
  shift
  "$@" >"$log" 2>&1 </dev/null || {
    cat "$log" >&2
    fail "$name: the command above failed: $1 (log: $log)"
  }
}

# One hash of the files below a directory: names, modes and contents.
tree_hash() {
  (cd "$1" && find . -type f -printf '%m %p\0' | LC_ALL=C sort -z | while IFS=' ' read -r -d '' mode file; do
    printf '%s %s %s\n' "$mode" "$file" "$(sha256sum <"$file")"
  done) | text_hash
}

text_hash() {
  sha256sum | cut -d' ' -f1
}
