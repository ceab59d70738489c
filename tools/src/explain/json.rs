//! A chain for programs: one object with its steps.

use super::chain::{Chain, Step, signal_of};
use super::names::{Names, utc};
use super::{text, words};
use serde_json::{Map, Value as Json, json};
use signal::strategies::opening_range::COMPONENT_NAMES;
use std::path::Path;
use stream::payload::{Signal, Value, describe, read_text};
use stream::{FrameId, FrameRef};

/// The whole object of a chain. Prices and money are decimal strings, times nanoseconds since
/// 1970, ids `seq.sub`.
pub fn chain(chain: &Chain, names: &Names, journal: &Path) -> Json {
    let target = &chain.target;
    let session = names.session(target.first().seq());
    let first = chain
        .steps
        .iter()
        .map(Step::frame)
        .find(|frame| frame.id() == target.first());
    let steps: Vec<Json> = chain
        .steps
        .iter()
        .map(|own| step(chain, names, own))
        .collect();
    json!({
        "journal": journal,
        "asked": target.asked.to_string(),
        "signal": id(target.signal),
        "origin": id(target.origin),
        "symbol": first.map(|frame| names.symbol(frame)),
        "side": signal_of(chain).map(|signal| signal.side.name()),
        "virtual_time": !names.measured,
        "session": session.map(|session| json!({
            "date": session.date,
            "open": session.open.0,
            "close": session.close.0,
        })),
        "steps": steps,
        "result": text::result(chain).trim_start_matches("result: "),
    })
}

fn id(id: FrameId) -> Option<String> {
    (!id.is_none()).then(|| id.to_string())
}

fn step(chain: &Chain, names: &Names, step: &Step) -> Json {
    let frame = step.frame();
    let header = frame.header();
    let measured = names.measured;
    let ages: Vec<Json> = step
        .ages
        .iter()
        .map(|(lane, age)| json!({ "lane": lane, "age_ns": age }))
        .collect();
    let mut object = json!({
        "kind": frame.kind().name(),
        "id": frame.id().to_string(),
        "parent": header.stage().filter(|_| !frame.is_input())
            .map(|_| FrameId::new(frame.seq(), header.parent).to_string()),
        "ts": frame.ts().0,
        "utc": utc(frame.ts()),
        "since_open_ns": text::since_open(names, chain, frame.ts()),
        "since_decision_ns": text::since_decision(chain, frame),
        "ingress_age_ns": (measured && frame.is_input()).then_some(header.ingress_age_ns),
        "ages": measured.then_some(ages),
        "hand_over": step.hand_over
            .map(|(age, market)| json!({ "age_ns": age, "market_age_ns": market })),
        "depth": words::depth(frame.kind()),
        "text": words::of(frame),
        "fields": fields(frame),
    });
    if let (Some(signal), Some(object)) = (frame.try_read::<Signal>(), object.as_object_mut()) {
        let components: Map<String, Json> = COMPONENT_NAMES
            .iter()
            .zip(signal.components)
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        object.insert("components".to_owned(), Json::Object(components));
        object.insert("gates".to_owned(), json!(words::gates(signal)));
    }
    object
}

fn fields(frame: FrameRef<'_>) -> Json {
    let mut fields = Map::new();
    describe(frame, &mut |name, value| {
        fields.insert(name.to_owned(), of_value(value));
    });
    Json::Object(fields)
}

fn of_value(value: Value<'_>) -> Json {
    match value {
        Value::Unsigned(number) => json!(number),
        Value::Signed(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Price(price) => json!(price.to_string()),
        Value::Money(money) => json!(money.to_string()),
        Value::Nanos(nanos) => json!(nanos.0),
        Value::Id(own) => json!(id(own)),
        Value::Name(name) => json!(name),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!(String::from_utf8_lossy(bytes)),
        Value::Floats(items) => json!(items),
        Value::Prices(items) => json!(items.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Value::Quantities(items) => json!(items),
        Value::Makers(items) => json!(items.iter().map(|item| read_text(item)).collect::<Vec<_>>()),
    }
}
