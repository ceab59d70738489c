//! One page with every distribution: a plot for each group, and a table of the percentiles.
//!
//! Where both were measured, response and service time stand side by side: what the
//! second leaves out is what waited behind a stall (*coordinated omission*).

use super::plot::{COLOURS, Line, svg};
use crate::cli::Results;
use crate::distribution::{Distribution, QUANTILES, Since, time};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn html(results: &Results) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Latency percentiles</title>\n\
         <style>\n{STYLE}</style>\n<h1>Latency percentiles</h1>\n<p class=\"host\">{}<br>\n\
         <code>{}</code><br>\n{}</p>\n",
        text(&results.date),
        text(&results.command),
        text(&results.host.to_string()).replace('\n', "<br>\n")
    );
    for report in &results.benches {
        let mut groups: Vec<&str> = Vec::new();
        for one in &report.distributions {
            if !groups.contains(&one.group.as_str()) {
                groups.push(&one.group);
            }
        }
        for group in groups {
            let all = report.distributions.iter().filter(|one| one.group == group);
            section(&mut page, report.bench, group, &all.collect::<Vec<_>>());
        }
    }
    page.push_str("</html>\n");
    page
}

/// One name of a group, with either or both of its times.
struct Row<'a> {
    name: &'a str,
    response: Option<&'a Distribution>,
    service: Option<&'a Distribution>,
}

impl Row<'_> {
    /// What the row is drawn by.
    fn main(&self) -> Option<&Distribution> {
        self.response.or(self.service)
    }
}

fn section(page: &mut String, bench: &str, group: &str, all: &[&Distribution]) {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for one in all.iter().filter(|one| !one.histogram.is_empty()) {
        let at = rows.iter().position(|row| row.name == one.name);
        let at = at.unwrap_or_else(|| {
            rows.push(Row {
                name: &one.name,
                response: None,
                service: None,
            });
            rows.len() - 1
        });
        match one.since {
            Since::Due => rows[at].response = Some(one),
            Since::Begun => rows[at].service = Some(one),
        }
    }
    if rows.is_empty() {
        return;
    }
    let title = text(&format!("{bench}: {group}"));
    // Writing into a string cannot fail.
    let _ = writeln!(page, "<section>\n<h2>{title}</h2>");
    let names: Vec<String> = rows.iter().map(|row| text(row.name)).collect();
    let lines: Vec<Line<'_>> = (rows.iter().zip(&names).enumerate())
        .filter_map(|(colour, (row, name))| Some(line(name, row.main()?, colour, false)))
        .collect();
    page.push_str(&svg(&lines, &title));
    legend(page, &names);
    if let Some((at, row)) =
        (rows.iter().enumerate()).find(|(_, row)| row.response.is_some() && row.service.is_some())
    {
        beside(page, row, &names[at], at);
    }
    table(page, &rows, &names);
    page.push_str("</section>\n");
}

fn line<'a>(name: &'a str, of: &'a Distribution, colour: usize, dashed: bool) -> Line<'a> {
    Line {
        name,
        histogram: &of.histogram,
        colour,
        dashed,
    }
}

fn legend(page: &mut String, names: &[String]) {
    page.push_str("<ul class=\"legend\">\n");
    for (at, name) in names.iter().enumerate() {
        let dotted = if at >= COLOURS { " dotted" } else { "" };
        let _ = writeln!(
            page,
            "<li><i class=\"k{}{dotted}\"></i>{name}</li>",
            at % COLOURS
        );
    }
    page.push_str("</ul>\n");
}

/// Response and service time of the first that has both.
fn beside(page: &mut String, row: &Row<'_>, name: &str, colour: usize) {
    let (Some(response), Some(service)) = (row.response, row.service) else {
        return;
    };
    let lines = [
        line("response", response, colour, false),
        line("service", service, colour, true),
    ];
    let title = format!("{name}: response time beside service time");
    let _ = writeln!(
        page,
        "<h3>{title}</h3>\n<p>Solid: from when each was due. Dashed: from when it was begun, which \
         leaves out what waited its turn behind a stall. Between the two lies what a measurement \
         with coordinated omission does not see.</p>"
    );
    page.push_str(&svg(&lines, &title));
}

fn table(page: &mut String, rows: &[Row<'_>], names: &[String]) {
    page.push_str("<div class=\"wide\"><table>\n<tr><th>of</th><th>time</th><th>count</th>");
    for (quantile, _) in QUANTILES {
        let _ = write!(page, "<th>{quantile}</th>");
    }
    page.push_str("</tr>\n");
    for (row, name) in rows.iter().zip(names) {
        for one in [row.response, row.service].into_iter().flatten() {
            let (since, count) = (one.since.name(), one.histogram.len());
            let _ = write!(page, "<tr><td>{name}</td><td>{since}</td><td>{count}</td>");
            for (_, quantile) in QUANTILES {
                let value = time(one.histogram.value_at_quantile(quantile));
                let _ = write!(page, "<td>{value}</td>");
            }
            page.push_str("</tr>\n");
        }
        if let (Some(response), Some(service)) = (row.response, row.service) {
            let _ = write!(
                page,
                "<tr class=\"more\"><td>{name}</td><td>difference</td><td></td>"
            );
            for (_, quantile) in QUANTILES {
                let at = |of: &Distribution| of.histogram.value_at_quantile(quantile);
                let more = at(response).saturating_sub(at(service));
                let _ = write!(page, "<td>+{}</td>", time(more));
            }
            page.push_str("</tr>\n");
        }
    }
    page.push_str("</table></div>\n");
}

/// Text as it may stand in a page.
fn text(plain: &str) -> String {
    (plain.replace('&', "&amp;").replace('<', "&lt;"))
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::nanoseconds;

    #[test]
    fn a_group_shows_what_waiting_adds_and_no_markup_of_names() {
        let of = |since, value| {
            let mut histogram = nanoseconds();
            histogram.record_n(value, 1_000).unwrap();
            Distribution {
                group: "hop".to_owned(),
                name: "a <ring>".to_owned(),
                since,
                histogram,
            }
        };
        let (response, service) = (of(Since::Due, 900), of(Since::Begun, 150));
        let mut page = String::new();
        section(&mut page, "hop", "hop", &[&response, &service]);
        assert_eq!(page.matches("<svg").count(), 2);
        assert_eq!(page.matches("<polyline").count(), 3);
        assert!(page.contains("a &lt;ring&gt;") && !page.contains("<ring>"));
        assert!(
            page.contains("<td>difference</td><td></td><td>+750 ns</td>"),
            "{page}"
        );
    }
}
