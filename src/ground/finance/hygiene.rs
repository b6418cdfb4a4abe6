//! What is incomplete or does not agree in the books of a company (finance 3): each rule of the catalogue, looked at or told
//! to be not looked at, with why. Issues are found anew at each reading; their keys stay the same as long as they stand.

use std::collections::BTreeMap;

use super::burn::{Burn, impact_tenths};
use super::duplicates::{self, Twins};
use super::facts::{Document, Facts, Party, Side};
use super::figure::{Known, RecordName, Unknown};
use super::policy::Policy;
use super::rules::{Rule, Severity};
use crate::ground::books::{Decimal, Entity};
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

/// What would put it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// A field of the record; with a value where one follows from the books.
    Set {
        /// The field, by its word (`party`, `due`, ...).
        field: &'static str,
        /// A date that follows from the terms.
        date: Option<CalendarDate>,
    },
    /// The document carries a name that changed: it is read anew by itself when it is saved in QuickBooks.
    Refresh,
    /// One of two goes, in QuickBooks.
    RemoveOne,
    /// Something a person does in QuickBooks.
    InQuickBooks,
    /// Something a person does here: look, connect, decide.
    Here,
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Its name, which stays the same as long as it stands.
    pub key: String,
    /// By which rule.
    pub rule: Rule,
    /// How bad.
    pub severity: Severity,
    /// The records it is about, the first one above all; none for an issue of the whole company.
    pub of: Vec<RecordName>,
    /// What makes it one: name and value.
    pub evidence: Vec<(&'static str, String)>,
    /// What would put it right.
    pub fix: Fix,
    /// Tenths of days of runway that the record is worth.
    pub impact_tenths: Known<i64>,
    /// Until when what it is about is due.
    pub due: Option<CalendarDate>,
}

impl Issue {
    /// How soon somebody should look at it, from 0 to 100 (2.9): by severity, by what the record is worth in days, and
    /// whether it keeps something from being decided about that is due within a week.
    pub fn score(&self, today: CalendarDate) -> i64 {
        let base = match self.severity {
            Severity::Critical => 80,
            Severity::High => 60,
            Severity::Medium => 40,
            Severity::Low => 20,
        };
        let worth = self.impact_tenths.map_or(0, |tenths| (tenths.abs() * 3 / 10).min(15));
        let is_soon = self.due.is_some_and(|due| due.days_since(today) <= 7);
        let blocks = self.severity.blocks() && !self.rule.is_timing() && is_soon;
        (base + worth + if blocks { 5 } else { 0 }).min(100)
    }

    /// What makes it this issue and stays as long as nothing about it changes: what only time changes is left out.
    pub fn fingerprint(&self) -> String {
        let lasting = self.evidence.iter().filter(|(name, _)| !name.starts_with("days_"));
        let of: Vec<String> = lasting.map(|(name, value)| format!("{name}={value}")).collect();
        of.join(";")
    }

    /// Whether it keeps this record from being decided about.
    pub fn blocks(&self, record: &RecordName) -> bool {
        self.severity.blocks() && !self.rule.is_timing() && self.of.contains(record)
    }
}

/// How the books themselves are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    /// Whether the last complete look is older than a day, or there was none.
    pub is_old: bool,
    /// Why nothing goes right, if it does not.
    pub trouble: Option<String>,
    /// Whether a person must connect it again.
    pub reconnect: bool,
    /// Totals that differ: which, and by how much.
    pub gaps: Vec<(&'static str, String)>,
    /// Records that cannot be read.
    pub aside: Vec<RecordName>,
    /// Changes from here that need a person.
    pub stuck: usize,
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tray {
    /// The issues, the worst first.
    pub issues: Vec<Issue>,
}

/// What a rule is looked at with.
struct Looking<'f> {
    facts: &'f Facts,
    policy: &'f Policy,
    burn: &'f Known<Burn>,
    today: CalendarDate,
    found: Vec<Issue>,
}

/// Looks at every rule of the catalogue.
pub fn tray(facts: &Facts, policy: &Policy, burn: &Known<Burn>, sync: &Sync, today: CalendarDate) -> Tray {
    let mut looking = Looking { facts, policy, burn, today, found: Vec::new() };
    for document in &facts.documents {
        looking.fields(document);
        looking.references(document);
        looking.timing(document);
    }
    looking.money();
    looking.people();
    looking.twins();
    looking.books(sync);
    let mut issues = looking.found;
    // Many late invoices at once are no forgotten one (3.4).
    let late = issues.iter().filter(|issue| issue.rule == Rule::OverdueInvoice).count();
    for issue in issues.iter_mut().filter(|issue| issue.rule == Rule::OverdueInvoice && late > LATE_MANY) {
        issue.severity = Severity::High;
    }
    let impact = |issue: &Issue| issue.impact_tenths.map_or(0, i64::abs);
    issues.sort_by(|one, other| {
        let due = |issue: &Issue| issue.due.unwrap_or(CalendarDate::LAST);
        let worst = one.severity.cmp(&other.severity).then_with(|| impact(other).cmp(&impact(one)));
        worst.then_with(|| due(one).cmp(&due(other))).then_with(|| one.key.cmp(&other.key))
    });
    Tray { issues }
}

/// More late invoices than this are many.
const LATE_MANY: usize = 5;
/// A whole day of spending, and two, in tenths.
const A_DAY: i64 = 10;
const TWO_DAYS: i64 = 20;

impl Looking<'_> {
    fn impact(&self, amount: Known<Money>) -> Known<i64> {
        let burn = self.burn.map_err(|_| Unknown::NoBurn)?;
        impact_tenths(amount?, &burn)
    }

    fn issue(&mut self, rule: Rule, severity: Severity, of: Vec<RecordName>, fix: Fix) -> &mut Issue {
        let names: Vec<String> =
            of.iter().map(|name| format!("{}/{}", name.entity.path(), name.id)).collect();
        let key = format!("{}:{}", rule.word(), names.join("+"));
        let impact_tenths = Err(Unknown::NoRecords);
        self.found.push(Issue {
            key,
            rule,
            severity,
            of,
            evidence: Vec::new(),
            fix,
            impact_tenths,
            due: None,
        });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn about(&mut self, rule: Rule, severity: Severity, document: &Document, fix: Fix) -> &mut Issue {
        let (impact, due) = (self.impact(document.open), document.due);
        let issue = self.issue(rule, severity, vec![document.name.clone()], fix);
        (issue.impact_tenths, issue.due) = (impact, due);
        issue
    }

    /// 3.1, of bills and invoices.
    fn fields(&mut self, document: &Document) {
        if document.status.word() == "void" {
            return;
        }
        let worth = |at: i64| self.impact(document.open).is_ok_and(|tenths| tenths >= at);
        if document.party.is_none() {
            let (rule, bad) = match document.side {
                Side::Bill if worth(A_DAY) => (Rule::MissingVendor, Severity::Critical),
                Side::Bill => (Rule::MissingVendor, Severity::High),
                Side::Invoice => (Rule::MissingCustomer, Severity::High),
            };
            self.about(rule, bad, document, Fix::Set { field: "party", date: None });
        }
        if document.total.is_none_or(|total| total <= Decimal::ZERO) {
            let issue = self.about(Rule::MissingAmount, Severity::Critical, document, Fix::InQuickBooks);
            issue.evidence.extend(document.total.map(|total| ("total", total.to_string())));
        }
        if document.is_open() && document.due.is_none() {
            let date = self.facts.due_by_terms(document);
            let worth = self.impact(document.open).is_ok_and(|tenths| tenths >= TWO_DAYS);
            let severity = if worth { Severity::Critical } else { Severity::High };
            self.about(Rule::MissingDueDate, severity, document, Fix::Set { field: "due", date });
        }
        if document.date.is_none() {
            self.about(Rule::MissingIssueDate, Severity::Medium, document, Fix::InQuickBooks);
        }
        if let (Some(date), Some(due)) = (document.date, document.due) {
            let evidence = [("date", date.to_string()), ("due", due.to_string())];
            if due < date {
                let by_terms = self.facts.due_by_terms(document);
                let fix = Fix::Set { field: "due", date: by_terms };
                self.about(Rule::DueBeforeTxn, Severity::Medium, document, fix).evidence.extend(evidence);
            } else if due.days_since(date) > 365 {
                let fix = Fix::Set { field: "due", date: self.facts.due_by_terms(document) };
                self.about(Rule::ImplausibleDueDate, Severity::Low, document, fix).evidence.extend(evidence);
            }
        }
        if let Some(date) = document.date.filter(|date| *date > self.today) {
            let issue = self.about(Rule::IssueDateInFuture, Severity::Low, document, Fix::InQuickBooks);
            issue.evidence.push(("date", date.to_string()));
        }
        self.sorted(&document.name, document.home_total, &document.accounts);
    }

    fn sorted(
        &mut self,
        name: &RecordName,
        amount: Known<Money>,
        accounts: &[Option<crate::ground::books::EntityId>],
    ) {
        let unsorted = |account: &Option<crate::ground::books::EntityId>| {
            account.as_ref().is_none_or(|id| self.facts.uncategorised.contains(id))
        };
        let count = accounts.iter().filter(|account| unsorted(account)).count();
        if count == 0 {
            return;
        }
        // Above a twentieth of what is spent in a month it distorts what is spent on what.
        let month = self.burn.map(|burn| i128::from(burn.spent.micros) * 30 / i128::from(burn.days.max(1)));
        let large =
            matches!((amount, month), (Ok(amount), Ok(month)) if i128::from(amount.micros) * 20 > month);
        let severity = if large { Severity::High } else { Severity::Medium };
        let impact = self.impact(amount);
        let fix = Fix::Set { field: "lines.account", date: None };
        let issue = self.issue(Rule::Uncategorised, severity, vec![name.clone()], fix);
        issue.impact_tenths = impact;
        issue.evidence.push(("lines", count.to_string()));
    }

    /// 3.2, of references.
    fn references(&mut self, document: &Document) {
        let Some(id) = &document.party else { return };
        let (entity, orphaned) = match document.side {
            Side::Bill => (Entity::Vendor, Rule::OrphanedVendorRef),
            Side::Invoice => (Entity::Customer, Rule::OrphanedCustomerRef),
        };
        match self.facts.parties.get(&RecordName { entity, id: id.clone() }) {
            None => {
                let issue = self.about(orphaned, Severity::Medium, document, Fix::Here);
                issue.evidence.push(("id", id.to_string()));
            }
            Some(party) => {
                let (carried, called) = (document.party_name.clone(), party.called.clone());
                if let (Some(carried), Some(called)) = (carried, called)
                    && carried != called
                    && document.is_open()
                {
                    let issue = self.about(Rule::NameMismatch, Severity::Low, document, Fix::Refresh);
                    issue.evidence.extend([("carries", carried), ("called", called)]);
                }
            }
        }
    }

    /// 3.4: shown, and not counted against the records.
    fn timing(&mut self, document: &Document) {
        if !document.is_open() {
            return;
        }
        let late = document.days_late(self.today);
        let old = document.updated.is_some_and(|day| self.today.days_since(day) > self.policy.stale_days);
        match document.side {
            Side::Invoice => {
                if let Some(days) = late.filter(|days| *days > 0) {
                    let issue =
                        self.about(Rule::OverdueInvoice, Severity::Medium, document, Fix::InQuickBooks);
                    issue.evidence.push(("days_late", days.to_string()));
                }
                let large = self.policy.large_invoice_micros;
                if document.open.is_ok_and(|open| large.is_some_and(|large| open.micros > large)) {
                    self.about(Rule::LargeUnpaidInvoice, Severity::Medium, document, Fix::InQuickBooks);
                }
                if old {
                    self.about(Rule::StaleAr, Severity::Low, document, Fix::InQuickBooks);
                }
            }
            Side::Bill => {
                match late {
                    Some(days @ 1..) => {
                        let issue = self.about(Rule::OverdueBill, Severity::Medium, document, Fix::Here);
                        issue.evidence.push(("days_late", days.to_string()));
                    }
                    Some(days @ -30..=0) => {
                        let severity = if days >= -7 { Severity::Medium } else { Severity::Low };
                        let issue = self.about(Rule::UpcomingBill, severity, document, Fix::Here);
                        issue.evidence.push(("days_until", (-days).to_string()));
                    }
                    Some(_) | None => {}
                }
                if old {
                    self.about(Rule::StaleAp, Severity::Low, document, Fix::InQuickBooks);
                }
            }
        }
    }

    /// 3.1 and 3.3, of money.
    fn money(&mut self) {
        for name in &self.facts.undated {
            self.issue(Rule::MissingPaymentDate, Severity::Medium, vec![name.clone()], Fix::InQuickBooks);
        }
        for flow in &self.facts.flows {
            self.sorted(&flow.name, flow.amount, &flow.accounts);
        }
        for account in &self.facts.cash {
            let Ok(balance) = account.balance else { continue };
            if balance.micros < 0 {
                let name = RecordName { entity: Entity::Account, id: account.id.clone() };
                let issue =
                    self.issue(Rule::NegativeBankBalance, Severity::Critical, vec![name], Fix::InQuickBooks);
                issue.evidence.push(("balance", balance.decimal()));
            }
        }
        for left in &self.facts.unused {
            let impact = self.impact(left.amount);
            let issue =
                self.issue(Rule::Unapplied, Severity::Medium, vec![left.name.clone()], Fix::InQuickBooks);
            issue.impact_tenths = impact;
            issue.evidence.extend(left.amount.ok().map(|amount| ("left", amount.decimal())));
        }
    }

    /// 3.1, of customers and vendors that are dealt with.
    fn people(&mut self) {
        // Vendors by what their bills say of terms; whoever is not among them is not dealt with.
        let mut dealt: BTreeMap<RecordName, bool> = BTreeMap::new();
        for document in &self.facts.documents {
            let entity = match document.side {
                Side::Bill => Entity::Vendor,
                Side::Invoice => Entity::Customer,
            };
            let Some(id) = document.party.clone() else { continue };
            *dealt.entry(RecordName { entity, id }).or_default() |= document.terms.is_some();
        }
        let used = |party: &&Party| party.active && dealt.contains_key(&party.name);
        let parties: Vec<Party> = self.facts.parties.values().filter(used).cloned().collect();
        for party in parties {
            let missing: Vec<&'static str> = [
                ("name", party.called.as_ref().is_none_or(String::is_empty)),
                ("email", party.email.as_ref().is_none_or(String::is_empty)),
                ("phone", !party.has_phone),
                ("address", !party.has_address),
            ]
            .into_iter()
            .filter_map(|(field, missing)| missing.then_some(field))
            .collect();
            // One way to reach somebody is enough.
            if missing.contains(&"name") || missing.len() >= 3 {
                let fix = Fix::Set { field: "email", date: None };
                let issue = self.issue(Rule::IncompleteContact, Severity::Low, vec![party.name.clone()], fix);
                issue.evidence.push(("missing", missing.join(", ")));
            }
            if party.name.entity == Entity::Vendor
                && party.terms.is_none()
                && dealt.get(&party.name) == Some(&false)
            {
                let fix = Fix::Set { field: "terms", date: None };
                self.issue(Rule::MissingPaymentTerms, Severity::Low, vec![party.name], fix);
            }
        }
    }

    /// 3.2, of what stands there twice.
    fn twins(&mut self) {
        for (side, rule) in [(Side::Bill, Rule::DuplicateBill), (Side::Invoice, Rule::DuplicateInvoice)] {
            for Twins { one, other, certain } in duplicates::documents(self.facts, side) {
                let open = |name: &RecordName| {
                    self.facts.documents.iter().any(|it| it.name == *name && it.is_open())
                };
                let severity = if open(&one) && open(&other) { Severity::Critical } else { Severity::High };
                let issue = self.issue(rule, severity, vec![one, other], Fix::RemoveOne);
                issue.evidence.push(("same_number", certain.to_string()));
            }
        }
        for Twins { one, other, .. } in duplicates::payments(self.facts) {
            self.issue(Rule::DuplicatePayment, Severity::Critical, vec![one, other], Fix::RemoveOne);
        }
        for (entity, rule) in
            [(Entity::Vendor, Rule::DuplicateVendor), (Entity::Customer, Rule::DuplicateCustomer)]
        {
            for Twins { one, other, .. } in duplicates::parties(self.facts, entity) {
                self.issue(rule, Severity::Medium, vec![one, other], Fix::RemoveOne);
            }
        }
    }

    /// 3.5, of the books themselves.
    fn books(&mut self, sync: &Sync) {
        if sync.is_old {
            self.issue(Rule::StaleData, Severity::High, Vec::new(), Fix::Here);
        }
        if let Some(said) = &sync.trouble {
            let issue = self.issue(Rule::SyncFailed, Severity::High, Vec::new(), Fix::Here);
            issue.evidence.push(("said", said.clone()));
        }
        if sync.reconnect {
            self.issue(Rule::ReconnectRequired, Severity::Critical, Vec::new(), Fix::Here);
        }
        for (what, gap) in &sync.gaps {
            let issue = self.issue(Rule::TotalsDrift, Severity::Medium, Vec::new(), Fix::Here);
            issue.key = format!("{}:{what}", Rule::TotalsDrift.word());
            issue.evidence.push((what, gap.clone()));
        }
        for name in &sync.aside {
            self.issue(Rule::SetAside, Severity::Medium, vec![name.clone()], Fix::InQuickBooks);
        }
        if sync.stuck > 0 {
            let issue = self.issue(Rule::DeadLetter, Severity::High, Vec::new(), Fix::Here);
            issue.evidence.push(("changes", sync.stuck.to_string()));
        }
    }
}
