//! News: a seeded source that says little and always the same.

use super::{Link, World, stamp};
use crate::model::{Answer, NewsArticle};
use stream::{Nanos, hash};

const PROVIDERS: [(&str, &str); 2] = [
    ("BRFG", "Briefing.com General Market Columns"),
    ("DJNL", "Dow Jones Newsletters"),
];
const HEADLINES: [&str; 6] = [
    "raises its outlook for the year",
    "names a new chief financial officer",
    "wins a large order",
    "is said to consider a sale of a division",
    "reports a fault in a product",
    "will buy back shares",
];
/// One headline for each such span and instrument.
const PERIOD: i64 = 3_600;
/// Headlines of the past in one answer at most.
const PAST_MAX: i32 = 300;

/// A headline: when, who, id, text.
struct Headline {
    at: i64,
    provider: &'static str,
    id: String,
    text: String,
}

impl World {
    pub(super) fn news_providers(&mut self, link: Link) {
        let all = PROVIDERS.map(|(code, name)| (code.to_owned(), name.to_owned()));
        self.say(link, Answer::NewsProviders(all.to_vec()));
    }

    pub(super) fn news_bulletins(&mut self, link: Link, all: bool) {
        if all {
            let text = "This is a paper trading server; nothing here is an offer.".to_owned();
            self.say(link, Answer::NewsBulletin(1, 1, text, String::new()));
        }
    }

    fn headline(&self, symbol: &str, period: i64) -> Headline {
        let seed = hash::join(self.seed, hash::bytes(symbol.as_bytes()));
        let random = hash::join(seed, period as u64);
        let at = period * PERIOD + (random % PERIOD as u64) as i64;
        let (provider, _) = PROVIDERS[(random >> 20) as usize % PROVIDERS.len()];
        Headline {
            at,
            provider,
            id: format!("{provider}${random:016x}"),
            text: format!(
                "{symbol} {}",
                HEADLINES[(random >> 40) as usize % HEADLINES.len()]
            ),
        }
    }

    pub(super) fn news_article(&mut self, link: Link, req: i32, id: &str) {
        let article = NewsArticle {
            kind: 0,
            text: format!("Article {id}: there is nothing more to say than its headline."),
        };
        self.say(link, Answer::NewsArticle(req, article));
    }

    pub(super) fn historical_news(
        &mut self,
        link: Link,
        req: i32,
        con_id: i32,
        (providers, most): (&str, i32),
    ) {
        let Some(item) = self.catalog.by_con_id(con_id) else {
            let text = "No security definition has been found for the request";
            self.complain(link, req, 200, text);
            return;
        };
        let symbol = item.contract.symbol.clone();
        let most = most.clamp(0, PAST_MAX) as i64;
        let newest = stamp::seconds(self.now) / PERIOD - 1;
        let wanted = |headline: &Headline| {
            providers.is_empty() || providers.split(['+', ',']).any(|p| p == headline.provider)
        };
        for period in (newest - most + 1..=newest).rev() {
            let headline = self.headline(&symbol, period);
            if !wanted(&headline) {
                continue;
            }
            let at = jiff::Timestamp::from_second(headline.at).unwrap_or_default();
            let time = at.strftime("%Y-%m-%d %H:%M:%S.0").to_string();
            let provider = headline.provider.to_owned();
            self.say(
                link,
                Answer::HistoricalNews(req, time, provider, headline.id, headline.text),
            );
        }
        self.say(link, Answer::HistoricalNewsEnd(req, true));
    }

    /// A second has passed: headlines for streams that asked for them.
    pub(super) fn tick_news(&mut self) {
        let now = stamp::seconds(self.now);
        for (link, req, instrument) in self.quotes.news_lines() {
            let symbol = self.catalog.item(instrument).contract.symbol.clone();
            let headline = self.headline(&symbol, now / PERIOD);
            if headline.at == now {
                let at = stamp::millis(Nanos::from_secs(now as u64));
                let provider = headline.provider.to_owned();
                let (id, text) = (headline.id, headline.text);
                self.say(
                    link,
                    Answer::TickNews(req, at, provider, id, text, String::new()),
                );
            }
        }
    }
}
