use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// What the command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing to do, or nothing wrong: exit code 0.
    Nothing,
    /// It could not be told for everything: exit code 1.
    Trouble,
    /// Changes, or errors: exit code 2.
    Something,
}

/// What the command says, and what that means.
pub(super) struct Report {
    pub(super) text: String,
    pub(super) found: Found,
}

impl Report {
    pub(super) fn print(self) -> ExitCode {
        // Whoever closed the pipe has read enough.
        match io::stdout().write_all(self.text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Problem::new(format!("the result cannot be written: {error}")).print()
            }
            _ => ExitCode::from(match self.found {
                Found::Nothing => 0,
                Found::Trouble => 1,
                Found::Something => 2,
            }),
        }
    }
}

/// Why the command could not run: what happened, and what to do.
#[derive(Debug)]
pub(super) struct Problem(String);

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(super) fn print(self) -> ExitCode {
        // There is nobody left to tell if this fails.
        let _ = writeln!(io::stderr(), "error: {self}");
        ExitCode::from(1)
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// `1 error`, `2 errors`.
pub(super) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
