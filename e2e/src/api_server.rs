//! What the API server itself counts.

use std::collections::BTreeMap;

use anyhow::Result;
use kube::Client;

use crate::metrics::{Labels, Metrics};

const REQUESTS: &str = "apiserver_request_total";
const REJECTED: &str = "apiserver_flowcontrol_rejected_requests_total";
/// What it calls requests that only read.
const READS: [&str; 5] = ["GET", "LIST", "WATCH", "WATCHLIST", "CONNECT"];

/// Counters of the API server that answers. Where several do, each counts its own requests alone.
#[derive(Clone, Debug)]
pub struct Counters(Metrics);

/// The counters now.
///
/// # Errors
/// When `/metrics` may not be read.
pub async fn counters(client: &Client) -> Result<Counters> {
    let request = http::Request::get("/metrics").body(Vec::new())?;
    let text = client.request_text(request).await?;
    Ok(Counters(Metrics::parse(&text, &[REQUESTS, REJECTED])))
}

impl Counters {
    /// Writes it answered, well or not: those to Millrace's resources, and to events through `events.k8s.io`, as the operator writes
    /// them. By resource, such as `topics/status`.
    pub fn writes(&self) -> BTreeMap<String, f64> {
        self.0.by(REQUESTS, |labels| {
            let label = |name: &str| labels.get(name).map_or("", String::as_str);
            let group = ["millrace.dev", "events.k8s.io"].contains(&label("group"));
            (group && !READS.contains(&label("verb"))).then(|| resource(labels))
        })
    }

    /// Requests it refused with 429 for want of seats at a priority level.
    pub fn refused_for_priority(&self, level: &str) -> f64 {
        self.0.sum(REJECTED, |labels| {
            labels.get("priority_level").map(String::as_str) == Some(level)
        })
    }

    /// Writes to the status of Topics that it answered with `code`, such as `500`.
    pub fn topic_status_writes(&self, code: &str) -> f64 {
        self.0.sum(REQUESTS, |labels| {
            let label = |name: &str| labels.get(name).map_or("", String::as_str);
            label("group") == "millrace.dev"
                && resource(labels) == "topics/status"
                && !READS.contains(&label("verb"))
                && label("code") == code
        })
    }
}

fn resource(labels: &Labels) -> String {
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    match label("subresource") {
        "" => label("resource").to_owned(),
        subresource => format!("{}/{subresource}", label("resource")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, Metrics};

    const TEXT: &str = r#"
apiserver_request_total{code="200",component="apiserver",dry_run="",group="millrace.dev",resource="topics",scope="resource",subresource="status",verb="APPLY",version="v1alpha1"} 7
apiserver_request_total{code="500",component="apiserver",dry_run="",group="millrace.dev",resource="topics",scope="resource",subresource="status",verb="APPLY",version="v1alpha1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="millrace.dev",resource="topics",scope="cluster",subresource="",verb="WATCH",version="v1alpha1"} 9
apiserver_request_total{code="201",component="apiserver",dry_run="",group="events.k8s.io",resource="events",scope="resource",subresource="",verb="POST",version="v1"} 4
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 90
apiserver_flowcontrol_rejected_requests_total{flow_schema="e2e",priority_level="e2e",reason="concurrency-limit"} 31
"#;

    #[test]
    fn writes_are_those_to_own_resources_and_events() {
        let counters = Counters(Metrics::parse(TEXT, &["apiserver_"]));
        assert_eq!(
            counters.writes(),
            [("events".into(), 4.0), ("topics/status".into(), 9.0)].into()
        );
        assert_eq!(counters.topic_status_writes("500"), 2.0);
        assert_eq!(counters.refused_for_priority("e2e"), 31.0);
        assert_eq!(counters.refused_for_priority("other"), 0.0);
    }
}
