use cronexpr::{Crontab, parse_crontab};
use jiff::Timestamp;
use millrace_crds::{Autoscaling, Schedule};

use super::Rejection;
use crate::status::reasons;

/// Whether all schedules are ones.
///
/// # Errors
/// A [`Rejection`] that names the first expression that is none.
pub(super) fn schedules(autoscaling: &Autoscaling) -> Result<(), Rejection> {
    for (at, schedule) in autoscaling.schedules.iter().enumerate() {
        for (field, expression) in [("start", &schedule.start), ("end", &schedule.end)] {
            crontab(expression, schedule).map_err(|error| {
                Rejection::no(
                    reasons::INVALID_SPEC,
                    format!(
                        "autoscaling.schedules[{at}].{field} `{expression}` in time zone `{}`: {error}; write five fields such as `30 7 * * MON-FRI`, and a zone such as `Europe/Berlin`",
                        schedule.time_zone
                    ),
                )
            })?;
        }
    }
    Ok(())
}

/// The most replicas that a schedule asks for at a time; 0 outside of all.
pub fn scheduled(autoscaling: &Autoscaling, now: Timestamp) -> i32 {
    let holding = autoscaling
        .schedules
        .iter()
        .filter(|schedule| holds(schedule, now));
    holding
        .map(|schedule| schedule.min_replicas)
        .max()
        .unwrap_or(0)
}

/// From start to end: the next end comes before the next start.
fn holds(schedule: &Schedule, now: Timestamp) -> bool {
    let next = |expression: &str| {
        let next = crontab(expression, schedule).ok()?.find_next(now).ok()?;
        Some(next.timestamp())
    };
    match (next(&schedule.start), next(&schedule.end)) {
        (Some(start), Some(end)) => end < start,
        _ => false,
    }
}

fn crontab(expression: &str, schedule: &Schedule) -> Result<Crontab, String> {
    if expression.split_whitespace().count() != 5 {
        return Err("it has not five fields".to_owned());
    }
    parse_crontab(&format!("{expression} {}", schedule.time_zone))
        .map_err(|error| what_is_wrong(&error))
}

/// The library draws the expression with a mark below what it complains of, and says what on the last line.
fn what_is_wrong(error: &cronexpr::Error) -> String {
    let drawn = error.to_string();
    let last = drawn.lines().last().unwrap_or_default();
    last.trim_start_matches([' ', '^']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn autoscaling(schedules: serde_json::Value) -> Autoscaling {
        serde_json::from_value(serde_json::json!({ "schedules": schedules })).unwrap()
    }

    fn at(autoscaling: &Autoscaling, time: &str) -> i32 {
        scheduled(autoscaling, time.parse().unwrap())
    }

    #[test]
    fn it_holds_from_its_start_to_its_end_in_its_time_zone() {
        let autoscaling = autoscaling(serde_json::json!([
            { "start": "30 7 * * MON-FRI", "end": "0 10 * * MON-FRI", "timeZone": "Europe/Berlin", "minReplicas": 6 },
            { "start": "0 8 * * *", "end": "0 9 * * *", "minReplicas": 2 },
        ]));
        assert_eq!(at(&autoscaling, "2026-11-27T06:29:59Z"), 0);
        assert_eq!(at(&autoscaling, "2026-11-27T06:30:00Z"), 6);
        assert_eq!(
            at(&autoscaling, "2026-11-27T08:59:00Z"),
            6,
            "the highest counts"
        );
        assert_eq!(at(&autoscaling, "2026-11-27T09:00:00Z"), 0);
        assert_eq!(at(&autoscaling, "2026-11-28T07:00:00Z"), 0, "a Saturday");
        assert_eq!(at(&autoscaling, "2026-11-28T08:30:00Z"), 2);
    }

    #[test]
    fn what_is_no_expression_is_named() {
        for (start, zone) in [
            ("30 7 * *", "UTC"),
            ("30 25 * * *", "UTC"),
            ("30 7 * * *", "Berlin"),
        ] {
            let autoscaling = autoscaling(
                serde_json::json!([{ "start": start, "end": "0 9 * * *", "timeZone": zone, "minReplicas": 2 }]),
            );
            let message = schedules(&autoscaling).unwrap_err().message;
            assert!(
                message.starts_with(&format!("autoscaling.schedules[0].start `{start}`")),
                "{message}"
            );
        }
    }
}
