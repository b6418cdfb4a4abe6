//! Documents: what is written into the books, each with its lines (contract 7.3).

use super::amount::{Amount, HomeAmount};
use super::decimal::Decimal;
use super::field::groups;
use super::parts::{CardPayment, CashBack, CheckPayment, Email, Line, Link, Memo, Ref, TxnTax};
use super::words::{PayType, PaymentType};
use crate::ground::time::CalendarDate;

groups! {
    /// What a vendor asks for. Paid when nothing is owed of it any more; it has no status of its own.
    Bill {
        vendor: Option<Ref> = "VendorRef",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        due: Option<CalendarDate> = "DueDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        balance: Option<Amount> = "Balance",
        home_balance: Option<HomeAmount> = "HomeBalance",
        terms: Option<Ref> = "SalesTermRef",
        payable: Option<Ref> = "APAccountRef",
        department: Option<Ref> = "DepartmentRef",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
        links: Vec<Link> = "LinkedTxn",
    }
    /// Bills paid. What its lines use of credits is money that does not move.
    BillPayment {
        vendor: Option<Ref> = "VendorRef",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        pay_type: Option<PayType> = "PayType",
        check: Option<CheckPayment> = "CheckPayment",
        card: Option<CardPayment> = "CreditCardPayment",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        payable: Option<Ref> = "APAccountRef",
        department: Option<Ref> = "DepartmentRef",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
    }
    /// What a vendor owes us; its balance is what was not used yet.
    VendorCredit {
        vendor: Option<Ref> = "VendorRef",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        balance: Option<Amount> = "Balance",
        payable: Option<Ref> = "APAccountRef",
        department: Option<Ref> = "DepartmentRef",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        links: Vec<Link> = "LinkedTxn",
    }
    /// A journal entry. Its own total reads nothing: its lines are summed (contract 7.3).
    JournalEntry {
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        adjustment: Option<bool> = "Adjustment",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
    }
    /// Money spent without a bill: cash, a cheque, a card.
    Purchase {
        account: Option<Ref> = "AccountRef",
        payment_type: Option<PaymentType> = "PaymentType",
        entity: Option<Ref> = "EntityRef",
        /// Of a card: money that came back.
        is_credit: Option<bool> = "Credit",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        department: Option<Ref> = "DepartmentRef",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
    }
    /// Money moved between two accounts.
    Transfer {
        from: Option<Ref> = "FromAccountRef",
        to: Option<Ref> = "ToAccountRef",
        amount: Option<Amount> = "Amount",
        date: Option<CalendarDate> = "TxnDate",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
    }
    /// Money brought to the bank.
    Deposit {
        account: Option<Ref> = "DepositToAccountRef",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        home_total: Option<HomeAmount> = "HomeTotalAmt",
        cash_back: Option<CashBack> = "CashBack",
        department: Option<Ref> = "DepartmentRef",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
    }
    /// What we ask for.
    Invoice {
        customer: Option<Ref> = "CustomerRef",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        due: Option<CalendarDate> = "DueDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        balance: Option<Amount> = "Balance",
        home_total: Option<HomeAmount> = "HomeTotalAmt",
        home_balance: Option<HomeAmount> = "HomeBalance",
        /// Paid when it was written.
        paid_at_once: Option<Amount> = "Deposit",
        terms: Option<Ref> = "SalesTermRef",
        receivable: Option<Ref> = "ARAccountRef",
        deposit_to: Option<Ref> = "DepositToAccountRef",
        class: Option<Ref> = "ClassRef",
        department: Option<Ref> = "DepartmentRef",
        memo: Option<Memo> = "CustomerMemo",
        email: Option<Email> = "BillEmail",
        email_status: Option<String> = "EmailStatus",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
        links: Vec<Link> = "LinkedTxn",
    }
    /// What we owe a customer.
    CreditMemo {
        customer: Option<Ref> = "CustomerRef",
        number: Option<String> = "DocNumber",
        date: Option<CalendarDate> = "TxnDate",
        lines: Vec<Line> = "Line",
        total: Option<Amount> = "TotalAmt",
        balance: Option<Amount> = "Balance",
        /// What was not used yet.
        remaining: Option<Amount> = "RemainingCredit",
        home_total: Option<HomeAmount> = "HomeTotalAmt",
        home_balance: Option<HomeAmount> = "HomeBalance",
        receivable: Option<Ref> = "ARAccountRef",
        class: Option<Ref> = "ClassRef",
        department: Option<Ref> = "DepartmentRef",
        memo: Option<Memo> = "CustomerMemo",
        currency: Option<Ref> = "CurrencyRef",
        rate: Option<Decimal> = "ExchangeRate",
        note: Option<String> = "PrivateNote",
        tax: Option<TxnTax> = "TxnTaxDetail",
        links: Vec<Link> = "LinkedTxn",
    }
}
