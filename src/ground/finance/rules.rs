//! The catalogue of what can be wrong with books (finance 3): its rules, how bad each is at worst, and why some are not looked
//! at here.

/// How bad an issue is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It blocks a calculation.
    Critical,
    /// It distorts one.
    High,
    /// It matters for reporting only.
    Medium,
    /// It is cosmetic.
    Low,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// Whether it keeps a record from being decided about.
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Critical | Self::High)
    }
}

/// Why a rule was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotEvaluated {
    /// Its evidence would come from a bank or a payment service, and none is connected.
    NoRail,
    /// It needs what nobody has said yet: categories, tiers, tax forms, limits.
    NotSaid,
}

impl NotEvaluated {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoRail => "no_rail",
            Self::NotSaid => "not_said",
        }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident $word:literal,)*) => {
        /// A rule of the catalogue (finance 3.1 to 3.5).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word of the API, and of issue keys.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

rules! {
    /// A bill of nobody.
    MissingVendor "missing_vendor",
    /// An invoice to nobody.
    MissingCustomer "missing_customer",
    /// Nothing, or less than nothing, to pay.
    MissingAmount "missing_amount",
    /// Open, and nobody knows until when.
    MissingDueDate "missing_due_date",
    /// Written at no date.
    MissingIssueDate "missing_issue_date",
    /// Paid at no date.
    MissingPaymentDate "missing_payment_date",
    /// Due before it was written.
    DueBeforeTxn "due_before_txn",
    /// Written after today.
    IssueDateInFuture "issue_date_in_future",
    /// Due more than a year after it was written.
    ImplausibleDueDate "implausible_due_date",
    /// Spent on nothing that was sorted.
    Uncategorised "uncategorised",
    /// A vendor whose bills come without terms.
    MissingPaymentTerms "missing_payment_terms",
    /// An expense without a receipt.
    MissingReceipt "missing_receipt",
    /// A vendor whose tax form is missing.
    MissingTaxForm "missing_tax_form",
    /// A customer or vendor who cannot be reached.
    IncompleteContact "incomplete_contact",
    /// A bill that stands there twice.
    DuplicateBill "duplicate_bill",
    /// An invoice that stands there twice.
    DuplicateInvoice "duplicate_invoice",
    /// A payment that stands there twice.
    DuplicatePayment "duplicate_payment",
    /// A vendor who stands there twice.
    DuplicateVendor "duplicate_vendor",
    /// A customer who stands there twice.
    DuplicateCustomer "duplicate_customer",
    /// A vendor who is not there.
    OrphanedVendorRef "orphaned_vendor_ref",
    /// A customer who is not there.
    OrphanedCustomerRef "orphaned_customer_ref",
    /// A document that carries an old name.
    NameMismatch "name_mismatch",
    /// A bill without its paper.
    BillWithoutDocument "bill_without_document",
    /// A deposit that belongs to nothing.
    UnmatchedDeposit "unmatched_deposit",
    /// Money went out and there is no bill.
    MissingBill "missing_bill",
    /// Money that comes regularly did not.
    MissingExpectedInflow "missing_expected_inflow",
    /// A bank account below nothing.
    NegativeBankBalance "negative_bank_balance",
    /// The bank says otherwise.
    BalanceMismatch "balance_mismatch",
    /// The bank was not looked at for long.
    BankReconciliationDue "bank_reconciliation_due",
    /// A payment or credit of which something is left.
    Unapplied "unapplied_payment",
    /// A deposit that several sets of invoices explain.
    ArAmbiguous "ar_ambiguous",
    /// An invoice that is paid in the books only.
    GhostAr "ghost_ar",
    /// A payment that settles late.
    Timing "timing",
    /// Wages that are due and not planned.
    MissingPayroll "missing_payroll",
    /// Money without a rule for what it is.
    UnmappedCategory "unmapped_category",
    /// A vendor of whom nobody said how important they are.
    UnknownVendorPolicy "unknown_vendor_policy",
    /// An invoice that is late.
    OverdueInvoice "overdue_invoice",
    /// A large invoice that is not paid.
    LargeUnpaidInvoice "large_unpaid_invoice",
    /// A bill that is late.
    OverdueBill "overdue_bill",
    /// A bill that is due soon.
    UpcomingBill "upcoming_bill",
    /// Wages that are due soon.
    UpcomingPayroll "upcoming_payroll",
    /// An invoice that nobody touched for long.
    StaleAr "stale_ar",
    /// A bill that nobody touched for long.
    StaleAp "stale_ap",
    /// Books that are old.
    StaleData "stale_data",
    /// Books that cannot be read.
    SyncFailed "sync_failed",
    /// A company that must be connected again.
    ReconnectRequired "reconnect_required",
    /// Totals that differ from what QuickBooks reports.
    TotalsDrift "totals_drift",
    /// Records that cannot be read.
    SetAside "invalid_record",
    /// Two rails that say otherwise of one thing.
    AmountConflict "amount_conflict",
    /// Paid there and not in the books.
    PaidOnRailNotInLedger "paid_on_rail_not_in_ledger",
    /// Paid in the books and not there.
    PaidInLedgerNotOnRail "paid_in_ledger_not_on_rail",
    /// A change that needs a person.
    DeadLetter "dead_letter",
}

impl Rule {
    /// Why it is never looked at here, if it is not.
    pub const fn not_evaluated(self) -> Option<NotEvaluated> {
        match self {
            Self::UnmatchedDeposit
            | Self::MissingBill
            | Self::MissingExpectedInflow
            | Self::BalanceMismatch
            | Self::BankReconciliationDue
            | Self::ArAmbiguous
            | Self::GhostAr
            | Self::Timing
            | Self::BillWithoutDocument
            | Self::AmountConflict
            | Self::PaidOnRailNotInLedger
            | Self::PaidInLedgerNotOnRail => Some(NotEvaluated::NoRail),
            Self::MissingReceipt
            | Self::MissingTaxForm
            | Self::MissingPayroll
            | Self::UpcomingPayroll
            | Self::UnmappedCategory
            | Self::UnknownVendorPolicy => Some(NotEvaluated::NotSaid),
            _ => None,
        }
    }

    /// Whether it is about how the books are told, and not about what stands in them.
    pub const fn is_of_the_books(self) -> bool {
        matches!(
            self,
            Self::SyncFailed
                | Self::ReconnectRequired
                | Self::TotalsDrift
                | Self::SetAside
                | Self::DeadLetter
        )
    }

    /// Whether it is about when something is to be paid: shown, and nothing of it makes the records worse (3.4).
    pub const fn is_timing(self) -> bool {
        matches!(
            self,
            Self::OverdueInvoice
                | Self::LargeUnpaidInvoice
                | Self::OverdueBill
                | Self::UpcomingBill
                | Self::StaleAr
                | Self::StaleAp
        )
    }
}
