//! What can be traded, and where.

use super::req;
use crate::model::{Answer, Contract, ContractDetails, DepthExchange, ScannerRow};
use crate::proto::schema::contract as wire;
use crate::proto::{contract, size, text, write};

/// Appends the answer, if it is one of these.
pub fn encode(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::ContractData(req, told) => {
            let message = wire::ContractData {
                req_id: Some(*req),
                contract: contract::write(&told.contract),
                details: Some(details(told)),
            };
            write(10, &message, out);
        }
        Answer::ContractDataEnd(number) => write(52, &req(*number), out),
        Answer::SymbolSamples(req, samples) => {
            let (req_id, descriptions) = (Some(*req), samples.iter().map(sample).collect());
            let message = wire::SymbolSamples {
                req_id,
                descriptions,
            };
            write(79, &message, out);
        }
        Answer::MarketRule(rule) => {
            let step = |(from, step): &(f64, f64)| wire::PriceIncrement {
                low_edge: Some(*from),
                increment: Some(*step),
            };
            let message = wire::MarketRule {
                market_rule_id: Some(rule.id),
                price_increments: rule.steps.iter().map(step).collect(),
            };
            write(93, &message, out);
        }
        Answer::DepthExchanges(list) => {
            let descriptions = list.iter().map(exchange).collect();
            write(80, &wire::MarketDepthExchanges { descriptions }, out);
        }
        Answer::SmartComponents(req, list) => {
            let one = |(bit, name, letter): &(i32, String, String)| wire::SmartComponent {
                bit_number: Some(*bit),
                exchange: text(name),
                exchange_letter: text(letter),
            };
            let message = wire::SmartComponents {
                req_id: Some(*req),
                smart_components: list.iter().map(one).collect(),
            };
            write(82, &message, out);
        }
        _ => return scanned(answer, out),
    }
    true
}

fn scanned(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::ScannerParameters(xml) => {
            let xml = Some(xml.clone());
            write(19, &wire::ScannerParameters { xml }, out);
        }
        Answer::Scanner(req, rows) => {
            let (req_id, elements) = (Some(*req), rows.iter().map(row).collect());
            write(20, &wire::ScannerData { req_id, elements }, out);
        }
        _ => return false,
    }
    true
}

fn details(told: &ContractDetails) -> wire::ContractDetails {
    wire::ContractDetails {
        market_name: text(&told.market_name),
        min_tick: Some(told.min_tick.to_string()),
        order_types: text(&told.order_types),
        valid_exchanges: text(&told.valid_exchanges),
        price_magnifier: Some(told.price_magnifier),
        under_con_id: Some(told.under_con_id),
        long_name: text(&told.long_name),
        contract_month: text(&told.contract_month),
        industry: text(&told.industry),
        category: text(&told.category),
        subcategory: text(&told.subcategory),
        time_zone_id: text(&told.time_zone),
        trading_hours: text(&told.trading_hours),
        liquid_hours: text(&told.liquid_hours),
        sec_id_list: told.sec_ids.iter().cloned().collect(),
        agg_group: Some(told.agg_group),
        market_rule_ids: text(&told.market_rules),
        real_expiration_date: text(&told.real_expiration),
        stock_type: text(&told.stock_type),
        min_size: size(told.min_size),
        size_increment: size(told.size_increment),
        suggested_size_increment: size(told.suggested_size_increment),
    }
}

fn sample((told, types): &(Contract, Vec<String>)) -> wire::ContractDescription {
    wire::ContractDescription {
        contract: contract::write(told),
        derivative_sec_types: types.clone(),
    }
}

fn exchange(told: &DepthExchange) -> wire::DepthMarketDataDescription {
    wire::DepthMarketDataDescription {
        exchange: text(&told.exchange),
        sec_type: text(&told.sec_type),
        listing_exch: text(&told.listing),
        service_data_type: text(&told.service),
        agg_group: told.agg_group,
    }
}

fn row(row: &ScannerRow) -> wire::ScannerDataElement {
    wire::ScannerDataElement {
        rank: Some(row.rank),
        contract: contract::write(&row.contract),
        market_name: text(&row.market_name),
        distance: text(&row.distance),
        benchmark: text(&row.benchmark),
        projection: text(&row.projection),
        combo_key: None,
    }
}
