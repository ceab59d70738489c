//! Saved states, tried before they become part of a stream.
//!
//! In the stream a state that does not fit would break its stage, at this start and every later
//! one. So each state is first loaded into a trial stage: if risk's or the gateway's does not fit,
//! the start is refused; signal's is left out. Each configuration numbers its instruments anew.
//! Risk finds its state's instruments by symbol; the others go by number.

use crate::carry::{Names, Saved};
use crate::restart::RestartError;
use crate::setup::Setup;
use gateway::GatewayStage;
use risk::RiskStage;
use signal::SignalStage;
use stream::blob::Assembler;
use stream::payload::{Checkpoint, read_text};
use stream::{InstrumentId, Stage, StageId};

/// States that fit.
#[derive(Debug)]
pub(crate) struct Fit {
    /// Their chunks.
    pub(crate) chunks: Vec<Checkpoint>,
    /// The gateway as it will be behind them.
    pub(crate) gateway: GatewayStage,
}

/// The states that fit.
///
/// # Errors
/// When one that is needed does not.
pub(crate) fn fitting(setup: &Setup, saved: Vec<Saved>) -> Result<Fit, RestartError> {
    let mut fit = Fit {
        chunks: Vec::new(),
        gateway: GatewayStage::new(setup.gateway),
    };
    for one in saved {
        let tried = match one.stage {
            StageId::Risk => loaded(RiskStage::new(setup.risk.clone()), &one.chunks).map(drop),
            StageId::Gateway => {
                loaded(GatewayStage::new(setup.gateway), &one.chunks).and_then(|gateway| {
                    all_stay(setup, &one.names, |id| gateway.holds(id))?;
                    fit.gateway = gateway;
                    Ok(())
                })
            }
            StageId::Signal if !is_signals(setup, &one) => continue,
            _ => Ok(()),
        };
        tried.map_err(|why| RestartError::DoesNotFit(one.stage.name(), why))?;
        fit.chunks.extend(one.chunks);
    }
    Ok(fit)
}

/// False where signal begins anew: it forgets rests and open outcomes.
fn is_signals(setup: &Setup, one: &Saved) -> bool {
    let stage = SignalStage::new(setup.signal.clone()).expect("the configuration was checked");
    loaded(stage, &one.chunks).is_ok() && all_stay(setup, &one.names, |_| true).is_ok()
}

fn loaded<S: Stage>(mut stage: S, chunks: &[Checkpoint]) -> Result<S, String> {
    let mut assembler = Assembler::default();
    let whole = chunks
        .iter()
        .filter_map(|chunk| assembler.push_checkpoint(chunk))
        .last();
    let whole = whole.ok_or("its parts do not make a whole")?;
    stage.load(&whole)?;
    Ok(stage)
}

/// Whether each instrument that counts has the number that it had.
fn all_stay(
    setup: &Setup,
    names: &Names,
    counts: impl Fn(InstrumentId) -> bool,
) -> Result<(), String> {
    for (id, symbol) in names.iter().filter(|(id, _)| counts(**id)) {
        let mut now = setup.instruments.iter();
        if !now.any(|(other, named)| other == id && named.symbol == *symbol) {
            let symbol = read_text(symbol);
            return Err(format!(
                "it holds or works {symbol} as instrument {}, which this configuration gives to \
                 another symbol or to none; put the symbols into the order in which they were",
                id.0
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, Value};
    use crate::ledger::Ledger;
    use crate::setup::{DEMO, SAMPLE};
    use crate::shared::Shared;
    use stream::payload::{Fill, text};
    use stream::stage::Collected;
    use stream::{Draft, FrameId, Price, Side, blob};

    fn setup(symbols: &[&str]) -> Setup {
        let mut settings = Settings::default();
        settings.add_sample(SAMPLE);
        settings.add_sample(DEMO);
        for symbol in symbols {
            let venue = Value::Text("SYN".to_owned());
            settings.add_flag("test", &format!("instrument.{symbol}.venue"), venue);
        }
        let list = symbols.iter().map(|&symbol| symbol.to_owned()).collect();
        settings.add_flag("test", "universe.symbols", Value::List(list));
        Setup::read(&settings).expect("a sound configuration")
    }

    fn saved(setup: &Setup, stage: &impl SavedStage) -> Saved {
        let (id, bytes) = stage.bytes();
        let parts = 0..blob::chunks(bytes.len());
        let chunks = parts.map(|index| blob::checkpoint_chunk(id, 0, &bytes, index));
        let named = setup.instruments.iter();
        let names = named.map(|(id, named)| (*id, named.symbol)).collect();
        Saved::of(id, chunks.collect(), names)
    }

    trait SavedStage {
        fn bytes(&self) -> (StageId, Vec<u8>);
    }

    impl<S: Stage> SavedStage for S {
        fn bytes(&self) -> (StageId, Vec<u8>) {
            let mut bytes = Vec::new();
            self.save(&mut bytes);
            (S::ID, bytes)
        }
    }

    #[test]
    fn what_is_held_keeps_its_number_or_there_is_no_start() {
        let before = setup(&["AAA", "BBB"]);
        let mut gateway = GatewayStage::new(before.gateway);
        let fill = Fill {
            price: Price(1_000_000_000),
            qty: 100,
            side: Side::Buy,
            exec_id: 7,
            origin: FrameId(7),
            exec_text: text("7.01"),
            ..Fill::zeroed()
        };
        let mut draft = Draft::new();
        draft.write(InstrumentId(2), &fill);
        gateway.on_frame(draft.frame(), &mut Collected::default());
        let fits = |setup: &Setup| fitting(setup, vec![saved(&before, &gateway)]);
        let fit = fits(&before).expect("nothing has changed");
        let (mut ledger, shared) = (Ledger::default(), Shared::new(1, 0));
        ledger.hold(&fit.gateway);
        ledger.tell(&shared);
        assert!(!shared.is_flat(), "what is carried over is held");
        assert!(
            fits(&setup(&["CCC", "BBB"])).is_ok(),
            "nothing of AAA is held"
        );
        for other in [&["BBB", "AAA"][..], &["AAA", "CCC"], &["AAA"]] {
            let why = fits(&setup(other))
                .expect_err("BBB is elsewhere")
                .to_string();
            assert!(why.contains("of gateway does not fit"), "{why}");
        }
    }

    #[test]
    fn what_signal_knows_of_other_numbers_is_left_aside() {
        let before = setup(&["AAA", "BBB"]);
        let stage = SignalStage::new(before.signal.clone()).unwrap();
        let fits = |setup: &Setup| {
            fitting(setup, vec![saved(&before, &stage)])
                .unwrap()
                .chunks
                .len()
        };
        assert!(fits(&before) > 0);
        assert_eq!(fits(&setup(&["BBB", "AAA"])), 0);
        assert_eq!(fits(&setup(&["AAA", "BBB", "CCC"])), 0, "of another size");
    }

    #[test]
    fn what_is_no_state_is_told_before_it_is_journaled() {
        let setup = setup(&["AAA"]);
        for stage in [StageId::Risk, StageId::Gateway] {
            let chunks = vec![blob::checkpoint_chunk(stage, 0, b"not a state", 0)];
            let why = fitting(&setup, vec![Saved::of(stage, chunks, Names::new())]);
            let why = why.expect_err("no state").to_string();
            assert!(why.contains(stage.name()), "{why}");
        }
    }
}
