//! Bars, scanners, news, and the pace at which a client may ask.

use super::*;
use crate::model::{Bar, Decimal, HistoricalBars, ScannerSubscription};
use stream::Price;

fn asked(req: i32, symbol: &str, size: &str, duration: &str) -> HistoricalBars {
    HistoricalBars {
        req,
        contract: share(symbol),
        bar_size: size.to_owned(),
        duration: duration.to_owned(),
        what: "TRADES".to_owned(),
        use_rth: true,
        format_date: 1,
        ..HistoricalBars::default()
    }
}

fn bars(scene: &mut Scene, asked: HistoricalBars) -> Vec<Bar> {
    let req = asked.req;
    let said = scene.ask(1, Request::HistoricalBars(asked));
    match said.into_iter().next() {
        Some(Answer::HistoricalBars { req: of, bars, .. }) if of == req => bars,
        other => panic!("{other:?}"),
    }
}

fn is_sound(bar: &Bar) -> bool {
    let (low, high) = (bar.low - 1e-9, bar.high + 1e-9);
    (low..=high).contains(&bar.open) && (low..=high).contains(&bar.close) && bar.low > 0.0
}

#[test]
fn daily_bars_go_back_for_years_on_trading_days_only() {
    let mut scene = Scene::running();
    let days = bars(&mut scene, asked(1, "ALDR", "1 day", "1 Y"));
    assert_eq!(days.len(), 252);
    assert!(days.iter().all(is_sound));
    let dates: Vec<&str> = days.iter().map(|bar| bar.date.as_str()).collect();
    assert!(dates.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(dates.last(), Some(&"20261123"));
    assert_eq!(dates[250], "20261120", "no weekend");
    let weeks = bars(&mut scene, asked(2, "ALDR", "1 week", "2 M"));
    assert!((8..=10).contains(&weeks.len()), "{}", weeks.len());
}

#[test]
fn minutes_meet_what_the_market_has_brought() {
    let mut scene = Scene::running();
    scene.pass(150_000);
    let minutes = bars(&mut scene, asked(1, "ALDR", "1 min", "2 D"));
    // Friday's 390, and from 09:30 to 10:02 on Monday 33.
    assert_eq!(minutes.len(), 390 + 33);
    assert!(minutes.iter().all(is_sound));
    assert_eq!(minutes[390].date, "20261123 09:30:00 US/Eastern");
    assert_eq!(minutes[422].date, "20261123 10:02:00 US/Eastern");
    let id = scene.world.catalog.by_symbol("ALDR").expect("it trades").id;
    let tape = *scene.world.exchange.edge().books().book(id).tape();
    let live = &minutes[420..];
    let volume: Decimal = live.iter().map(|bar| bar.volume).sum();
    assert_eq!(volume, Decimal::from(tape.volume));
    assert!((live[2].close - tape.last.to_f64()).abs() < 1e-9);
    let high = live.iter().map(|bar| bar.high).fold(0.0, f64::max);
    assert!((high - tape.high.to_f64()).abs() < 1e-9);
    let mut seconds = asked(2, "ALDR", "5 secs", "60 S");
    seconds.format_date = 2;
    seconds.what = "BID_ASK".to_owned();
    let found = bars(&mut scene, seconds.clone());
    assert!((11..=13).contains(&found.len()));
    let start: i64 = found[0].date.parse().expect("seconds since the epoch");
    assert!(start >= stamp::seconds(scene.now) - 61);
    assert!(
        found
            .iter()
            .all(|bar| bar.low <= bar.high && bar.volume == Decimal::NEGATIVE_ONE)
    );
    seconds.req = 3;
    let said = scene.ask(1, Request::HistoricalBars(seconds));
    assert_eq!(
        problems(&said),
        [(3, 162)],
        "asked for again within fifteen seconds"
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let mut scene = Scene::running();
    for (size, duration, what) in [
        ("7 mins", "1 D", "TRADES"),
        ("1 min", "1 X", "TRADES"),
        ("1 min", "0 D", "TRADES"),
        ("1 min", "1 D", "NONSENSE"),
    ] {
        let mut wrong = asked(1, "ALDR", size, duration);
        wrong.what = what.to_owned();
        let said = scene.ask(1, Request::HistoricalBars(wrong));
        assert_eq!(problems(&said), [(1, 321)], "{size} {duration} {what}");
    }
    let said = scene.ask(1, Request::CancelHistoricalBars(9));
    assert_eq!(problems(&said), [(9, 366)]);
}

#[test]
fn more_bars_than_can_be_told_are_refused_before_they_are_reckoned() {
    let mut scene = Scene::running();
    for (req, size, duration) in [
        (1, "1 secs", "5 Y"),
        (2, "1 secs", "9000000000000000000 S"),
        (3, "1 min", "1 Y"),
    ] {
        let said = scene.ask(
            1,
            Request::HistoricalBars(asked(req, "ALDR", size, duration)),
        );
        assert_eq!(problems(&said), [(req, 162)], "{size} {duration}");
        let Answer::Problem(problem) = &said[0] else {
            panic!("{said:?}");
        };
        assert!(
            problem.text.contains("at most 50000 bars"),
            "{}",
            problem.text
        );
    }
    // Friday's session is whole, and Monday's has begun.
    let days = bars(&mut scene, asked(4, "ALDR", "1 secs", "2 D"));
    assert!(days.len() > 23_400, "{}", days.len());
    let years = bars(&mut scene, asked(5, "ALDR", "1 day", "5 Y"));
    assert!(years.len() > 1_200, "{}", years.len());
}

#[test]
fn the_last_bar_grows_and_five_seconds_end() {
    let mut scene = Scene::running();
    let mut growing = asked(1, "ALDR", "1 min", "1 D");
    growing.keep_up_to_date = true;
    bars(&mut scene, growing);
    scene.ask(
        1,
        Request::RealTimeBars {
            req: 2,
            contract: share("ALDR"),
            seconds: 5,
            what: "TRADES".to_owned(),
            use_rth: true,
        },
    );
    let said = scene.pass(21_000);
    let updates = said
        .iter()
        .filter(|a| matches!(a, Answer::HistoricalBarUpdate(1, _)));
    assert!(updates.count() > 5);
    let mut starts = Vec::new();
    for answer in &said {
        if let Answer::RealTimeBar(2, start, bar) = answer {
            assert!(is_sound(bar));
            starts.push(*start);
        }
    }
    assert!(starts.len() >= 4);
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 5));
    scene.ask(1, Request::CancelHistoricalBars(1));
    scene.ask(1, Request::CancelRealTimeBars(2));
    assert_eq!(scene.pass(10_000), []);
}

#[test]
fn a_scan_is_sorted_and_knows_its_codes() {
    let mut scene = Scene::running();
    scene.pass(5_000);
    let scan = |code: &str| ScannerSubscription {
        rows: Some(5),
        instrument: "STK".to_owned(),
        location: "STK.US.MAJOR".to_owned(),
        scan_code: code.to_owned(),
        ..ScannerSubscription::default()
    };
    let said = scene.ask(1, Request::Scanner(1, scan("TOP_PERC_GAIN")));
    let [Answer::Scanner(1, rows)] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(rows.len(), 5);
    let gain = |symbol: &str| {
        let id = scene.world.catalog.by_symbol(symbol).expect("it trades").id;
        let last = scene.world.exchange.edge().books().book(id).tape().last;
        last.to_f64() / scene.world.previous_close(id).to_f64()
    };
    let gains: Vec<f64> = rows.iter().map(|row| gain(&row.contract.symbol)).collect();
    assert!(
        gains.windows(2).all(|pair| pair[0] >= pair[1] - 1e-6),
        "{gains:?}"
    );
    assert_eq!(
        problems(&scene.ask(1, Request::Scanner(2, scan("NO_SUCH")))),
        [(2, 321)]
    );
    assert_eq!(
        problems(&scene.ask(1, Request::CancelScanner(7))),
        [(7, 365)]
    );
    let said = scene.ask(1, Request::ScannerParameters);
    assert!(matches!(&said[..], [Answer::ScannerParameters(xml)] if xml.contains("MOST_ACTIVE")));
}

#[test]
fn yesterdays_close_is_where_its_last_bar_ended() {
    let mut scene = Scene::running();
    let days = bars(&mut scene, asked(1, "BRKN", "1 day", "2 D"));
    let id = scene.world.catalog.by_symbol("BRKN").expect("it trades").id;
    let close = scene.world.previous_close(id);
    assert_eq!(
        Price::nearest(days[0].close, Price(10_000_000)),
        Some(close)
    );
}

#[test]
fn news_is_the_same_whenever_it_is_asked_for() {
    let mut scene = Scene::running();
    let con_id = scene
        .world
        .catalog
        .by_symbol("ALDR")
        .expect("it trades")
        .contract
        .con_id;
    let request = || Request::HistoricalNews(1, con_id, "BRFG+DJNL".to_owned(), 10);
    let first = scene.ask(1, request());
    assert_eq!(first.len(), 11);
    assert_eq!(first.last(), Some(&Answer::HistoricalNewsEnd(1, true)));
    scene.pass(5_000);
    assert_eq!(scene.ask(1, request()), first);
}

#[test]
fn more_than_fifty_messages_a_second_are_told_and_then_cost_the_connection() {
    let mut scene = Scene::new();
    let count = |scene: &mut Scene| {
        let said: usize = (0..60)
            .map(|_| scene.ask(1, Request::CurrentTime))
            .filter(|said| problems(said) == [(-1, 100)])
            .count();
        said
    };
    scene.pass(1_100);
    assert_eq!(count(&mut scene), 10);
    scene.pass(1_000);
    assert_eq!(count(&mut scene), 10);
    assert!(!scene.out.contains(&Out::Close(Link(1))));
    scene.pass(1_000);
    count(&mut scene);
    assert!(scene.out.contains(&Out::Close(Link(1))));
    assert_eq!(scene.world.truth().messages_per_second_max, 60);
}

#[test]
fn a_schedule_tells_the_sessions_of_the_past_with_their_half_days() {
    let mut scene = Scene::with(|config| {
        let monday = stamp::parse("20261130 10:00:00").expect("a time");
        let length = Nanos::from_secs(3_600);
        *config = Config::synthetic("DU1234567", 7, monday, length).expect("sound");
    });
    let schedule = |size: &str| HistoricalBars {
        what: "SCHEDULE".to_owned(),
        ..asked(1, "ALDR", size, "3 D")
    };
    let said = scene.ask(1, Request::HistoricalBars(schedule("1 day")));
    let [
        Answer::HistoricalSchedule {
            req: 1,
            start,
            end,
            zone,
            sessions,
        },
    ] = &said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!(
        (zone.as_str(), start.as_str()),
        ("US/Eastern", "20261125-09:30:00")
    );
    assert_eq!(end, "20261130-16:00:00");
    let days: Vec<(&str, &str)> = sessions
        .iter()
        .map(|(_, close, date)| (date.as_str(), &close[9..]))
        .collect();
    // Thanksgiving is none, and the day behind it ends early.
    let wanted = [
        ("20261125", "16:00:00"),
        ("20261127", "13:00:00"),
        ("20261130", "16:00:00"),
    ];
    assert_eq!(days, wanted);
    let said = scene.ask(1, Request::HistoricalBars(schedule("1 min")));
    assert_eq!(problems(&said), [(1, 321)]);
}
