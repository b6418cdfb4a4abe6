//! Reports, as a daily control of what the mirror adds up to (contract 8). Rows are found by their group and accounts by their
//! id, never by titles or order, which the newer form of reports has changed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::Fault;
use crate::ground::books::{Amount, Decimal, EntityId};
use crate::ground::money::Currency;
use crate::ground::time::CalendarDate;

/// A report, as far as it is a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which one: `BalanceSheet`.
    pub name: String,
    /// In which currency; none where it does not say one that exists.
    pub currency: Option<Currency>,
    /// Until when, inclusive.
    pub until: Option<CalendarDate>,
    /// Whether it had anything to tell.
    pub has_data: bool,
    /// Totals by group: `NetIncome`, `AR`, `AP`, `TotalAssets`.
    totals: BTreeMap<String, Decimal>,
    /// Figures by account, customer or vendor: their own, without those below them.
    pub by_id: BTreeMap<EntityId, Decimal>,
}

impl Report {
    /// The total of a group. An empty cell, and a group that is not there, are nothing where the report has no data, and
    /// unknown where it has.
    pub fn total(&self, group: &str) -> Option<Amount> {
        let nothing = (!self.has_data).then_some(Decimal::ZERO);
        let exact = self.totals.get(group).copied().or(nothing)?;
        Some(Amount { exact, currency: self.currency? })
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "Header")]
    header: Header,
    #[serde(rename = "Columns", default)]
    columns: Columns,
    #[serde(rename = "Rows", default)]
    rows: Rows,
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "ReportName")]
    name: String,
    #[serde(rename = "Currency", default)]
    currency: Option<String>,
    #[serde(rename = "EndPeriod", default)]
    until: Option<String>,
    #[serde(rename = "Option", default)]
    options: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "Value", default)]
    value: String,
}

#[derive(Default, Deserialize)]
struct Columns {
    #[serde(rename = "Column", default)]
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    #[serde(rename = "MetaData", default)]
    said: Vec<Said>,
}

#[derive(Default, Deserialize)]
struct Rows {
    #[serde(rename = "Row", default)]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    group: Option<String>,
    #[serde(rename = "Header", default)]
    header: Cells,
    #[serde(rename = "Summary", default)]
    summary: Cells,
    #[serde(rename = "ColData", default)]
    cells: Vec<Cell>,
    #[serde(rename = "Rows", default)]
    rows: Rows,
}

#[derive(Default, Deserialize)]
struct Cells {
    #[serde(rename = "ColData", default)]
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    #[serde(default)]
    value: String,
    #[serde(default)]
    id: Option<String>,
}

/// Reads a report.
pub fn report(body: &[u8]) -> Result<Report, Fault> {
    let wire: Wire = serde_json::from_slice(body).map_err(|error| {
        let said = "the answer of QuickBooks is no report".to_owned();
        if error.is_eof() || error.is_syntax() { Fault::NoAnswer(said) } else { Fault::Unfit(said) }
    })?;
    let says_none =
        wire.header.options.iter().any(|said| said.name == "NoReportData" && said.value == "true");
    let is_total =
        |column: &Column| column.said.iter().any(|said| said.name == "ColKey" && said.value == "total");
    let column = wire.columns.columns.iter().position(is_total);
    let mut report = Report {
        name: wire.header.name,
        currency: wire.header.currency.and_then(|code| code.parse().ok()),
        until: wire.header.until.and_then(|date| date.parse().ok()),
        has_data: !says_none,
        totals: BTreeMap::new(),
        by_id: BTreeMap::new(),
    };
    report.take(wire.rows, column);
    Ok(report)
}

/// The figure of a row: in the column of totals, else in the last one.
fn figure(cells: &[Cell], column: Option<usize>) -> Option<Decimal> {
    let cell = column.map_or_else(|| cells.last(), |column| cells.get(column))?;
    cell.value.trim().parse().ok()
}

impl Report {
    /// Rows within rows; the reader of JSON ends them at a depth of 128.
    fn take(&mut self, rows: Rows, column: Option<usize>) {
        for row in rows.rows {
            for cells in [&row.cells, &row.header.cells] {
                let id = cells.first().and_then(|cell| EntityId::new(cell.id.as_deref()?));
                if let Some((id, figure)) = id.zip(figure(cells, column)) {
                    self.by_id.entry(id).or_insert(figure);
                }
            }
            if let Some((group, figure)) = row.group.zip(figure(&row.summary.cells, column)) {
                self.totals.entry(group).or_insert(figure);
            }
            self.take(row.rows, column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rails::qbo::codec::recorded::folder;

    fn recorded(file: &str) -> String {
        std::fs::read_to_string(folder().join(file)).unwrap()
    }

    /// The body of a recorded exchange.
    fn body(file: &str) -> String {
        let exchanges: serde_json::Value = serde_json::from_str(&recorded(file)).unwrap();
        exchanges[0]["body"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_recorded_report_adds_up_to_its_net_income() {
        let report = report(recorded("exotik850-quickbooks-types/report1.json").as_bytes()).unwrap();
        assert_eq!(
            (report.name.as_str(), report.until.unwrap().to_string()),
            ("ProfitAndLoss", "2025-06-28".into())
        );
        let total = |group: &str| report.total(group).unwrap().exact;
        let less = |one: Decimal, other: Decimal| one.plus(other.negated()).unwrap();
        assert_eq!(less(total("Income"), total("COGS")), total("GrossProfit"));
        assert_eq!(less(total("GrossProfit"), total("Expenses")), total("NetOperatingIncome"));
        assert_eq!(less(total("OtherIncome"), total("OtherExpenses")), total("NetOtherIncome"));
        let net = total("NetOperatingIncome").plus(total("NetOtherIncome")).unwrap();
        assert_eq!((net, total("NetIncome")), ("-6909.52".parse().unwrap(), net));
        assert_eq!(report.by_id[&EntityId::new("340").unwrap()], "-233.27".parse().unwrap());
        assert_eq!(report.total("TotalAssets"), None, "what a report with data does not tell is not nothing");
    }

    #[test]
    fn a_report_without_data_is_nothing_and_others_are_read_too() {
        let empty =
            report(body("minimul-qbo_api/derived-json/reports__profit_and_loss.json").as_bytes()).unwrap();
        assert!(!empty.has_data && empty.total("NetIncome").unwrap().exact.is_zero());
        let ledger = report(body("minimul-qbo_api/derived-json/reports__gl.json").as_bytes()).unwrap();
        assert_eq!(ledger.name, "GeneralLedger");
        let sales = report(recorded("exotik850-quickbooks-types/report2.json").as_bytes()).unwrap();
        assert_eq!(sales.currency, "USD".parse().ok());
        assert!(matches!(report(b"<html>"), Err(Fault::NoAnswer(_))));
        assert!(matches!(report(br#"{"Header":{"Repo"#), Err(Fault::NoAnswer(_))));
        assert!(matches!(report(br#"{"QueryResponse":{}}"#), Err(Fault::Unfit(_))));
    }

    #[test]
    fn the_newer_form_is_read_by_group_and_column_whatever_its_order() {
        let text = r#"{"Header":{"ReportName":"BalanceSheet","Currency":"EUR"},
            "Columns":{"Column":[{"MetaData":[]},{"MetaData":[{"Name":"ColKey","Value":"total"}]},{"MetaData":[]}]},
            "Rows":{"Row":[{"type":"Section","group":"AR","Rows":{"Row":[{"type":"Section",
                "Header":{"ColData":[{"value":"Receivables","id":"84"},{"value":"10.00"},{"value":"1"}]},
                "Rows":{"Row":[{"ColData":[{"value":"Sub","id":"85"},{"value":"2.50"},{"value":"1"}]}]},
                "Summary":{"ColData":[{"value":"Total for Receivables"},{"value":"12.50"},{"value":"2"}]}}]},
                "Summary":{"ColData":[{"value":"Total"},{"value":"12.50"},{"value":"2"}]}}]}}"#;
        let report = report(text.as_bytes()).unwrap();
        let receivable = report.total("AR").unwrap();
        assert_eq!((receivable.exact, receivable.currency.as_str()), ("12.50".parse().unwrap(), "EUR"));
        let own = report.by_id.iter().map(|(id, figure)| format!("{id} {figure}"));
        assert_eq!(own.collect::<Vec<_>>(), ["84 10.00", "85 2.50"]);
    }
}
