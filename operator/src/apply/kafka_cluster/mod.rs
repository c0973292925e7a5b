//! What is done for a KafkaCluster, one small idempotent step each.

mod certificates;
mod children;
mod connection;
mod data;
mod identity;
mod pod;

pub use certificates::{Certificates, certificates};
pub use children::children;
pub use connection::Connections;
pub use data::delete_data;
pub use identity::identity;
pub use pod::replace;
