use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
};

/// What was applied last, by kind, namespace and name, as a hash: so that making true what is true costs no request.
#[derive(Debug, Default)]
pub struct Applied(Mutex<HashMap<(String, String, String), u64>>);

impl Applied {
    /// Whether `text` is what was applied last.
    pub fn is_last(&self, kind: &str, namespace: &str, name: &str, text: &str) -> bool {
        self.lock().get(&key(kind, namespace, name)) == Some(&hash(text))
    }

    /// Remembers that `text` was applied.
    pub fn remember(&self, kind: &str, namespace: &str, name: &str, text: &str) {
        self.lock().insert(key(kind, namespace, name), hash(text));
    }

    /// Forgets an object that somebody changed or deleted, so that it is applied again.
    pub fn forget(&self, kind: &str, namespace: &str, name: &str) {
        self.lock().remove(&key(kind, namespace, name));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String, String), u64>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn key(kind: &str, namespace: &str, name: &str) -> (String, String, String) {
    (kind.to_owned(), namespace.to_owned(), name.to_owned())
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
