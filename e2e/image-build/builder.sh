# shellcheck shell=bash
# Builds a context with $BUILDER and writes the archive. Each image has a stamp: a hash of all it is made of.

# build_tag TAG CONTEXT [BUILD FLAGS...]
build_tag() {
  local tag="$1" context="$2"
  shift 2
  case "$BUILDER" in
    buildah) buildah --storage-driver overlay bud --isolation chroot --pull-never "$@" -t "$tag" "$context" ;;
    podman) podman build "$@" -t "$tag" "$context" ;;
    docker) docker build -f "$context/Containerfile" "$@" -t "$tag" "$context" ;;
    *) fail "BUILDER=$BUILDER is none of buildah, docker, podman" ;;
  esac
}

has_tag() {
  case "$BUILDER" in
    buildah) buildah --storage-driver overlay inspect --type image "$1" ;;
    *) "$BUILDER" image inspect "$1" ;;
  esac >/dev/null 2>&1
}

# save_tag TAG REFERENCE FILE
save_tag() {
  case "$BUILDER" in
    buildah) buildah --storage-driver overlay push "$1" "docker-archive:$3:$2" ;;
    *) "$BUILDER" tag "$1" "$2" && "$BUILDER" save -o "$3" "$2" ;;
  esac
}

# local_tag NAME STAMP CONTEXT [BUILD FLAGS...]: an image that only other images are built on.
local_tag() {
  local name="$1" stamp="$2" context="$3" tag="localhost/millrace-$1:latest" started="$SECONDS"
  shift 3
  has_tag "$tag" && [[ "$(cat "$IMAGES/$name.$BUILDER.stamp" 2>/dev/null)" == "$stamp" ]] && return
  run_logged "$name" build_tag "$tag" "$context" "$@"
  echo "$stamp" >"$IMAGES/$name.$BUILDER.stamp"
  printf 'image %-10s          %3s s  (a base of the others)\n' "$name" "$((SECONDS - started))"
}

# archive_image NAME REFERENCE PARENT-STAMP [BUILD FLAGS...]
archive_image() {
  local name="$1" reference="$2" stamp archive="$IMAGES/$1.tar" tag="localhost/millrace-$1:latest" started="$SECONDS"
  stamp="$(printf '%s\n' "$BUILDER" "$reference" "$3" "$(tree_hash "$CONTEXTS/$name")" | text_hash)"
  shift 3
  if [[ -s "$archive" && "$(cat "$archive.stamp" 2>/dev/null)" == "$stamp" ]]; then
    return
  fi
  run_logged "$name" build_tag "$tag" "$CONTEXTS/$name" "$@"
  rm -f "$archive.part"
  run_logged "$name" save_tag "$tag" "$reference" "$archive.part"
  mv "$archive.part" "$archive"
  echo "$stamp" >"$archive.stamp"
  report "$name" "$archive" "$started"
}

# The small base of every image: sets BASE_ARGS and BASE_STAMP.
parent_base() {
  BASE_ARGS=()
  BASE_STAMP=public
  [[ "$BUILDER" == buildah ]] || return 0
  rootfs base "$BASE_PACKAGES"
  BASE_STAMP="$(echo "$SUITE $BASE_PACKAGES" | text_hash)"
  context_rootfs base "$CONTEXTS/base"
  local_tag base "$BASE_STAMP" "$CONTEXTS/base"
  BASE_ARGS=(--build-arg BASE=localhost/millrace-base:latest)
}

# The Java runtime on that base: sets JRE_STAMP. The JDK it is linked from is not kept.
parent_jre() {
  local args
  parent_base
  args=("${BASE_ARGS[@]}")
  JRE_STAMP="$(printf '%s\n' "$BASE_STAMP" "$JDK_PACKAGES" "$(tree_hash "$REPO/broker-image/jre")" | text_hash)"
  if [[ "$BUILDER" == buildah ]]; then
    args+=(--build-arg JDK=localhost/millrace-jdk:latest)
    if ! has_tag localhost/millrace-jre:latest || [[ "$(cat "$IMAGES/jre.buildah.stamp" 2>/dev/null)" != "$JRE_STAMP" ]]; then
      rootfs jdk "$JDK_PACKAGES"
      context_rootfs jdk "$CONTEXTS/jdk"
      local_tag jdk "$JRE_STAMP" "$CONTEXTS/jdk"
    fi
  fi
  local_tag jre "$JRE_STAMP" "$REPO/broker-image/jre" "${args[@]}"
}
