//! Words that QuickBooks chooses from a list. A word that is on no list of ours is kept as it is.

use super::amount::Terms;
use super::field::{Form, Part, Value};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$said:meta])* $word:ident = $wire:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$said])* #[doc = concat!("`", $wire, "`.")] $word,)*
            /// A word that is not known here.
            Other(String),
        }

        impl $name {
            /// The word as QuickBooks writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $wire,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($wire => Self::$word,)*
                    _ => Self::Other(word),
                }
            }
        }

        impl Part for $name {
            fn read<V: Value>(value: &V, _: Terms) -> Option<Self> {
                value.text().map(Self::from)
            }
            fn write<F: Form>(&self, form: &mut F) {
                form.text(self.as_str());
            }
        }
    )*};
}

words! {
    /// What an account is for (contract 7.3).
    AccountType {
        Bank = "Bank",
        Receivable = "Accounts Receivable",
        OtherCurrentAsset = "Other Current Asset",
        FixedAsset = "Fixed Asset",
        OtherAsset = "Other Asset",
        Payable = "Accounts Payable",
        CreditCard = "Credit Card",
        OtherCurrentLiability = "Other Current Liability",
        LongTermLiability = "Long Term Liability",
        Equity = "Equity",
        Income = "Income",
        CostOfGoodsSold = "Cost of Goods Sold",
        Expense = "Expense",
        OtherIncome = "Other Income",
        OtherExpense = "Other Expense",
        NonPosting = "Non-Posting",
    }
    /// Which side of the books an account is on.
    Classification {
        Asset = "Asset",
        Equity = "Equity",
        Expense = "Expense",
        Liability = "Liability",
        Revenue = "Revenue",
    }
    /// How bills were paid.
    PayType {
        Check = "Check",
        CreditCard = "CreditCard",
    }
    /// How money was spent.
    PaymentType {
        Cash = "Cash",
        Check = "Check",
        CreditCard = "CreditCard",
    }
    /// Which side of an account a line of a journal entry is on.
    PostingType {
        Debit = "Debit",
        Credit = "Credit",
    }
    /// What kind of detail a line has (contract 7.3).
    DetailType {
        SalesItem = "SalesItemLineDetail",
        Group = "GroupLineDetail",
        Discount = "DiscountLineDetail",
        SubTotal = "SubTotalLineDetail",
        Description = "DescriptionOnly",
        AccountExpense = "AccountBasedExpenseLineDetail",
        ItemExpense = "ItemBasedExpenseLineDetail",
        Deposit = "DepositLineDetail",
        JournalEntry = "JournalEntryLineDetail",
        Tax = "TaxLineDetail",
    }
    /// Whether a line is charged on to a customer.
    BillableStatus {
        Billable = "Billable",
        NotBillable = "NotBillable",
        HasBeenBilled = "HasBeenBilled",
    }
}
