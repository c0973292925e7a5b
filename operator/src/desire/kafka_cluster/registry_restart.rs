use jiff::{SignedDuration, Timestamp};

/// Life of the registry's token, in seconds. The clients of Kafka 3.9 that Apicurio brings read it once, when they start: they are cut
/// off when it ends, whatever the kubelet has renewed until then.
pub(super) const TOKEN_SECONDS: i64 = 24 * 3600;

/// Annotation of the registry's pod template: when the last pod had started that was replaced before its token ended.
pub const RESTART_ANNOTATION: &str = "millrace.dev/replaces-pod-started-at";

/// What [`RESTART_ANNOTATION`] shall say, None where no pod was ever to be replaced. `held` is what it says now, `started` are the moments at
/// which the registry's pods started.
///
/// A pod is due at three quarters of its token's life. The kubelet renews a token at four fifths, so whenever the process within such a
/// pod started, the token it read is the pod's first one. The annotation takes the pod's own moment and never an earlier one than
/// before: a pod makes the template another one once, and one that goes late makes it none.
pub fn registry_restart(
    held: Option<Timestamp>,
    started: &[Timestamp],
    now: Timestamp,
) -> Option<Timestamp> {
    let replaced_after = SignedDuration::from_secs(TOKEN_SECONDS) / 4 * 3;
    let due = started
        .iter()
        .copied()
        .filter(|started| now.duration_since(*started) >= replaced_after)
        .max();
    due.max(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_pod_is_due_at_three_quarters_of_its_tokens_life() {
        let at = |hours: i32| registry_restart(None, &[start()], start() + HOUR * hours);
        assert_eq!((at(0), at(17)), (None, None));
        assert_eq!(
            (at(18), at(23), at(100)),
            (Some(start()), Some(start()), Some(start()))
        );
        assert_eq!(registry_restart(None, &[], start()), None);
    }

    #[test]
    fn a_clock_that_went_back_makes_no_pod_due() {
        assert_eq!(
            registry_restart(None, &[start()], start() - HOUR * 100),
            None
        );
    }

    /// The pods of a registry that restarts for thirty days, looked at every hour: each is replaced once, and none lives for its token's life.
    #[test]
    fn each_pod_is_replaced_once_and_before_its_token_ends() {
        let (mut held, mut pod, mut restarts) = (None, start(), 0);
        for hour in 0..30 * 24 {
            let now = start() + HOUR * hour;
            assert!(now.duration_since(pod) < SignedDuration::from_secs(TOKEN_SECONDS));
            // The old pod is there until the new one is ready, and for a look longer.
            let wanted = registry_restart(held, &[pod], now);
            if wanted != held {
                restarts += 1;
                let old = pod;
                (held, pod) = (wanted, now);
                assert_eq!(registry_restart(held, &[old, pod], now + HOUR), held);
                assert_eq!(registry_restart(held, &[pod], now + HOUR), held);
            }
        }
        assert_eq!(restarts, 30 * 24 / 18 - 1);
    }

    #[test]
    fn a_pod_that_will_not_go_does_not_replace_those_after_it() {
        let (stuck, next) = (start(), start() + HOUR * 18);
        let now = next + HOUR * 18;
        assert_eq!(
            registry_restart(Some(stuck), &[stuck, next], now),
            Some(next)
        );
        assert_eq!(registry_restart(Some(next), &[stuck], now), Some(next));
    }
}
