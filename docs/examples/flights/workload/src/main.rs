//! flights
fn main() {}
