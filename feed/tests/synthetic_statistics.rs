//! Whether the synthetic market behaves as configured: with fixed seeds, so never by luck.

use feed::synthetic::{Config, Synthetic};
use stream::payload::{Quote, Trade};
use stream::{Draft, Nanos, Next, Source};

const START: Nanos = Nanos(1_772_000_000_000_000_000);
const SYMBOLS: usize = 12;
const GRID: Nanos = Nanos::from_millis(250);

/// A long session without incidents.
fn plain(seed: u64, seconds: u64) -> Config {
    let mut config = Config::demo(seed, START, Nanos::from_secs(seconds));
    config.halts.clear();
    config.gap = None;
    config
}

/// A symbol at one point of the grid: mid, signed number of prints since the last point.
#[derive(Clone, Copy, Default)]
struct Point {
    mid: f64,
    flow: f64,
}

#[derive(Default)]
struct Measured {
    points: Vec<[Point; SYMBOLS]>,
    /// By regime: quotes, sum of spreads in ticks, sum of quantities in lots.
    regimes: [[f64; 3]; 3],
    /// Signs of prints per symbol.
    signs: Vec<Vec<f64>>,
    /// Frames in each second.
    frames: Vec<f64>,
    /// Events of the true market in each second.
    events: Vec<f64>,
}

fn measure(config: Config) -> Measured {
    let seconds = (config.length.0 / Nanos::SECOND.0) as usize;
    let lots: Vec<f64> = config.symbols.iter().map(|s| f64::from(s.lot)).collect();
    let mut market = Synthetic::new(config).expect("a sound configuration");
    let mut measured = Measured {
        signs: vec![Vec::new(); SYMBOLS],
        frames: vec![0.0; seconds],
        events: vec![0.0; seconds],
        ..Measured::default()
    };
    let mut now = [Point::default(); SYMBOLS];
    let mut due = START + GRID;
    let mut draft = Draft::new();
    while let Next::At(ts) = market.next() {
        while ts >= due {
            measured.points.push(now);
            now.iter_mut().for_each(|point| point.flow = 0.0);
            due += GRID;
        }
        let is_frame = market.take(&mut draft);
        let second = ((ts.0 - START.0) / Nanos::SECOND.0) as usize;
        measured.events[second] += f64::from(u8::from(market.is_settled()));
        if !is_frame {
            continue;
        }
        measured.frames[second] += 1.0;
        let frame = draft.frame();
        let at = frame.instrument().index() - 1;
        if let Some(quote) = frame.try_read::<Quote>() {
            now[at].mid = (quote.bid.to_f64() + quote.ask.to_f64()) / 2.0;
            let regime = usize::from(market.regime(frame.instrument()).expect("known"));
            let [count, spread, qty] = &mut measured.regimes[regime];
            *count += 1.0;
            *spread += (quote.ask - quote.bid).to_f64() * 100.0;
            *qty += f64::from(quote.bid_qty + quote.ask_qty) / lots[at];
        } else if let Some(trade) = frame.try_read::<Trade>() {
            let sign = trade.side.sign() as f64;
            now[at].flow += sign;
            measured.signs[at].extend((trade.side.sign() != 0).then_some(sign));
        }
    }
    measured
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| pairs.iter().map(pick).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for pair in pairs {
        let (dx, dy) = (pair.0 - x, pair.1 - y);
        (xy, xx, yy) = (xy + dx * dy, xx + dx * dx, yy + dy * dy);
    }
    xy / (xx * yy).sqrt()
}

/// Correlation of the flow in the last 3 s with the mid's move in the next 5 s, all symbols.
fn foresight(measured: &Measured) -> f64 {
    let (past, ahead) = (12, 20);
    let mut sum = 0.0;
    for at in 0..SYMBOLS {
        let series: Vec<Point> = measured.points.iter().map(|points| points[at]).collect();
        let pairs: Vec<(f64, f64)> = (past..series.len() - ahead)
            .map(|now| {
                let flow = series[now - past + 1..=now].iter().map(|p| p.flow).sum();
                (flow, series[now + ahead].mid / series[now].mid - 1.0)
            })
            .collect();
        sum += correlation(&pairs);
    }
    sum / SYMBOLS as f64
}

#[test]
fn informed_flow_foretells_the_price_as_much_as_configured() {
    let with = |informed| {
        let mut config = plain(21, 600);
        config.momentum.informed = informed;
        foresight(&measure(config))
    };
    let (none, some, all) = (with(0.0), with(0.2), with(1.0));
    // Something to trade on, and no printing machine. Without informed takers the little that is
    // left comes from those who pick off stale quotes.
    assert!(none.abs() < 0.15, "{none}");
    assert!((0.15..0.6).contains(&some), "{some}");
    assert!(all > some + 0.1 && all < 0.7, "{some} {all}");
}

#[test]
fn spreads_widen_and_depth_thins_in_stress() {
    let measured = measure(plain(22, 600));
    let spread = measured.regimes.map(|[count, spread, _]| spread / count);
    let depth = measured.regimes.map(|[count, _, qty]| qty / count);
    assert!(measured.regimes.iter().all(|[count, ..]| *count > 10_000.0));
    assert!(
        spread[0] < spread[1] && spread[2] > 1.8 * spread[1],
        "{spread:?}"
    );
    assert!(depth[2] < 0.5 * depth[1], "{depth:?}");
    // A normal spread is a few ticks: tradable.
    assert!((1.0..4.0).contains(&spread[1]), "{spread:?}");
}

#[test]
fn order_flow_is_persistent() {
    let measured = measure(plain(23, 300));
    for (at, signs) in measured.signs.iter().enumerate() {
        for lag in [1, 5] {
            let pairs: Vec<_> = (lag..signs.len())
                .map(|n| (signs[n - lag], signs[n]))
                .collect();
            let found = correlation(&pairs);
            assert!(found > 0.05, "symbol {at}, lag {lag}: {found}");
        }
    }
}

#[test]
fn events_come_in_clusters() {
    let mut config = plain(24, 300);
    config.burst = 0.0;
    // The weather out of the way: what is left is self-excitation.
    for regime in &mut config.regimes {
        regime.intensity = 1.0;
    }
    let dispersion = |config: Config| {
        let events = measure(config).events;
        let mean = events.iter().sum::<f64>() / events.len() as f64;
        let square = events.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>();
        square / events.len() as f64 / mean
    };
    let mut poisson = config.clone();
    poisson.branching = 0.0;
    let (clustered, plain) = (dispersion(config), dispersion(poisson));
    assert!(
        clustered > 3.0 * plain && plain < 1.5,
        "{clustered} {plain}"
    );
}

#[test]
fn the_open_is_a_burst() {
    let mut config = plain(25, 60);
    for regime in &mut config.regimes {
        regime.intensity = 1.0;
    }
    let frames = measure(config.clone()).frames;
    let first = frames[..3].iter().sum::<f64>() / 3.0;
    let last = frames[45..].iter().sum::<f64>() / 15.0;
    // Configured: 1 + 4 e^(−t/9 s), so about 4.4 in the first three seconds.
    assert!((3.0..6.0).contains(&(first / last)), "{first} {last}");
    config.burst = 0.0;
    let frames = measure(config).frames;
    let first = frames[..3].iter().sum::<f64>() / 3.0;
    assert!((0.6..1.5).contains(&(first / last)), "{first} {last}");
}

#[test]
fn a_u_shape_is_there_when_asked_for() {
    let mut config = plain(26, 120);
    config.burst = 0.0;
    config.u_shape = 3.0;
    let frames = measure(config).frames;
    let sum = |range: std::ops::Range<usize>| frames[range].iter().sum::<f64>();
    let (ends, noon) = (sum(0..15) + sum(105..120), sum(45..75));
    assert!(ends > 1.8 * noon, "{ends} {noon}");
}

#[test]
fn the_demo_has_a_few_thousand_frames_a_second() {
    let config = Config::demo(1, START, Nanos::from_secs(30));
    let frames = measure(config).frames;
    let mean = frames.iter().sum::<f64>() / frames.len() as f64;
    assert!((1_500.0..5_000.0).contains(&mean), "{mean}");
}
