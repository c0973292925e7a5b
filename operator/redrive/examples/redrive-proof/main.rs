//! Proves on a real Kafka what a Redrive promises: `redrive-proof killed|copy|paced|cases --bootstrap HOST:PORT`.
//!
//! Each proof makes topics of its own, says what it saw, and exits with 1 where a promise is not kept.

mod bare;
mod broker;
mod cases;
mod copy;
mod engine;
mod killed;
mod letters;
mod paced;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    proof: Proof,
}

#[derive(Subcommand)]
enum Proof {
    /// How fast an unthrottled run is beside a bare transactional copy loop, and how much memory it takes.
    Copy(copy::Copy),
    /// A run that is killed again and again brings each letter home exactly once.
    Killed(killed::Killed),
    /// A limit of letters in a second is kept.
    Paced(paced::Paced),
    /// What becomes of letters of each kind.
    Cases(cases::Cases),
    /// Runs the engine in this process, for the other proofs.
    #[command(hide = true)]
    Engine(engine::Engine),
    /// Runs the bare loop in this process, for the other proofs.
    #[command(hide = true)]
    Bare(bare::Bare),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().proof {
        Proof::Copy(copy) => copy.prove(),
        Proof::Killed(killed) => killed.prove(),
        Proof::Paced(paced) => paced.prove(),
        Proof::Cases(cases) => cases.prove(),
        Proof::Engine(engine) => engine.run(),
        Proof::Bare(bare) => bare.run(),
    }
}
