//! List objects: accounts, the people and firms one deals with, and what documents are sorted by (contract 7.3).

use super::amount::Amount;
use super::decimal::Decimal;
use super::field::groups;
use super::parts::{Address, Email, Phone, Ref};
use super::words::{AccountType, Classification};

groups! {
    /// An account.
    Account {
        name: Option<String> = "Name",
        full_name: Option<String> = "FullyQualifiedName",
        is_sub: Option<bool> = "SubAccount",
        parent: Option<Ref> = "ParentRef",
        active: Option<bool> = "Active",
        classification: Option<Classification> = "Classification",
        account_type: Option<AccountType> = "AccountType",
        sub_type: Option<String> = "AccountSubType",
        number: Option<String> = "AcctNum",
        description: Option<String> = "Description",
        /// Now, without its children; debits are positive, and accounts of income and expense read nothing.
        balance: Option<Amount> = "CurrentBalance",
        /// With its children.
        balance_with_subs: Option<Amount> = "CurrentBalanceWithSubAccounts",
        currency: Option<Ref> = "CurrencyRef",
    }
    /// Who pays us.
    Customer {
        display_name: Option<String> = "DisplayName",
        given_name: Option<String> = "GivenName",
        family_name: Option<String> = "FamilyName",
        company_name: Option<String> = "CompanyName",
        full_name: Option<String> = "FullyQualifiedName",
        active: Option<bool> = "Active",
        email: Option<Email> = "PrimaryEmailAddr",
        phone: Option<Phone> = "PrimaryPhone",
        bill_address: Option<Address> = "BillAddr",
        notes: Option<String> = "Notes",
        is_job: Option<bool> = "Job",
        parent: Option<Ref> = "ParentRef",
        bill_with_parent: Option<bool> = "BillWithParent",
        is_project: Option<bool> = "IsProject",
        /// What this name alone owes; can be negative.
        balance: Option<Amount> = "Balance",
        /// With its jobs.
        balance_with_jobs: Option<Amount> = "BalanceWithJobs",
        delivery: Option<String> = "PreferredDeliveryMethod",
        terms: Option<Ref> = "SalesTermRef",
        method: Option<Ref> = "PaymentMethodRef",
        currency: Option<Ref> = "CurrencyRef",
    }
    /// Whom we pay.
    Vendor {
        display_name: Option<String> = "DisplayName",
        given_name: Option<String> = "GivenName",
        family_name: Option<String> = "FamilyName",
        company_name: Option<String> = "CompanyName",
        active: Option<bool> = "Active",
        email: Option<Email> = "PrimaryEmailAddr",
        phone: Option<Phone> = "PrimaryPhone",
        bill_address: Option<Address> = "BillAddr",
        balance: Option<Amount> = "Balance",
        is_1099: Option<bool> = "Vendor1099",
        /// Masked.
        tax_id: Option<String> = "TaxIdentifier",
        number: Option<String> = "AcctNum",
        terms: Option<Ref> = "TermRef",
        payable: Option<Ref> = "APAccountRef",
        currency: Option<Ref> = "CurrencyRef",
    }
    /// What is sold or bought.
    Item {
        name: Option<String> = "Name",
        full_name: Option<String> = "FullyQualifiedName",
        description: Option<String> = "Description",
        active: Option<bool> = "Active",
        kind: Option<String> = "Type",
        sku: Option<String> = "Sku",
        parent: Option<Ref> = "ParentRef",
        unit_price: Option<Decimal> = "UnitPrice",
        purchase_cost: Option<Decimal> = "PurchaseCost",
        on_hand: Option<Decimal> = "QtyOnHand",
        income: Option<Ref> = "IncomeAccountRef",
        expense: Option<Ref> = "ExpenseAccountRef",
        asset: Option<Ref> = "AssetAccountRef",
    }
    /// A fund or a programme.
    Class {
        name: Option<String> = "Name",
        full_name: Option<String> = "FullyQualifiedName",
        is_sub: Option<bool> = "SubClass",
        parent: Option<Ref> = "ParentRef",
        active: Option<bool> = "Active",
    }
    /// A department or location.
    Department {
        name: Option<String> = "Name",
        full_name: Option<String> = "FullyQualifiedName",
        is_sub: Option<bool> = "SubDepartment",
        parent: Option<Ref> = "ParentRef",
        active: Option<bool> = "Active",
    }
    /// Terms of payment.
    Term {
        name: Option<String> = "Name",
        active: Option<bool> = "Active",
        kind: Option<String> = "Type",
        due_days: Option<Decimal> = "DueDays",
        discount_days: Option<Decimal> = "DiscountDays",
        discount_percent: Option<Decimal> = "DiscountPercent",
        due_day_of_month: Option<Decimal> = "DayOfMonthDue",
    }
    /// A way of paying.
    PaymentMethod {
        name: Option<String> = "Name",
        active: Option<bool> = "Active",
        kind: Option<String> = "Type",
    }
}
