//! A flight, as the file has it and as the Avro schema `flight.avsc` describes it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde::{Deserialize, Deserializer, Serialize};

/// One line of the file. Times of day are local and written as the number hhmm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flight {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    /// Actual departure; a cancelled flight has none.
    pub dep_time: Option<i32>,
    pub sched_dep_time: i32,
    /// Minutes; negative when early.
    pub dep_delay: Option<i32>,
    pub arr_time: Option<i32>,
    pub sched_arr_time: i32,
    /// Minutes; negative when early.
    pub arr_delay: Option<i32>,
    pub carrier: String,
    pub flight: i32,
    pub tailnum: Option<String>,
    pub origin: String,
    pub dest: String,
    /// Minutes.
    pub air_time: Option<i32>,
    /// Miles.
    pub distance: i32,
    pub hour: i32,
    pub minute: i32,
    /// The hour of the scheduled departure, in milliseconds since 1970, UTC.
    pub time_hour: i64,
}

impl Flight {
    /// Milliseconds since 1970, UTC.
    pub fn scheduled_departure(&self) -> i64 {
        self.time_hour + i64::from(self.minute) * 60_000
    }
}

/// A line of the CSV file, where `NA` stands for what is missing.
#[derive(Deserialize)]
struct Line {
    year: i32,
    month: i32,
    day: i32,
    #[serde(deserialize_with = "missing")]
    dep_time: Option<i32>,
    sched_dep_time: i32,
    #[serde(deserialize_with = "missing")]
    dep_delay: Option<i32>,
    #[serde(deserialize_with = "missing")]
    arr_time: Option<i32>,
    sched_arr_time: i32,
    #[serde(deserialize_with = "missing")]
    arr_delay: Option<i32>,
    carrier: String,
    flight: i32,
    tailnum: String,
    origin: String,
    dest: String,
    #[serde(deserialize_with = "missing")]
    air_time: Option<i32>,
    distance: i32,
    hour: i32,
    minute: i32,
    time_hour: jiff::Timestamp,
}

impl From<Line> for Flight {
    fn from(line: Line) -> Self {
        Self {
            year: line.year,
            month: line.month,
            day: line.day,
            dep_time: line.dep_time,
            sched_dep_time: line.sched_dep_time,
            dep_delay: line.dep_delay,
            arr_time: line.arr_time,
            sched_arr_time: line.sched_arr_time,
            arr_delay: line.arr_delay,
            carrier: line.carrier,
            flight: line.flight,
            tailnum: Some(line.tailnum).filter(|tailnum| tailnum != "NA" && !tailnum.is_empty()),
            origin: line.origin,
            dest: line.dest,
            air_time: line.air_time,
            distance: line.distance,
            hour: line.hour,
            minute: line.minute,
            time_hour: line.time_hour.as_millisecond(),
        }
    }
}

fn missing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "NA" | "" => Ok(None),
        number => number.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// All flights of a CSV file, plain or gzip'ed, in the order of scheduled departure (the file's order among equals).
pub fn read_file(path: &Path) -> Result<Vec<Flight>> {
    let file = File::open(path)
        .with_context(|| format!("cannot open the flights file {}", path.display()))?;
    let mut file = BufReader::new(file);
    let flights = if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        read(GzDecoder::new(file))
    } else {
        read(file)
    };
    flights.with_context(|| format!("{} is not the flights file", path.display()))
}

fn read(csv: impl Read) -> Result<Vec<Flight>> {
    let mut flights = csv::Reader::from_reader(csv)
        .deserialize::<Line>()
        .map(|line| Ok(line?.into()))
        .collect::<Result<Vec<Flight>>>()?;
    flights.sort_by_key(Flight::scheduled_departure);
    Ok(flights)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,1,1,533,529,4,850,830,20,UA,1714,N24211,LGA,IAH,227,1416,5,29,2013-01-01T10:00:00Z
2013,1,1,NA,515,NA,NA,819,NA,UA,1545,NA,EWR,IAH,NA,1400,5,15,2013-01-01T10:00:00Z
";

    #[test]
    fn flights_come_in_the_order_of_scheduled_departure() {
        let flights = read(CSV.as_bytes()).unwrap();
        assert_eq!(
            flights
                .iter()
                .map(|flight| flight.flight)
                .collect::<Vec<_>>(),
            [1545, 1714]
        );
    }

    #[test]
    fn what_is_not_available_is_none() {
        let flights = read(CSV.as_bytes()).unwrap();
        assert_eq!((flights[0].dep_time, &flights[0].tailnum), (None, &None));
        assert_eq!(
            (flights[1].dep_time, flights[1].tailnum.as_deref()),
            (Some(533), Some("N24211"))
        );
        assert_eq!(flights[1].scheduled_departure(), 1_357_036_140_000);
    }
}
