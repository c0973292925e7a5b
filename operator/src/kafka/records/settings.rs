use rdkafka::ClientConfig;

use crate::kafka::Credentials;

/// Settings of a consumer of committed records that is assigned its partitions, and never joins a group or commits. The library
/// wants a group id all the same: it is the client id, `name`. Sizes, and what to do with an offset that is not there, are for
/// the caller to set.
pub fn consumer_settings(credentials: &Credentials, name: &str) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", &credentials.bootstrap_servers)
        .set("security.protocol", "ssl")
        .set("ssl.ca.pem", &credentials.ca_pem)
        .set("ssl.certificate.pem", &credentials.certificate_pem)
        .set("ssl.key.pem", &credentials.key_pem)
        .set("client.id", name)
        .set("group.id", name)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("allow.auto.create.topics", "false")
        .set("isolation.level", "read_committed");
    settings
}
