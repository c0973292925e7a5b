use std::collections::BTreeMap;

use rdkafka::ClientConfig;

use crate::kafka::Credentials;

/// How librdkafka reaches a cluster, as its super user.
pub fn connection_settings(credentials: &Credentials) -> BTreeMap<String, String> {
    let settings = [
        ("bootstrap.servers", credentials.bootstrap_servers.as_str()),
        ("security.protocol", "ssl"),
        ("ssl.ca.pem", &credentials.ca_pem),
        ("ssl.certificate.pem", &credentials.certificate_pem),
        ("ssl.key.pem", &credentials.key_pem),
    ];
    settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Settings of a consumer of committed records that is assigned its partitions, and never joins a group or commits. The library
/// wants a group id all the same: it is the client id, `name`. Sizes, and what to do with an offset that is not there, are for
/// the caller to set.
pub fn consumer_settings(credentials: &Credentials, name: &str) -> ClientConfig {
    let mut settings: ClientConfig = connection_settings(credentials).into_iter().collect();
    settings
        .set("client.id", name)
        .set("group.id", name)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("allow.auto.create.topics", "false")
        .set("isolation.level", "read_committed");
    settings
}
