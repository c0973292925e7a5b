//! [`super::KafkaAdmin`] in memory, for property tests.
/// A fake.
#[derive(Debug)]
pub struct FakeKafka;
