//! The last screen of the demo.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use serde_json::Value;

use super::{Seen, show, sparkline};
use crate::flights::Sample;

const WIDTH: u16 = 110;
const CURVE: usize = 90;

/// The screen as text.
pub fn draw(seen: &Seen) -> String {
    [
        section(
            "Topics: where the replicas lie, the leader's zone first",
            topics(seen),
        ),
        section(
            "Access: what Kafka allows, and nothing else",
            access(&seen.acls),
        ),
        section(
            "Lag, while the consumer's replicas follow it",
            lag(&seen.samples),
        ),
        section("Dead letters", letters(seen)),
        section("The schema change that was refused", seen.refusal.clone()),
        section("Every flight accounted for", account(seen)),
    ]
    .concat()
}

fn section(title: &str, body: String) -> String {
    format!("\n{title}\n{body}\n")
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header);
    table
}

fn topics(seen: &Seen) -> String {
    // zone-a, zone-b, zone-c read as a, b, c where that says the same.
    let zone = |id: i64| {
        let rack = seen
            .racks
            .iter()
            .find(|(broker, _)| *broker == id)
            .map_or("?", |(_, rack)| rack.as_str());
        rack.rsplit('-').next().unwrap_or(rack).to_owned()
    };
    let mut table = table(&["topic", "partition: zones of its replicas"]);
    for topic in &seen.topics {
        let partitions: Vec<String> = array(&topic["partitions"])
            .map(|partition| {
                let zones: Vec<String> = array(&partition["replicas"])
                    .filter_map(Value::as_i64)
                    .map(zone)
                    .collect();
                format!("{}:{}", partition["partition"], zones.join(""))
            })
            .collect();
        table.add_row([text(&topic["topic"]), partitions.join("  ")]);
    }
    table.to_string()
}

/// One row for each principal and resource, with all that is allowed there. Only ServiceAccounts: the super users have no ACLs.
fn access(acls: &[Value]) -> String {
    let mut rows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for acl in acls {
        let principal = text(&acl["principal"]);
        let Some(account) = principal.strip_prefix("User:system:serviceaccount:") else {
            continue;
        };
        let pattern = if text(&acl["pattern"]).eq_ignore_ascii_case("prefixed") {
            "*"
        } else {
            ""
        };
        let resource = format!(
            "{} {}{pattern}",
            kind(&text(&acl["resource"])),
            text(&acl["name"])
        );
        rows.entry((account.replacen(':', "/", 1), resource))
            .or_default()
            .push(text(&acl["operation"]));
    }
    let mut table = table(&["ServiceAccount", "on", "may"]);
    for ((account, resource), mut operations) in rows {
        operations.sort();
        table.add_row([account, resource, operations.join(", ")]);
    }
    table.to_string()
}

/// `TransactionalId` as `transactional id`.
fn kind(resource: &str) -> String {
    let mut words = String::new();
    for letter in resource.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn lag(samples: &[Sample]) -> String {
    let lags: Vec<i64> = samples.iter().map(|sample| sample.lag).collect();
    let replicas: Vec<i64> = samples
        .iter()
        .map(|sample| sample.replicas.into())
        .collect();
    let most = lags.iter().copied().max().unwrap_or_default();
    let seconds = samples.last().map_or(0, |sample| sample.at.as_secs());
    format!(
        "  lag       {}  at most {}\n  replicas  {}  in {seconds} s",
        sparkline::bars(&sparkline::columns(&lags, CURVE)),
        show::number(most),
        sparkline::digits(&sparkline::columns(&replicas, CURVE)),
    )
}

fn letters(seen: &Seen) -> String {
    let mut table = table(&["reason", "from", "letters"]);
    for letter in &seen.letters {
        table.add_row([
            letter.reason.clone(),
            letter.source.clone(),
            show::number(letter.count),
        ]);
    }
    table.to_string()
}

fn account(seen: &Seen) -> String {
    let line = |what: &str, n: i64| format!("  {what:<44} {:>9}", show::number(n));
    [
        line("flights in the file", seen.file.scheduled),
        line("departures in Kafka", seen.departures),
        line("dead letters in Kafka", seen.dead),
        line(
            "flights without a departure time in the file",
            seen.file.cancelled,
        ),
        line(
            "flights not accounted for",
            seen.file.scheduled - seen.departures - seen.dead,
        ),
    ]
    .join("\n")
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
