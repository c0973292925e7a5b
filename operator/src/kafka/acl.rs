/// Who an ACL speaks of, in Kafka's notation: `User:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(String);

const SERVICE_ACCOUNT: &str = "User:system:serviceaccount:";

impl Principal {
    /// The principal of a Kubernetes ServiceAccount: the `sub` claim of its tokens behind `User:`.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self(format!("{SERVICE_ACCOUNT}{namespace}:{name}"))
    }

    /// A principal in Kafka's notation, such as `User:CN=somebody`.
    pub fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether the principal is a ServiceAccount. Millrace keeps the ACLs of these exact, and leaves all others alone.
    pub fn is_service_account(&self) -> bool {
        self.0.starts_with(SERVICE_ACCOUNT)
    }

    /// The namespace of a ServiceAccount; None for any other principal.
    pub fn namespace(&self) -> Option<&str> {
        let (namespace, _) = self.0.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
        Some(namespace)
    }

    /// Kafka's notation.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An operation an ACL allows. Only those Millrace grants or meets; `Other` is Kafka's code of any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AclOperation {
    /// Read records, or read and commit as a group.
    Read,
    /// Write records, or use a transactional id.
    Write,
    /// Make a topic.
    Create,
    /// Delete a topic, or records of it.
    Delete,
    /// See that it exists.
    Describe,
    /// Any other operation, by its code in Kafka's protocol.
    Other(i8),
}

/// What an ACL speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AclResource {
    /// A topic.
    Topic,
    /// A consumer group.
    Group,
    /// A transactional id.
    TransactionalId,
    /// Any other kind of resource, by its code in Kafka's protocol.
    Other(i8),
}

/// How an ACL's name is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AclPattern {
    /// The name itself.
    Literal,
    /// Every name that begins with it.
    Prefixed,
}

/// One ACL that allows something from every host. Denying ACLs are never made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    /// Who is allowed.
    pub principal: Principal,
    /// Kind of the resource.
    pub resource: AclResource,
    /// How `name` is matched.
    pub pattern: AclPattern,
    /// Name of the resource.
    pub name: String,
    /// What is allowed.
    pub operation: AclOperation,
}
