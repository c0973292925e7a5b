/// What a principal may use of each broker, as Kafka counts it (KIP-546). A part that is absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BrokerQuota {
    /// `producer_byte_rate`: bytes a second written to one broker.
    pub producer_byte_rate: Option<f64>,
    /// `consumer_byte_rate`: bytes a second read from one broker.
    pub consumer_byte_rate: Option<f64>,
    /// `request_percentage`: percent of one of a broker's request threads.
    pub request_percentage: Option<f64>,
}

impl BrokerQuota {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
