//! A scene: a seeded synthetic market, a configuration, a layout of lanes; run in virtual time.

use engine::config::{Faults, Settings, Value};
use engine::lane::Idle;
use engine::layout::Layout;
use engine::run::{Finished, Handle, Pace, Plan, RunError, run};
use engine::setup::{DEMO, SAMPLE, Setup};
use feed::head::Merge;
use feed::synthetic::{Config, Synthetic};
use std::path::Path;
use stream::payload::read_text;
use stream::{Nanos, Source};

/// When the synthetic sessions open: a Wednesday, 2026-01-07 14:30 UTC.
pub const OPEN: Nanos = Nanos::from_secs(1_767_796_200);

/// A run that is yet to be made.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The market.
    pub market: Config,
    /// Lines of TOML on top of the demo's configuration, dotted keys.
    pub settings: String,
    /// The layout of lanes.
    pub layout: Layout,
    /// Size of a segment of the journal.
    pub segment_bytes: u64,
}

impl Scene {
    /// The demo's market for so many seconds, on one lane.
    pub fn new(seed: u64, seconds: u64) -> Self {
        Self {
            market: Config::demo(seed, OPEN, Nanos::from_secs(seconds)),
            settings: String::new(),
            layout: Layout::of(1).expect("one lane is a layout"),
            segment_bytes: 1 << 20,
        }
    }

    /// With one more setting.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push_str(&format!("{key} = {value}\n"));
        self
    }

    /// On a layout of lanes as written on the command line.
    pub fn on(mut self, layout: &str) -> Self {
        self.layout = layout.parse().expect("the layout is sound");
        self
    }

    /// What the configuration means.
    pub fn setup(&self) -> Result<Setup, Faults> {
        let market = self.market();
        let mut settings = Settings::default();
        settings.add_sample(SAMPLE);
        settings.add_sample(DEMO);
        let mut symbols = Vec::new();
        for (_, definition) in market.instruments() {
            let symbol = read_text(&definition.symbol).to_owned();
            let venue = read_text(&definition.venue).to_owned();
            settings.add_flag(
                "market",
                &format!("instrument.{symbol}.venue"),
                Value::Text(venue),
            );
            symbols.push(symbol);
        }
        settings.add_flag("market", "universe.symbols", Value::List(symbols));
        settings.add_sample(&self.settings);
        let mut setup = Setup::read(&settings)?;
        setup.session = Some(market.session());
        Ok(setup)
    }

    /// The market, new.
    pub fn market(&self) -> Synthetic {
        Synthetic::new(self.market.clone()).expect("the market's configuration is sound")
    }

    /// Runs it into `dir`.
    pub fn run(&self, dir: &Path) -> Finished {
        self.try_run(dir).expect("the run ends well")
    }

    /// Runs it into `dir`, or tells why not.
    pub fn try_run(&self, dir: &Path) -> Result<Finished, RunError> {
        self.run_on(dir, vec![Box::new(self.market())], |_| {})
    }

    /// Runs its configuration on other sources.
    pub fn run_on(
        &self,
        dir: &Path,
        sources: Vec<Box<dyn Source + Send>>,
        watch: impl FnMut(&mut Handle),
    ) -> Result<Finished, RunError> {
        let setup = self.setup().expect("the scene's configuration is sound");
        let journal = journal_in(dir, self.segment_bytes);
        run_plan(setup, self.layout.clone(), journal, sources, watch)
    }
}

/// A test's journal.
pub fn journal_in(dir: &Path, segment_bytes: u64) -> journal::Options {
    let mut options = journal::Options::new(dir);
    options.account = "TEST".to_owned();
    options.segment_bytes = segment_bytes;
    options
}

/// Runs a setup in virtual time.
pub fn run_plan(
    setup: Setup,
    layout: Layout,
    journal: journal::Options,
    sources: Vec<Box<dyn Source + Send>>,
    watch: impl FnMut(&mut Handle),
) -> Result<Finished, RunError> {
    let plan = Plan {
        facts: format!("{{\"lanes\":\"{layout}\"}}"),
        setup,
        sources: Merge::new(sources),
        journal,
        layout,
        idle: Idle::Yield,
        pace: Pace::Virtual,
        line: None,
    };
    run(plan, watch)
}
