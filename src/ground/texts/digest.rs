//! What the weekly digest of a company says.

use crate::ground::time::CalendarDate;

/// What is said where a figure is not known.
pub const NOT_KNOWN: &str = "not known";
/// Where nothing is spent.
pub const NOT_BURNING: &str = "nothing is spent";
/// What stands above the figures.
pub const DIGEST_HEAD: [&str; 3] = ["", "A week ago", "Now"];
/// The names of the figures.
pub const DIGEST_CASH: &str = "Cash that is free";
/// How long it lasts.
pub const DIGEST_LASTS: &str = "It lasts";
/// What is owed.
pub const DIGEST_OWED: &str = "We owe";
/// What others owe.
pub const DIGEST_DUE: &str = "We are owed";
/// How good the records are.
pub const DIGEST_QUALITY: &str = "Records, of 100";
/// The titles of the parts.
pub const DIGEST_FIGURES: &str = "Where the money stands";
/// What moved it.
pub const DIGEST_CAUSES: &str = "What moved it";
/// What was decided.
pub const DIGEST_DECIDED: &str = "Decided and not paid yet";
/// What is to be done.
pub const DIGEST_NEXT: &str = "What comes next";
/// The weeks ahead.
pub const DIGEST_AHEAD: &str = "Thirteen weeks ahead";
/// What stands above them.
pub const DIGEST_WEEKS: [&str; 4] = ["Week of", "Comes", "Goes", "Cash at its end"];
/// How late it is.
pub const DIGEST_LATE: &str = "How late it is";
/// What stands above that.
pub const DIGEST_LATE_HEAD: [&str; 3] = ["", "We owe", "We are owed"];
/// Whether the books are complete.
pub const DIGEST_RECORDS: &str = "The books";
/// Words that are too long.
pub const DIGEST_WORDS: &str = "Write 5,000 characters at the most.";
/// A digest that does not change any more.
pub const DIGEST_APPROVED: &str =
    "This digest is approved and does not change any more. Make a draft of it again first.";

/// A wish that is none.
pub const DIGEST_WISH: &str = "Send other words, or one of redraw, approve and reopen.";

/// A date as people write it: `23 Nov 2026`.
pub fn date(date: CalendarDate) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = date.to_string();
    let mut parts = text.rsplitn(3, '-');
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|month| month.parse::<usize>().ok()?.checked_sub(1));
    match (day, month.and_then(|month| MONTHS.get(month)), year) {
        (Some(day), Some(month), Some(year)) => format!("{} {month} {year}", day.trim_start_matches('0')),
        _ => text,
    }
}

/// A number in decimals with its thousands parted: `1,250.50`.
pub fn grouped(decimal: &str) -> String {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |rest| ("-", rest));
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Its title.
pub fn digest_title(company: &str) -> String {
    format!("{company}: how the money stands")
}

/// Of which week it is, and of which day.
pub fn digest_subtitle(week: CalendarDate, today: CalendarDate) -> String {
    format!("Week of {}, as it stood on {}", date(week), date(today))
}

/// Where its numbers come from.
pub fn digest_foot(currency: &str, at: &str, entry: u64) -> String {
    format!(
        "All amounts in {currency}. Drawn up by Almoner at {at} from the books as QuickBooks told them, entry {entry} of the journal."
    )
}

/// How long the cash lasts.
pub fn digest_lasts(days: i64, until: CalendarDate) -> String {
    format!("{days} {}, until {}", if days == 1 { "day" } else { "days" }, date(until))
}

/// What moved.
pub fn digest_moved(word: &str) -> &'static str {
    match word {
        "came_in" => "Came in",
        "went_out" => "Went out",
        "new_bill" => "A bill came",
        "bill_settled" => "A bill was settled",
        "new_invoice" => "An invoice was written",
        "invoice_settled" => "An invoice was settled",
        _ => "Moved",
    }
}

/// What was decided.
pub fn digest_stage(word: &str) -> &'static str {
    match word {
        "pending" => "waits for a yes",
        "approved" => "approved, to be paid",
        "void" => "changed since it was approved",
        "held" => "held",
        "disputed" => "disputed",
        "rejected" => "refused",
        _ => "to be decided",
    }
}

/// What is to be put right: the words of a rule.
pub fn digest_rule(word: &str) -> String {
    let words = word.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Until when.
pub fn digest_until(due: CalendarDate) -> String {
    format!(", due {}", date(due))
}

/// The lowest point ahead.
pub fn digest_lowest(amount: &str, week: CalendarDate) -> String {
    format!("Lowest: {amount} at the end of the week of {}.", date(week))
}

/// How late, in words.
pub fn digest_bucket(word: &str) -> &'static str {
    match word {
        "current" => "Not late",
        "1_30" => "1 to 30 days",
        "31_60" => "31 to 60 days",
        "61_90" => "61 to 90 days",
        "over_90" => "More than 90 days",
        _ => "No due date",
    }
}

/// Whether the books are complete enough to be believed.
pub fn digest_gaps(gaps: usize) -> String {
    match gaps {
        0 => "Nothing critical is missing in the books.".to_owned(),
        1 => "1 gap in the books distorts these figures.".to_owned(),
        many => format!("{many} gaps in the books distort these figures."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_written_as_people_write_them() {
        for (told, written) in [
            ("0", "0"),
            ("999", "999"),
            ("1000.5", "1,000.5"),
            ("-1234567.89", "-1,234,567.89"),
            ("-999.00", "-999.00"),
        ] {
            assert_eq!(grouped(told), written);
        }
        assert_eq!(date("2026-11-03".parse().unwrap()), "3 Nov 2026");
        assert_eq!(digest_rule("missing_due_date"), "Missing due date");
    }
}
