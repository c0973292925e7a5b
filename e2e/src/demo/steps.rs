use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::show;
use crate::flights::Sample;

/// Between two lines about the stream where the output is no terminal.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Progress as a person wants to see it: a spinner while a step runs, a line with its seconds when it is done.
/// Where the output is no terminal there are the lines alone.
pub struct Steps {
    is_terminal: bool,
}

impl Steps {
    pub fn new() -> Self {
        Self {
            is_terminal: console_is_terminal(),
        }
    }

    /// Runs one step.
    pub async fn run<T>(&self, what: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let spinner = self.spinner(what);
        let result = step.await;
        spinner.finish_and_clear();
        let result = result.with_context(|| what.to_owned())?;
        done(what, started);
        Ok(result)
    }

    /// Runs the step that streams `total` flights, with what it sees shown as it goes.
    pub async fn stream<T, F>(
        &self,
        total: i64,
        step: impl FnOnce(Box<dyn FnMut(&Sample)>) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let what = format!("{} flights streamed", show::number(total));
        let started = Instant::now();
        let spinner = self.spinner(&what);
        let (shown, is_terminal, last) = (
            spinner.clone(),
            self.is_terminal,
            Cell::new(None::<Duration>),
        );
        let see = move |sample: &Sample| {
            let line = show::sample(sample);
            shown.set_message(line.clone());
            if !is_terminal
                && last
                    .get()
                    .is_none_or(|last| sample.at - last >= REPORT_EVERY)
            {
                last.set(Some(sample.at));
                println!("  {line}");
            }
        };
        let result = step(Box::new(see)).await;
        spinner.finish_and_clear();
        let result = result.with_context(|| what.clone())?;
        done(&what, started);
        Ok(result)
    }

    fn spinner(&self, what: &str) -> ProgressBar {
        if !self.is_terminal {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let spinner = ProgressBar::new_spinner()
            .with_style(style)
            .with_message(what.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        spinner
    }
}

fn console_is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

fn done(what: &str, started: Instant) {
    println!("{what:<58} {:>5.1} s", started.elapsed().as_secs_f64());
}
