//! What lag means: pure functions from offsets to records and seconds.
