//! The optional `[bars]` table: how a bar file's columns are called and what its rows mean.

use crate::config::Settings;
use feed::bars::{Config, Span, Stamp, Symbol};
use stream::Nanos;

pub(super) fn read(settings: &Settings) -> Option<Config> {
    if settings.children("bars").is_empty() {
        return None;
    }
    let header = |key: &str| settings.text(&format!("bars.{key}"), "the header of a column");
    let symbol = if settings.has("bars.symbol") {
        Symbol::Fixed(settings.text("bars.symbol", "the symbol of every row"))
    } else {
        Symbol::Column(header("symbol_column"))
    };
    let base = Config::daily();
    let minutes = 1..=1_440;
    let span = settings.span("bars.span", Nanos::from_secs(60)..=Nanos::from_secs(86_400));
    let whole = span.0 / 60_000_000_000;
    let timezone = settings.text("bars.timezone", "an IANA time zone such as America/Chicago");
    let daily = whole == 1_440;
    if !minutes.contains(&whole) || !span.0.is_multiple_of(60_000_000_000) {
        settings.fault(
            "bars.span",
            "is not a whole number of minutes, or \"24h\" for daily bars",
        );
    }
    Some(Config {
        time: header("time_column"),
        symbol,
        open: header("open_column"),
        high: header("high_column"),
        low: header("low_column"),
        close: header("close_column"),
        volume: settings
            .has("bars.volume_column")
            .then(|| header("volume_column")),
        timezone,
        span: if daily {
            base.span
        } else {
            Span::Minutes(whole as u32)
        },
        stamp: settings.choice(
            "bars.stamp",
            &[("start", Stamp::Start), ("end", Stamp::End)],
        ),
    })
}
