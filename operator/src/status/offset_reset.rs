use millrace_crds::{OffsetResetPhase as Phase, OffsetResetStatus};

use super::{Draft, reasons};

const KIND: &str = "OffsetsReset";

/// The condition `OffsetsReset`: whether the last reset that was asked for is done.
pub fn offset_reset(record: &OffsetResetStatus) -> Draft {
    let message = format!("reset `{}`: {}", record.id, record.message);
    match record.phase {
        Phase::Completed => Draft::yes(KIND, reasons::RESET, message),
        Phase::Planned => Draft::no(KIND, reasons::DRY_RUN, message),
        Phase::Failed => Draft::no(KIND, reasons::RESET_FAILED, message),
        Phase::Waiting => Draft::no(KIND, reasons::GROUP_NOT_EMPTY, message),
        Phase::Stopping | Phase::Committing | Phase::Starting | Phase::Abandoning => {
            Draft::no(KIND, reasons::PROGRESSING, message)
        }
    }
}
