# shellcheck shell=bash
# One function for each image: lays out what its Containerfile copies. A context is made anew each time, so that a file
# removed from the repository is gone from the image too; downloads and compiled programs come from their own caches.

fresh_context() {
  rm -rf "$1"
  mkdir -p "$1"
}

context_rootfs() {
  fresh_context "$2"
  ln "$IMAGES/$1-rootfs.tar" "$2/rootfs.tar"
  printf 'FROM scratch\nADD rootfs.tar /\n' >"$2/Containerfile"
}

# maven_files POM GOAL: a directory with what the pom's dependency plugin fetches, once for each text of the pom.
maven_files() {
  local dir
  dir="$IMAGES/maven/$(text_hash <"$1")"
  if [[ ! -d "$dir" ]]; then
    rm -rf "$dir.part" "$dir.part.markers"
    run_logged maven mvn -q -B -f "$1" "dependency:$2" -DoutputDirectory="$dir.part"
    mv "$dir.part" "$dir"
    rm -rf "$dir.part.markers"
  fi
  echo "$dir"
}

# release_binary BINARY DIRECTORY: the whole workspace is compiled, as the Makefile does, so that each dependency is compiled once.
release_binary() {
  run_logged cargo cargo build --workspace --locked --release --manifest-path "$REPO/Cargo.toml"
  cp "${CARGO_TARGET_DIR:-$REPO/target}/release/$1" "$2/"
}

context_broker() {
  local jars
  jars="$(maven_files "$REPO/broker-image/pom.xml" copy-dependencies)"
  fresh_context "$1"
  cp -r "$jars" "$1/jars"
  cp "$REPO"/broker-image/{Containerfile,entrypoint,train-cds,log4j2.properties} "$1/"
}

context_registry() {
  local app
  app="$(maven_files "$REPO/broker-image/registry/pom.xml" unpack-dependencies)"
  fresh_context "$1"
  cp -r "$app" "$1/app"
  cp "$REPO"/broker-image/registry/{Containerfile,entrypoint,train-cds,application.properties} "$1/"
}

context_operator() {
  fresh_context "$1"
  release_binary millrace-operator "$1"
  cp "$REPO/operator/Containerfile" "$1/"
}

context_flights() {
  fresh_context "$1"
  release_binary flights "$1"
  "$REPO/docs/examples/flights/fetch-data" "$IMAGES/flights-data"
  cp "$IMAGES/flights-data/flights.csv.gz" "$REPO/docs/examples/flights/Containerfile" "$1/"
}

context_probe() {
  local streams
  streams="$(maven_files "$REPO/e2e/probe/streams/pom.xml" copy-dependencies)"
  fresh_context "$1"
  release_binary probe "$1"
  cp -r "$streams" "$1/streams"
  cp "$REPO/e2e/probe/Containerfile" "$1/"
}
