use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(super) String);

        impl $name {
            /// The name as Kafka or the registry knows it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}
names! {
    /// Name of a topic that its resource may use.
    TopicName,
    /// Beginning of topic names, all of which its resource may use.
    TopicPrefix,
    /// Group id that its resource may use.
    GroupId,
    /// Subject that its resource may use.
    Subject,
}

#[cfg(test)]
impl GroupId {
    /// An id nobody has checked.
    pub(crate) fn for_test(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
impl TopicName {
    /// A name nobody has checked.
    pub(crate) fn for_test(text: &str) -> Self {
        Self(text.to_owned())
    }
}
