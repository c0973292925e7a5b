use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use super::{Trace, noise::Noise};

const MINUTES: usize = 24 * 60;
/// Records a second that one departure within a minute stands for.
const RECORDS: f64 = 160.0;

/// One day of the flights out of New York in 2013, minute by minute as they left, each standing for so many records of the
/// minute. `path`: flights.csv.gz of nycflights13; `seed`: the day, from 0, the first of July.
///
/// # Errors
/// When the file cannot be read.
pub fn flights(path: &Path, partitions: usize, seed: u64) -> Result<Trace> {
    let minutes = departures(path, 7, 1 + seed)?;
    let scale = partitions as f64 / 24.0;
    let mut noise = Noise::new(seed, 0.0);
    Ok(Trace::new(
        "flights",
        MINUTES * 60,
        partitions,
        vec![],
        |second, _| {
            let flights = minutes[((second - 1) / 60).min(MINUTES - 1)];
            noise.records(second, flights * RECORDS * scale / partitions as f64)
        },
    ))
}

/// How many flights left in each minute of a day.
fn departures(path: &Path, month: u64, day: u64) -> Result<Vec<f64>> {
    let mut text = String::new();
    let file = File::open(path).with_context(|| {
        format!(
            "{}: docs/examples/flights/fetch-data gets it",
            path.display()
        )
    })?;
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .with_context(|| format!("{} is no gzip file", path.display()))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        let found = headers.iter().position(|header| header == name);
        found.with_context(|| format!("{} has no column {name}", path.display()))
    };
    let (months, days, times) = (column("month")?, column("day")?, column("dep_time")?);
    let mut minutes = vec![0.0; MINUTES];
    for record in reader.records() {
        let record = record?;
        let number = |column: usize| {
            record
                .get(column)?
                .parse::<f64>()
                .ok()
                .map(|number| number as u64)
        };
        // A cancelled flight has no departure.
        let (Some(at_month), Some(at_day), Some(time)) =
            (number(months), number(days), number(times))
        else {
            continue;
        };
        if (at_month, at_day) == (month, day) {
            let minute = (time / 100 * 60 + time % 100) as usize % MINUTES;
            minutes[minute] += 1.0;
        }
    }
    Ok(minutes)
}
