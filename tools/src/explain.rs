//! placeholder
use crate::cli;
use crate::failure::Outcome;
pub fn run(_: &cli::Explain) -> Outcome {
    Ok(())
}
