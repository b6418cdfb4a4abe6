//! What is beside the books: the company, how it keeps them, and files attached to records (contract 7.3).

use super::decimal::Decimal;
use super::field::groups;
use super::parts::{Address, Email, Phone, Ref};
use crate::ground::time::CalendarDate;

groups! {
    /// What a file beside a record is. Its addresses are signed for a few minutes only, and stay in the rest.
    Attachable {
        file_name: Option<String> = "FileName",
        content_type: Option<String> = "ContentType",
        size: Option<Decimal> = "Size",
        category: Option<String> = "Category",
        note: Option<String> = "Note",
        attached_to: Vec<AttachedTo> = "AttachableRef",
    }
    /// Which record a file is beside.
    AttachedTo {
        entity: Option<Ref> = "EntityRef",
        on_send: Option<bool> = "IncludeOnSend",
    }
    /// The company.
    CompanyInfo {
        name: Option<String> = "CompanyName",
        legal_name: Option<String> = "LegalName",
        address: Option<Address> = "CompanyAddr",
        email: Option<Email> = "Email",
        phone: Option<Phone> = "PrimaryPhone",
        started: Option<CalendarDate> = "CompanyStartDate",
        first_month: Option<String> = "FiscalYearStartMonth",
        country: Option<String> = "Country",
        zone: Option<String> = "DefaultTimeZone",
        further: Vec<NameValue> = "NameValue",
    }
    /// A further fact about the company.
    NameValue {
        name: Option<String> = "Name",
        value: Option<String> = "Value",
    }
    /// How the company keeps its books.
    Preferences {
        accounting: Option<AccountingPrefs> = "AccountingInfoPrefs",
        currency: Option<CurrencyPrefs> = "CurrencyPrefs",
        sales_forms: Option<SalesFormsPrefs> = "SalesFormsPrefs",
    }
    /// Closing date, classes and departments.
    AccountingPrefs {
        /// Nothing on or before it may change.
        closed_to: Option<CalendarDate> = "BookCloseDate",
        class_per_txn: Option<bool> = "ClassTrackingPerTxn",
        class_per_line: Option<bool> = "ClassTrackingPerTxnLine",
        departments: Option<bool> = "TrackDepartments",
        customer_word: Option<String> = "CustomerTerminology",
        first_month: Option<String> = "FirstMonthOfFiscalYear",
    }
    /// Currencies.
    CurrencyPrefs {
        several: Option<bool> = "MultiCurrencyEnabled",
        home: Option<Ref> = "HomeCurrency",
    }
    /// Sales forms.
    SalesFormsPrefs {
        custom_numbers: Option<bool> = "CustomTxnNumbers",
    }
}
