//! What records consist of: references, links, lines and their details (contract 7.1, 7.3).

use super::amount::Amount;
use super::decimal::Decimal;
use super::field::groups;
use super::id::EntityId;
use super::words::{BillableStatus, DetailType, PostingType};
use crate::ground::time::{CalendarDate, Instant};

groups! {
    /// A reference to another record. Its name is what it was called when it was read, and goes stale.
    Ref {
        id: Option<EntityId> = "value",
        name: Option<String> = "name",
        /// Of which kind, where it can be of several.
        kind: Option<String> = "type",
    }
    /// When a record was made and changed, to the second. The time of change can lie in the future (contract 3.3).
    Meta {
        created: Option<Instant> = "CreateTime",
        updated: Option<Instant> = "LastUpdatedTime",
    }
    /// A link to another document. Its kind mixes old names: a bill paid by card names a `BillPaymentCheck`, so that it
    /// is resolved by its id (contract 7.1).
    Link {
        id: Option<EntityId> = "TxnId",
        kind: Option<String> = "TxnType",
        line: Option<EntityId> = "TxnLineId",
    }
    /// An address for mail; may hold several, separated by commas.
    Email {
        address: Option<String> = "Address",
    }
    /// A telephone number as somebody typed it.
    Phone {
        number: Option<String> = "FreeFormNumber",
    }
    /// A postal address.
    Address {
        line1: Option<String> = "Line1",
        line2: Option<String> = "Line2",
        city: Option<String> = "City",
        region: Option<String> = "CountrySubDivisionCode",
        postcode: Option<String> = "PostalCode",
        country: Option<String> = "Country",
    }
    /// A message to a customer.
    Memo {
        text: Option<String> = "value",
    }
    /// A line of a document.
    Line {
        id: Option<EntityId> = "Id",
        number: Option<Decimal> = "LineNum",
        description: Option<String> = "Description",
        amount: Option<Amount> = "Amount",
        detail_type: Option<DetailType> = "DetailType",
        links: Vec<Link> = "LinkedTxn",
        sales_item: Option<SalesItemDetail> = "SalesItemLineDetail",
        account_expense: Option<AccountExpenseDetail> = "AccountBasedExpenseLineDetail",
        item_expense: Option<ItemExpenseDetail> = "ItemBasedExpenseLineDetail",
        deposit: Option<DepositDetail> = "DepositLineDetail",
        journal: Option<JournalDetail> = "JournalEntryLineDetail",
        discount: Option<DiscountDetail> = "DiscountLineDetail",
        group: Option<GroupDetail> = "GroupLineDetail",
        tax: Option<TaxDetail> = "TaxLineDetail",
    }
    /// What was sold.
    SalesItemDetail {
        item: Option<Ref> = "ItemRef",
        account: Option<Ref> = "ItemAccountRef",
        class: Option<Ref> = "ClassRef",
        tax_code: Option<Ref> = "TaxCodeRef",
        unit_price: Option<Decimal> = "UnitPrice",
        quantity: Option<Decimal> = "Qty",
        service_date: Option<CalendarDate> = "ServiceDate",
    }
    /// What was spent, by account.
    AccountExpenseDetail {
        account: Option<Ref> = "AccountRef",
        customer: Option<Ref> = "CustomerRef",
        class: Option<Ref> = "ClassRef",
        tax_code: Option<Ref> = "TaxCodeRef",
        billable: Option<BillableStatus> = "BillableStatus",
    }
    /// What was bought, by item.
    ItemExpenseDetail {
        item: Option<Ref> = "ItemRef",
        customer: Option<Ref> = "CustomerRef",
        class: Option<Ref> = "ClassRef",
        tax_code: Option<Ref> = "TaxCodeRef",
        unit_price: Option<Decimal> = "UnitPrice",
        quantity: Option<Decimal> = "Qty",
        billable: Option<BillableStatus> = "BillableStatus",
    }
    /// What was brought to the bank without a document of its own.
    DepositDetail {
        account: Option<Ref> = "AccountRef",
        entity: Option<Ref> = "Entity",
        class: Option<Ref> = "ClassRef",
        method: Option<Ref> = "PaymentMethodRef",
        check_number: Option<String> = "CheckNum",
    }
    /// One side of a journal entry. Its amount is never negative.
    JournalDetail {
        posting: Option<PostingType> = "PostingType",
        account: Option<Ref> = "AccountRef",
        entity: Option<JournalParty> = "Entity",
        class: Option<Ref> = "ClassRef",
        department: Option<Ref> = "DepartmentRef",
        billable: Option<BillableStatus> = "BillableStatus",
    }
    /// Whose account it is: a customer's on receivables, a vendor's on payables.
    JournalParty {
        kind: Option<String> = "Type",
        entity: Option<Ref> = "EntityRef",
    }
    /// What was taken off.
    DiscountDetail {
        by_percent: Option<bool> = "PercentBased",
        percent: Option<Decimal> = "DiscountPercent",
        account: Option<Ref> = "DiscountAccountRef",
    }
    /// A bundle of items.
    GroupDetail {
        item: Option<Ref> = "GroupItemRef",
        quantity: Option<Decimal> = "Quantity",
        lines: Vec<Line> = "Line",
    }
    /// A tax.
    TaxDetail {
        rate: Option<Ref> = "TaxRateRef",
        by_percent: Option<bool> = "PercentBased",
        percent: Option<Decimal> = "TaxPercent",
        taxed: Option<Amount> = "NetAmountTaxable",
    }
    /// The taxes of a document.
    TxnTax {
        total: Option<Amount> = "TotalTax",
        lines: Vec<Line> = "TaxLine",
    }
    /// What was kept back of a deposit.
    CashBack {
        account: Option<Ref> = "AccountRef",
        amount: Option<Amount> = "Amount",
        memo: Option<String> = "Memo",
    }
    /// Bills paid from a bank account.
    CheckPayment {
        account: Option<Ref> = "BankAccountRef",
        print_status: Option<String> = "PrintStatus",
    }
    /// Bills paid by card.
    CardPayment {
        account: Option<Ref> = "CCAccountRef",
    }
}
