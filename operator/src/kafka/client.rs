//! [`super::KafkaAdmin`] over the krafka library.
/// A client.
#[derive(Debug)]
pub struct KrafkaAdmin;
