//! The kinds of objects, their paths, properties and what each needs (contract 7.3).

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the object of that name in the contract")]
pub enum Kind {
    Account,
    Attachable,
    Bill,
    BillPayment,
    Class,
    CompanyInfo,
    CreditMemo,
    Customer,
    Department,
    Deposit,
    Employee,
    Estimate,
    Invoice,
    Item,
    JournalEntry,
    Payment,
    PaymentMethod,
    Preferences,
    Purchase,
    RefundReceipt,
    SalesReceipt,
    Term,
    Transfer,
    Vendor,
    VendorCredit,
}

/// What kinds have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A list object: it is deactivated, never deleted.
    Name,
    /// A transaction.
    Document,
    /// There is one in a company.
    Single,
    /// An attachment.
    File,
}

/// Where ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sequence {
    /// Shared by all transactions.
    Documents,
    /// Shared by customers, vendors and employees.
    People,
    /// Its own, from 1.
    Own(Kind),
    /// `5000000000000…`.
    Long(Kind),
}

/// One kind, described.
pub(crate) struct Spec {
    /// The kind.
    pub(crate) kind: Kind,
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) sort: Sort,
    /// Where its ids come from.
    pub(crate) sequence: Sequence,
    /// Whether a page tells the total.
    pub(crate) counted: bool,
    /// Fields a create needs.
    pub(crate) required: &'static [&'static str],
    properties: &'static str,
}

const COMMON: &str = "domain sparse status Id SyncToken MetaData";
const SALES: &str = "AllowIPNPayment AllowOnlinePayment AllowOnlineCreditCardPayment AllowOnlineACHPayment CustomField \
    DocNumber TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail CustomerRef \
    CustomerMemo BillAddr ShipAddr ShipFromAddr FreeFormAddress ClassRef SalesTermRef DueDate ShipMethodRef ShipDate \
    TrackingNum TotalAmt HomeTotalAmt ApplyTaxAfterDiscount PrintStatus EmailStatus BillEmail BillEmailCc BillEmailBcc \
    DeliveryInfo InvoiceLink Balance HomeBalance RemainingCredit InvoiceRef PaymentMethodRef PaymentRefNum \
    DepositToAccountRef ARAccountRef Deposit GlobalTaxCalculation RecurDataRef TxnSource TxnStatus ExpirationDate \
    AcceptedBy AcceptedDate CheckPayment CreditCardPayment PaymentType TransactionLocationType";
const PURCHASES: &str = "SalesTermRef DueDate Balance HomeBalance VendorAddr DocNumber TxnDate DepartmentRef CurrencyRef \
    ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail VendorRef APAccountRef TotalAmt GlobalTaxCalculation \
    RecurDataRef TransactionLocationType";
const PEOPLE: &str = "Taxable BillAddr ShipAddr OtherAddr Notes Job BillWithParent ParentRef Level IsProject Balance \
    OpenBalanceDate BalanceWithJobs CurrencyRef PreferredDeliveryMethod ResaleNum Title GivenName MiddleName FamilyName \
    Suffix FullyQualifiedName CompanyName DisplayName PrintOnCheckName Active PrimaryPhone AlternatePhone Mobile Fax \
    PrimaryEmailAddr WebAddr SalesTermRef PaymentMethodRef CustomerTypeRef DefaultTaxCodeRef TaxIdentifier AcctNum \
    Vendor1099 TermRef BillRate CostRate APAccountRef ClientEntityId V4IDPseudonym BillableTime BirthDate HiredDate \
    ReleasedDate EmployeeNumber Gender SSN PrimaryAddr";

macro_rules! spec {
    ($kind:ident, $sort:ident, $sequence:expr, $counted:expr, [$($need:literal),*], $properties:expr) => {
        Spec {
            kind: Kind::$kind,
            name: stringify!($kind),
            sort: Sort::$sort,
            sequence: $sequence,
            counted: $counted,
            required: &[$($need),*],
            properties: $properties,
        }
    };
}

use Sequence::{Documents, Long, Own, People};

static SPECS: [Spec; 25] = [
    spec!(
        Account,
        Name,
        Own(Kind::Account),
        false,
        ["Name"],
        "Name SubAccount ParentRef Description FullyQualifiedName \
        Active Classification AccountType AccountSubType AcctNum CurrentBalance CurrentBalanceWithSubAccounts CurrencyRef \
        TaxCodeRef"
    ),
    spec!(
        Attachable,
        File,
        Long(Kind::Attachable),
        false,
        [],
        "FileName FileAccessUri TempDownloadUri Size ContentType \
        Category Note Tag ThumbnailFileAccessUri ThumbnailTempDownloadUri AttachableRef"
    ),
    spec!(Bill, Document, Documents, true, ["VendorRef", "Line"], PURCHASES),
    spec!(
        BillPayment,
        Document,
        Documents,
        true,
        ["VendorRef", "PayType", "TotalAmt", "Line"],
        "VendorRef PayType \
        CheckPayment CreditCardPayment TotalAmt APAccountRef DocNumber TxnDate DepartmentRef CurrencyRef ExchangeRate \
        PrivateNote LinkedTxn Line ProcessBillPayment"
    ),
    spec!(
        Class,
        Name,
        Long(Kind::Class),
        false,
        ["Name"],
        "Name SubClass ParentRef FullyQualifiedName Active"
    ),
    spec!(
        CompanyInfo,
        Single,
        Own(Kind::CompanyInfo),
        false,
        [],
        "CompanyName LegalName CompanyAddr \
        CustomerCommunicationAddr LegalAddr PrimaryPhone CompanyStartDate FiscalYearStartMonth Country Email WebAddr \
        SupportedLanguages DefaultTimeZone NameValue EmployerId"
    ),
    spec!(CreditMemo, Document, Documents, false, ["CustomerRef", "Line"], SALES),
    spec!(Customer, Name, People, false, [], PEOPLE),
    spec!(
        Department,
        Name,
        Own(Kind::Department),
        false,
        ["Name"],
        "Name SubDepartment ParentRef FullyQualifiedName \
        Active Address"
    ),
    spec!(
        Deposit,
        Document,
        Documents,
        true,
        ["DepositToAccountRef", "Line"],
        "DepositToAccountRef TotalAmt HomeTotalAmt \
        CashBack DocNumber TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail \
        GlobalTaxCalculation TxnSource"
    ),
    spec!(Employee, Name, People, false, [], PEOPLE),
    spec!(Estimate, Document, Documents, false, ["CustomerRef", "Line"], SALES),
    spec!(Invoice, Document, Documents, true, ["CustomerRef", "Line"], SALES),
    spec!(
        Item,
        Name,
        Own(Kind::Item),
        false,
        ["Name"],
        "Name Sku Description Active FullyQualifiedName SubItem ParentRef \
        Level Taxable SalesTaxIncluded UnitPrice Type IncomeAccountRef PurchaseDesc PurchaseCost ExpenseAccountRef \
        AssetAccountRef TrackQtyOnHand QtyOnHand InvStartDate ClassRef PrefVendorRef ItemCategoryType"
    ),
    spec!(
        JournalEntry,
        Document,
        Documents,
        true,
        ["Line"],
        "Adjustment DocNumber TxnDate CurrencyRef ExchangeRate \
        PrivateNote Line TxnTaxDetail TotalAmt HomeTotalAmt GlobalTaxCalculation RecurDataRef"
    ),
    spec!(
        Payment,
        Document,
        Documents,
        false,
        ["CustomerRef", "TotalAmt"],
        "CustomerRef DepositToAccountRef ARAccountRef \
        PaymentMethodRef PaymentRefNum TotalAmt UnappliedAmt ProcessPayment TxnDate CurrencyRef ExchangeRate PrivateNote \
        LinkedTxn Line CreditCardPayment TxnSource TransactionLocationType"
    ),
    spec!(PaymentMethod, Name, Own(Kind::PaymentMethod), false, ["Name"], "Name Active Type"),
    spec!(
        Preferences,
        Single,
        Own(Kind::Preferences),
        false,
        [],
        "AccountingInfoPrefs ProductAndServicesPrefs \
        SalesFormsPrefs EmailMessagesPrefs VendorAndPurchasesPrefs TimeTrackingPrefs TaxPrefs CurrencyPrefs ReportPrefs \
        OtherPrefs"
    ),
    spec!(
        Purchase,
        Document,
        Documents,
        false,
        ["AccountRef", "PaymentType", "Line"],
        "AccountRef PaymentType PaymentMethodRef \
        PaymentRefNum EntityRef RemitToAddr Credit TotalAmt PrintStatus PurchaseEx DocNumber TxnDate DepartmentRef \
        CurrencyRef ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail GlobalTaxCalculation RecurDataRef TxnSource"
    ),
    spec!(RefundReceipt, Document, Documents, false, ["Line", "DepositToAccountRef"], SALES),
    spec!(SalesReceipt, Document, Documents, false, ["Line"], SALES),
    spec!(
        Term,
        Name,
        Own(Kind::Term),
        false,
        ["Name"],
        "Name Active Type DiscountPercent DiscountDays DueDays DayOfMonthDue \
        DueNextMonthDays"
    ),
    spec!(
        Transfer,
        Document,
        Documents,
        false,
        ["FromAccountRef", "ToAccountRef", "Amount"],
        "FromAccountRef ToAccountRef \
        Amount TxnDate CurrencyRef ExchangeRate PrivateNote RecurDataRef"
    ),
    spec!(Vendor, Name, People, false, [], PEOPLE),
    spec!(VendorCredit, Document, Documents, false, ["VendorRef", "Line"], PURCHASES),
];

impl Kind {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.kind)
    }

    /// Its description.
    pub(crate) fn spec(self) -> &'static Spec {
        SPECS.iter().find(|spec| spec.kind == self).unwrap_or(&SPECS[0])
    }

    /// The kind of that name, as queries write it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.kind)
    }

    /// The kind of that name in whatever case, as paths and CDC write it.
    pub(crate) fn of_path(name: &str) -> Option<Self> {
        SPECS.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)).map(|spec| spec.kind)
    }

    /// Whether it is a transaction.
    pub(crate) fn is_document(self) -> bool {
        self.spec().sort == Sort::Document
    }

    /// Whether its name must be unique among customers, vendors and employees.
    pub(crate) fn is_person(self) -> bool {
        matches!(self, Self::Customer | Self::Vendor | Self::Employee)
    }
}

impl Spec {
    /// Its properties in the order of answers.
    pub(crate) fn properties(&self) -> Vec<&'static str> {
        let mut all: Vec<_> = COMMON.split_whitespace().collect();
        all.extend(self.properties.split_whitespace());
        all
    }
}

/// The list a reference leads into, and what a fault calls it; `None` for words that are no ids here.
pub(crate) fn target(field: &str) -> Option<(Kind, &'static str)> {
    Some(match field {
        "CustomerRef" => (Kind::Customer, "Names"),
        "VendorRef" | "PrefVendorRef" => (Kind::Vendor, "Names"),
        "ItemRef" => (Kind::Item, "Items"),
        "ClassRef" => (Kind::Class, "Klasses"),
        "DepartmentRef" => (Kind::Department, "Depts"),
        "SalesTermRef" | "TermRef" => (Kind::Term, "Terms"),
        "PaymentMethodRef" => (Kind::PaymentMethod, "PaymentMethods"),
        "AccountRef"
        | "DepositToAccountRef"
        | "BankAccountRef"
        | "CCAccountRef"
        | "APAccountRef"
        | "ARAccountRef"
        | "FromAccountRef"
        | "ToAccountRef"
        | "IncomeAccountRef"
        | "ExpenseAccountRef"
        | "AssetAccountRef"
        | "ItemAccountRef"
        | "DiscountAccountRef" => (Kind::Account, "Accounts"),
        _ => return None,
    })
}
