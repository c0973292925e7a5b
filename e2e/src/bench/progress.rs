use jiff::Timestamp;

/// Tells people what is going on in a part of the bench; standard output is for the figures.
pub fn progress(part: &str, what: &str) {
    eprintln!("[{}] {part}: {what}", Timestamp::now().strftime("%T"));
}
