//! Documents of money that comes in from customers, or goes back to them (contract 7.3).

use super::amount::{Amount, HomeAmount};
use super::decimal::Decimal;
use super::field::groups;
use super::parts::{Email, Line, Link, Memo, Ref, TxnTax};
use crate::ground::time::CalendarDate;

groups! {
    /// Money received at once: most gifts. It may be of nobody.
    SalesReceipt {
        customer: Option<Ref> = "CustomerRef",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        balance: Option<Amount> = "Balance",
        home_total: Option<HomeAmount> = "HomeTotalAmt",
        deposit_to: Option<Ref> = "DepositToAccountRef",
        method: Option<Ref> = "PaymentMethodRef",
        /// What the payment was called by who brought it.
        reference: Option<String> = "PaymentRefNum",
        class: Option<Ref> = "ClassRef",
        department: Option<Ref> = "DepartmentRef",
        memo: Option<Memo> = "CustomerMemo",
        email: Option<Email> = "BillEmail",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
        links: Vec<Link> = "LinkedTxn",
    }
    /// Money given back.
    RefundReceipt {
        customer: Option<Ref> = "CustomerRef",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        balance: Option<Amount> = "Balance",
        home_total: Option<HomeAmount> = "HomeTotalAmt",
        deposit_to: Option<Ref> = "DepositToAccountRef",
        method: Option<Ref> = "PaymentMethodRef",
        reference: Option<String> = "PaymentRefNum",
        class: Option<Ref> = "ClassRef",
        department: Option<Ref> = "DepartmentRef",
        memo: Option<Memo> = "CustomerMemo",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
        links: Vec<Link> = "LinkedTxn",
    }
    /// Invoices paid. One of nothing uses a credit memo for an invoice (contract 7.3).
    Payment {
        customer: Option<Ref> = "CustomerRef",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        /// What pays nothing yet.
        unapplied: Option<Amount> = "UnappliedAmt",
        deposit_to: Option<Ref> = "DepositToAccountRef",
        receivable: Option<Ref> = "ARAccountRef",
        method: Option<Ref> = "PaymentMethodRef",
        reference: Option<String> = "PaymentRefNum",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        links: Vec<Link> = "LinkedTxn",
    }
}
