# shellcheck shell=bash
# One certificate authority, a certificate for each component, and their kubeconfigs.
# Who is who in Kubernetes is in the subject: https://kubernetes.io/docs/setup/best-practices/certificates/

make_certificates() {
    mkdir -p "${PKI}"
    chmod 700 "${PKI}"
    make_key_pair ca "/CN=millrace-local" -addext "basicConstraints=critical,CA:TRUE" \
        -addext "keyUsage=critical,keyCertSign,cRLSign"
    openssl genrsa -out "${PKI}/service-accounts.key" 2048 2>/dev/null
    openssl rsa -in "${PKI}/service-accounts.key" -pubout -out "${PKI}/service-accounts.pub" 2>/dev/null

    issue etcd "/CN=etcd" "IP:127.0.0.1"
    issue apiserver "/CN=kube-apiserver" \
        "IP:${HOST_ADDRESS},IP:${API_SERVICE_ADDRESS},DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    issue apiserver-client "/O=system:masters/CN=kube-apiserver"
    issue_user controller-manager "/CN=system:kube-controller-manager"
    issue_user scheduler "/CN=system:kube-scheduler"
    issue_user proxy "/CN=system:kube-proxy"
    issue_user volume-provisioner "/CN=volume-provisioner"
    local node
    for node in "${NODES[@]}"; do
        issue_user "${node}" "/O=system:nodes/CN=system:node:${node}"
    done
    issue admin "/O=system:masters/CN=admin"
    write_kubeconfig admin "${ADMIN_KUBECONFIG}"
}

# make_key_pair NAME SUBJECT OPTION...: writes PKI/NAME.key and PKI/NAME.crt, self-signed unless an option says otherwise.
make_key_pair() {
    local name="$1" subject="$2"
    shift 2
    openssl req -config "${HERE}/config/openssl.cnf" -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 365 \
        -subj "${subject}" -keyout "${PKI}/${name}.key" -out "${PKI}/${name}.crt" "$@" 2>/dev/null ||
        fail "openssl made no certificate for ${name} in ${PKI}"
}

# issue NAME SUBJECT [SUBJECT_ALTERNATIVE_NAMES]: a key pair signed by the authority, for servers and clients alike.
issue() {
    make_key_pair "$1" "$2" -CA "${PKI}/ca.crt" -CAkey "${PKI}/ca.key" \
        -addext "extendedKeyUsage=serverAuth,clientAuth" ${3:+-addext "subjectAltName=$3"}
}

# issue_user NAME SUBJECT: a key pair and the kubeconfig that uses it, PKI/NAME.kubeconfig.
issue_user() {
    issue "$1" "$2"
    write_kubeconfig "$1" "${PKI}/$1.kubeconfig"
}

# write_kubeconfig NAME FILE: whole in itself, readable by its owner only.
write_kubeconfig() {
    (
        umask 077
        cat >"$2" <<YAML
apiVersion: v1
kind: Config
current-context: millrace
contexts:
  - name: millrace
    context: {cluster: millrace, user: $1}
clusters:
  - name: millrace
    cluster:
      server: https://${HOST_ADDRESS}:6443
      certificate-authority-data: $(base64 -w 0 "${PKI}/ca.crt")
users:
  - name: $1
    user:
      client-certificate-data: $(base64 -w 0 "${PKI}/$1.crt")
      client-key-data: $(base64 -w 0 "${PKI}/$1.key")
YAML
    )
}
