//! Every sentence the rules say to people, in one place (en-GB).
//!
//! Codes are stable vocabulary: add, deprecate, never repurpose (domain 1.15).

mod digest;

pub use digest::*;

/// A finding about a staged row: its code, what is so, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable code.
    pub code: &'static str,
    /// What is so.
    pub text: &'static str,
    /// What to do next.
    pub action: &'static str,
}

macro_rules! findings {
    ($($name:ident = $code:literal, $text:literal, $action:literal;)*) => {$(
        #[doc = $text]
        pub const $name: Finding = Finding { code: $code, text: $text, action: $action };
    )*};
}

findings! {
    AMOUNT_INVALID = "amount_invalid", "The amount is not more than zero.", "Correct the amount.";
    AMOUNT_TOO_FINE = "amount_too_fine", "The amount has more decimals than its currency.", "Correct the amount.";
    GIFT_DATE_MISSING = "gift_date_missing", "The day the donor gave is missing.", "Fill in the gift date.";
    GIFT_DATE_FUTURE = "gift_date_future", "The gift date lies in the future.", "Check the gift date.";
    PAYMENT_TYPE_REQUIRED = "payment_type_required", "Nobody has said how it was paid.", "Choose the payment method.";
    DONOR_REVIEW_REQUIRED = "donor_review_required", "Nobody has said who gave this.", "Choose the donor.";
    COMPANY_MISSING = "company_missing_for_org_intent", "A grant or a gift in kind from a company needs the organisation that gave it.", "Choose the organisation, or another kind of gift.";
    RECURRING_AGREEMENT_MISSING = "recurring_agreement_missing", "This is an instalment of a regular gift, and its agreement is not linked.", "Link the agreement, or change the kind of gift.";
    IDENTITY_MISSING = "identity_missing", "A new donor needs a first and a last name.", "Type both names, or choose the donor.";
    EMAIL_OWNED = "donor_primary_email_conflict", "The e-mail address is the main address of somebody else in Twenty, which takes each address once only.", "Choose that person as the donor, or correct the address.";
    ANONYMOUS_RECURRING = "anonymous_donor_recurring_unsupported", "An instalment of a regular gift cannot be anonymous.", "Choose the donor, or change the kind of gift.";
    SOURCE_OF_OTHER_APPEAL = "appeal_source_review_required", "The appeal source belongs to another appeal.", "Choose a source of this appeal, or change the appeal.";
    APPEAL_MISSING = "appeal_missing", "No appeal is named.", "Choose the appeal, or switch this warning off in Settings.";
    FUND_MISSING = "fund_missing", "No fund is named.", "Choose the fund, or switch this warning off in Settings.";
    OPPORTUNITY_MISSING = "opportunity_missing", "A grant is usually paid on an application, and none is named.", "Choose the opportunity, if there is one.";
    PAYOUT_MISSING = "payout_missing", "It came through a provider, and no payout is named.", "Choose the payout once it has arrived.";
    IDENTITY_LOW_CONFIDENCE = "identity_low_confidence", "The donor is known by name only.", "Make sure it is the right person.";
    POSSIBLE_DUPLICATE = "possible_duplicate_gift", "The same donor has a gift of the same amount within a day of this one.", "Compare the two; discard this one if it is the same gift.";
    AMOUNT_UNUSUAL_DONOR = "amount_unusual_for_donor", "The amount is far above what this donor gave before.", "Check the amount against the slip or the bank.";
    AMOUNT_UNUSUAL_CHANNEL = "amount_unusual_for_channel", "The amount is far above what usually comes in this way.", "Check the amount against the slip or the bank.";
    AMOUNT_DIFFERS_FROM_AGREEMENT = "amount_differs_from_agreement", "The amount is not the one agreed for this regular gift.", "Check the amount, or tell whoever keeps the agreements.";
    CONSENT_MISSING = "consent_missing", "It is not known whether the donor may be written to.", "Ask the donor, or switch this warning off in Settings.";
    CONSENT_CONFLICT = "consent_conflict", "The donor once asked not to be written to, and this gift says otherwise. They will still not be written to.", "Ask the donor before changing that in Twenty.";
    ROW_LATE = "row_late", "This gift waits longer than promised for the way it came in.", "Process it first.";
    READY = "ready", "Ready to be posted to Twenty.", "Process it, alone or with its batch.";
    REVIEW_NEEDED = "review_needed", "Nothing is missing; nobody has said it is right yet.", "Check it and mark it ready.";
    SENDING = "sending", "It is on its way to Twenty.", "Nothing to do; this row cannot be changed until Twenty has answered.";
}

/// What is said of a row whose answer from Twenty could not be matched.
pub const CONTRACT_FAILURE: &str = "Twenty's answer did not fit what was sent, so it is not known whether this gift arrived. \
    Nothing was sent again. Put the row back to review and process it again: Almoner looks in Twenty first and never posts it twice.";
/// What is said of a row whose record in Twenty differs from what we sent.
pub const CLASH_DIFFERENT: &str = "Twenty already has a gift under this row's own id, but with another amount, date or donor. \
    Nothing was changed. Compare the two and decide which is right.";
/// What is said of a row whose record in Twenty was deleted.
pub const CLASH_DELETED: &str = "This gift reached Twenty and was deleted there. It was not posted again. \
    Restore it in Twenty, or discard this row.";
/// What stands at the front of Twenty's own reason for a refusal.
pub const REFUSED_BY_TWENTY: &str = "Twenty refused this gift: ";
/// What is said of a row whose donor is not in Twenty any more.
pub const DONOR_IS_GONE: &str =
    "The chosen donor is no longer in Twenty (deleted or merged). Choose the donor again.";
/// What is said of a row whose organisation is not in Twenty any more.
pub const COMPANY_IS_GONE: &str =
    "The chosen organisation is no longer in Twenty (deleted or merged). Choose the organisation again.";
/// What is said of a row whose new donor has the same e-mail address as another new donor of the run.
pub const SAME_NEW_DONOR: &str = "Another gift in this run makes a new donor with the same e-mail address. \
    Put this one back to review and choose that person, or correct the address.";
/// What is said of a row whose new donor's address somebody has by now.
pub const EMAIL_OWNED_NOW: &str = "Somebody in Twenty has this e-mail address as their main one by now. \
    Put the row back to review and choose that person, or correct the address.";
/// A chosen row that does not exist.
pub const ROW_NOT_THERE: &str =
    "There is no such gift waiting. It may have been removed; go back to the list.";
/// A chosen row of another batch.
pub const ROW_OF_OTHER_BATCH: &str = "This gift is not in this batch. Nothing was changed about it.";
/// A chosen row that is not open.
pub const ROW_NOT_OPEN: &str = "This gift is being sent, posted or discarded. Nothing was changed about it.";
/// A chosen row whose donor is known.
pub const DONOR_DECIDED: &str = "The donor was decided before, or an organisation gave.";
/// A donor that was made.
pub const DONOR_MADE: &str = "The donor was made in Twenty.";
/// Why a run that posts was stopped.
pub const STOPPED_POSTING: &str = "The run was stopped, since going on might post a gift twice. Put its failed rows back to review and process them again: Almoner looks in Twenty first.";
/// Why a run that makes donors was stopped.
pub const STOPPED_MAKING: &str = "The run was stopped, since going on might make a donor twice. Start it again for the rows that are left: Almoner looks in Twenty first.";
/// What is said of a row whose new donor cannot be made.
pub const CANNOT_MAKE_DONOR: &str = "The new donor cannot be made: first and last name are needed, in a Twenty whose people have names. \
    Put the row back to review and choose the donor.";
/// What is said of a row whose new donor was deleted meanwhile.
pub const NEW_DONOR_DELETED: &str = "The donor was made in Twenty for this gift and deleted there since. They are not made again. \
    Restore them in Twenty, or put the row back to review and choose the donor.";
/// What is said of an instalment where Twenty has no field for its agreement.
pub const NO_AGREEMENT_FIELD: &str = "Twenty's gifts have no field for the agreement of a regular gift. Run `almoner twenty provision`, \
    then put this gift back to review and process it again.";
/// What is said of a row that never brought a usable answer.
pub const NO_ANSWER: &str = "Twenty was asked several times to take this gift and gave no usable answer each time; it is not there. \
    Check the gift, put it back to review and process it again. If it fails again, tell whoever runs Twenty.";
/// What is said of a record of Twenty that has no id one can read.
pub const NO_READABLE_ID: &str = "Twenty sent a record without an id that can be read. Tell whoever runs Twenty; everything else was taken in.";
/// What is said of a record whose shape is not that of its kind.
pub const NOT_ITS_SHAPE: &str = "The record is not in the form Twenty writes this kind of record in. \
    Its text is kept; it is not shown as a gift or a person until it reads again.";
/// What is said of a gift whose amount has no currency that exists.
pub const NO_SUCH_CURRENCY: &str =
    "The gift has an amount, but no currency that exists. Correct the currency in Twenty.";
/// What is said of a gift whose date is no date.
pub const NO_SUCH_DATE: &str = "The gift's date is not a date. Correct it in Twenty.";
/// What is said of an organisation's gift where Twenty has no field for it.
pub const NO_COMPANY_FIELD: &str = "Twenty's gifts have no field for the organisation that gave. Add the relation \"company\" to gifts in Twenty, \
    then put this gift back to review and process it again.";
/// What is said of an edit whose object the workspace does not have any more.
pub const EDIT_NO_OBJECT: &str =
    "The Twenty workspace does not have this kind of record any more, so the change was not sent.";
/// What is said of an edit of a field that the workspace does not have any more.
pub const EDIT_NO_FIELD: &str = "The field was renamed or removed in Twenty since, so the change was not sent. Make it again under the field's new name.";
/// What is said of a change of the books whose amounts are beyond reckoning.
pub const BOOKS_BEYOND: &str = "The amounts of this change are too large to be added up, so it was not sent. Discard it and enter it again.";
/// What is said of a change of a record of the books that is gone.
pub const BOOKS_GONE: &str = "The record is no longer in QuickBooks, so nothing was sent. Discard this change; if the record is needed, enter it there again.";
/// What is said where QuickBooks does not find the record or something it names.
pub const BOOKS_SOMETHING_GONE: &str = "QuickBooks does not find the record, or something the change names is gone or out of use. Nothing was changed. Choose something else, or put it back into use there and try again.";
/// What is said of a record that Almoner cannot read.
pub const BOOKS_UNREADABLE: &str = "QuickBooks tells this record in a form that Almoner cannot read, so nothing was sent. Make the change in QuickBooks.";
/// What is said of a deletion of what QuickBooks does not delete.
pub const BOOKS_NO_DELETE: &str = "QuickBooks does not delete this kind of record. Take it out of use there.";
/// What is said of the undoing of a record that others changed.
pub const BOOKS_CHANGED_SINCE: &str = "Somebody changed the record in QuickBooks after it was made from here, so it was not deleted. Look at it in QuickBooks and delete it there if it should go.";
/// What is said of a request whose key may be forgotten.
pub const BOOKS_KEY_OLD: &str = "This was sent more than a day ago and no answer came, so it is not known whether QuickBooks has it. Look in QuickBooks: if it is there, discard this; if not, discard this and enter it again.";
/// What is said of an edit of a record that is not there.
pub const EDIT_RECORD_GONE: &str = "The record is no longer in Twenty (deleted for good, or merged into another), so nothing is sent to it any more.";
/// What is said of an edit of a record that was not found the first time.
pub const EDIT_NOT_FOUND: &str = "Twenty does not find the record at the moment. Looking once more.";
/// What is said of an edit of a record that was deleted.
pub const EDIT_RECORD_DELETED: &str = "The record was deleted in Twenty, so nothing is sent to it any more. Restore it there and make the change again, or dismiss it.";
/// What is said of an edit of a record that has no time of change.
pub const EDIT_NO_TIME: &str = "Twenty does not say when this record was changed last, so that nothing can be sent over it safely. Trying again.";
/// What is said of an edit whose record changes again and again.
pub const EDIT_MOVES: &str =
    "Somebody or something is changing this record in Twenty all the time. Trying again in a moment.";
/// What stands at the front of Twenty's own reason for refusing an edit.
pub const EDIT_REFUSED: &str = "Twenty refused this: ";
/// What stands at the front of Twenty's own reason for refusing to link what it took.
pub const EDIT_LINK_REFUSED: &str = "It is in Twenty, but linking it to its record was refused: ";
/// What is said of a record that was made from here and deleted there.
pub const EDIT_MADE_DELETED: &str = "It reached Twenty and was deleted there. It was not made again.";
/// What is said of a record that never brought a usable answer.
pub const EDIT_NO_ANSWER: &str = "Twenty was asked several times to take this and gave no usable answer each time; it is not there. Take it back and make it again, or tell whoever runs Twenty.";
/// What is said of a part of the accounts that somebody wants to change.
pub const GIFT_IS_ACCOUNTS: &str = "is part of the accounts: receipts, claims and exports may rest on it. It is not changed here; correct the gift in Twenty, or refund it and post it again.";
/// What is said of a gift that is to be deleted and stands on a receipt.
pub const GIFT_HAS_RECEIPT: &str =
    "A receipt was sent for this gift, so it is not deleted here. Refund it, or correct it in Twenty.";
/// What is said of a gift that is to be deleted and was matched with a payout.
pub const GIFT_IN_PAYOUT: &str =
    "This gift is matched with a payout, so it is not deleted here. Take it out of the payout first.";
/// What is said of a gift that is to be deleted and is part of a claim.
pub const GIFT_IN_CLAIM: &str =
    "This gift is part of a Gift Aid claim, so it is not deleted here. Take it out of the claim first.";
/// What is said of a gift that is to be deleted and was refunded.
pub const GIFT_REFUNDED: &str =
    "This gift was refunded, and the refund is recorded on it, so it is not deleted here.";
/// What is said of a source that is not one of the appeal's.
pub const SOURCE_OF_ANOTHER_APPEAL: &str = "Selected appeal source does not belong to the selected appeal.";
/// What is said of a deletion of a record that was changed since.
pub const EDIT_DELETE_CHANGED: &str = "Somebody changed the record in Twenty since it was to be deleted, so it was not. Look at it and delete it again.";
/// What is said of a made donor whose row is not discarded.
pub const MADE_ROW_IN_USE: &str =
    "The gift they were made for is not discarded, so they stay. Discard the gift first.";
/// What is said of a made donor who is not in Twenty any more.
pub const MADE_NOT_THERE: &str =
    "They are not in Twenty any more. Whoever was put in the bin can be restored there.";
/// What is said of a made donor whom somebody changed since.
pub const MADE_CHANGED: &str = "Somebody changed this person in Twenty since they were made, so they stay. Delete them in Twenty if nobody needs them.";
/// What is said of a made donor with gifts.
pub const MADE_HAS_GIFTS: &str = "Gifts in Twenty are from this person, so they stay.";
/// What is said of a made donor whom other rows name.
pub const MADE_HAS_ROWS: &str =
    "Another gift here names this person, so they stay. Choose another donor there first.";
/// What is said of a made donor with tasks.
pub const MADE_HAS_TASKS: &str = "A task is about this person, so they stay.";
/// What is said of a made donor with notes.
pub const MADE_HAS_NOTES: &str = "A note is about this person, so they stay.";
/// What is said of a made donor with recurring agreements.
pub const MADE_HAS_AGREEMENTS: &str = "A recurring agreement is with this person, so they stay.";
/// What is said of a made donor with opportunities.
pub const MADE_HAS_OPPORTUNITIES: &str = "An opportunity names this person, so they stay.";
/// What is said of a made donor whom any other record names.
pub const MADE_IS_NAMED: &str = "Another record in Twenty names this person, so they stay.";
/// What is said of a deletion of a record with changes on their way.
pub const EDIT_DELETE_BUSY: &str =
    "A change of this record is on its way to Twenty. Wait until it is there, then delete the record.";

/// What is said in the portfolio of a company that is not connected any more.
pub const MONEY_DISCONNECTED: &str = "Disconnected: these are the books as they were then.";
/// What is said of a company whose books were not read.
pub const MONEY_NOT_READ: &str =
    "The books of this company are not read yet, so nothing can be said of its money. It goes on by itself.";
/// A reason or a label that is empty or too long.
pub const MONEY_SAID_TEXT: &str = "Say it in 1 to 500 characters.";
/// An amount that is nothing, or below nothing.
pub const MONEY_SAID_AMOUNT: &str =
    "Give an amount other than 0, with no more decimals than the currency has.";
/// A fee or a discount that cannot be.
pub const MONEY_SAID_VENDOR: &str =
    "A fee or a discount is at most 100 %, and a discount holds for at most 365 days.";
/// Too many things are said.
pub const MONEY_SAID_MANY: &str = "There are 500 of these already. Take back what no longer holds first.";
/// A company whose currency is not known.
pub const MONEY_NO_CURRENCY: &str =
    "The books of this company are not read yet: its currency is not known. Wait for the first read.";
/// Amounts and accounts are of one company.
pub const MONEY_POLICY_FIRM: &str =
    "Amounts and accounts are set for one company, since companies have different currencies and accounts.";
/// A payment that leaves too little.
pub const MONEY_GUARD: &str =
    "This would leave less than must be left, counting what is approved and not paid yet.";
/// And what to do.
pub const MONEY_GUARD_NEXT: &str = "Plan it for later, hold it, or approve it all the same and say why.";
/// Nobody can say what a payment leaves.
pub const MONEY_GUARD_UNKNOWN: &str = "What this leaves is not known: cash, spending or the limit is missing. Set the limit or complete the books, or approve it all the same and say why.";
/// A bill that is in the tray.
pub const MONEY_IN_TRAY: &str = "Something about this bill must be put right first. It is in the tray.";
/// Books that are too old.
pub const MONEY_OLD: &str =
    "The books of this company were last read more than a day ago. Let them be read first, then decide.";
/// A step that needs a reason.
pub const MONEY_WHY: &str = "Say why: it stands in the record of the decision.";
/// A day that is over.
pub const MONEY_PLAN_PAST: &str = "Plan it for today or a later day.";
/// A day that is too late.
pub const MONEY_PLAN_LATE: &str = "That is after the latest safe day of this bill. Choose an earlier day, or plan it all the same and say why.";
/// A bill whose amount is not known.
pub const MONEY_AMOUNT_UNKNOWN: &str =
    "What is open of this bill is not known in the company's currency. Look at it in QuickBooks first.";
/// Who asked does not approve.
pub const MONEY_OWN_REQUEST: &str = "You asked for this payment: somebody else has to approve it.";
/// A program that approves.
pub const MONEY_NOT_A_PERSON: &str = "A payment is approved by a person who is signed in, not by a program.";
/// Who approved does not approve again.
pub const MONEY_SAID_YES: &str = "You have approved this payment already; another person has to as well.";
/// Nothing to approve.
pub const MONEY_NOT_ASKED: &str = "Nobody asks for this bill to be paid. Ask for it first.";
/// A bill that waits.
pub const MONEY_STILL: &str = "This bill is held or disputed. Let it go on first.";
/// A bill that does not wait.
pub const MONEY_NOT_STILL: &str = "This bill is neither held nor disputed.";
/// An issue that does not stand.
pub const MONEY_NO_ISSUE: &str = "There is no such issue any more.";
/// Too many at once.
pub const MONEY_BULK: &str = "Name 1 to 100 of them.";
/// An issue without a value that puts it right.
pub const MONEY_NO_FIX: &str = "Say which field gets which value, or put it right in QuickBooks.";
/// A part in a hundred that is none.
pub const MONEY_PERCENT: &str = "Give it in per cent, with at most two decimals: 1.5.";
/// Something to say that lacks a part.
pub const MONEY_SAY: &str = "This is missing or not one of the words that are known.";
/// An account that cannot be one.
pub const MONEY_ACCOUNT: &str = "Name accounts by their ids in QuickBooks.";
/// A day to compare with that is not over.
pub const MONEY_SINCE: &str = "Compare with a day before today.";
/// A day that is none.
pub const MONEY_DAY: &str = "Give the day as YYYY-MM-DD.";
/// A decision that is none.
pub const MONEY_DECIDE: &str = "Name an open bill and one of pay, approve, reject, hold, resume, dispute, plan (with a day) and withdraw.";
/// What is said of a set of bills that cannot be tried out.
pub const MONEY_SET: &str = "Name 1 to 20 open bills of this company by their ids, separated by commas.";
/// What is said of a kind of Twenty that no record of the books stands for.
pub const GOLDEN_KIND: &str = "Say \"people\" or \"companies\".";
/// What is said while the search does not answer.
pub const SEARCH_NOT_AVAILABLE: &str = "The search is not available just now. Try again in a moment.";
/// What is said of a record of the books that stands for somebody already.
pub const GOLDEN_TAKEN: &str = "This record of the books is linked with somebody else already. Undo that link first, then make this one.";
/// What is said where nobody has set up QuickBooks.
pub const BOOKS_NOT_SET_UP: &str = "QuickBooks is not set up here, so nothing can be changed there. The operator sets [quickbooks] in the configuration.";
/// What is said of changes of a company that is not connected any more.
pub const BOOKS_DISCONNECTED: &str =
    "This company is disconnected: its books can be read here and not changed. Connect it again first.";
/// What is said of a field that cannot be changed.
pub const BOOKS_NO_FIELD: &str = "This record has no field that can be changed from here called";
/// What is said of a field that cannot be emptied.
pub const BOOKS_NEEDED: &str = "This cannot be empty in QuickBooks. Choose something else instead.";
/// What is said of a value that should be yes or no.
pub const BOOKS_FLAG: &str = "This is either true or false.";
/// What is said of a value that should be a date.
pub const BOOKS_DATE: &str = "Write the date as year-month-day, for example 2026-05-31.";
/// What is said of a value that should be a text.
pub const BOOKS_TEXT: &str = "Write a text here.";
/// What is said of a text with characters that QuickBooks does not take there.
pub const BOOKS_CHARACTERS: &str =
    "This does not look right: an e-mail address has one @ and no spaces, and a name has no colon.";
/// What is said of a reference whose kind is not clear.
pub const BOOKS_KIND: &str =
    "Say which kind of record this is, for example {\"kind\": \"vendor\", \"id\": \"46\"}.";
/// What is said of a reference to nothing.
pub const BOOKS_REFERENCE: &str = "There is no such record in use in the books of this company. Choose another one, or look for changes first.";
/// What is said of a name that somebody else has.
pub const BOOKS_NAME_TAKEN: &str = "A customer or a vendor of this company has this name already; QuickBooks keeps one list for both. Choose that one, or another name.";
/// What is said of an account that money was not paid from.
pub const BOOKS_PAID_FROM: &str =
    "Choose a bank account or a credit card of this company that is in use and kept in its own currency.";
/// What is said of a payment of no bill.
pub const BOOKS_NO_BILL: &str = "Say which bills were paid.";
/// What is said of a bill that cannot have been paid.
pub const BOOKS_OPEN_BILL: &str =
    "This is no open bill of this company. It may be paid already; look for changes first.";
/// What is said of a bill in another currency.
pub const BOOKS_FOREIGN_BILL: &str = "This bill is in another currency than the books. Record its payment in QuickBooks, where the rate is known.";
/// What is said of bills of several vendors, or one that is named twice.
pub const BOOKS_ONE_VENDOR: &str =
    "One payment is of one vendor, and names each bill once. Record another payment for the rest.";
/// What is said of an amount that cannot have been paid.
pub const BOOKS_AMOUNT: &str = "Write an amount above nothing, with no more decimals than the currency has and no more than is open of the bill.";
/// What is said where nothing can be undone.
pub const BOOKS_NO_UNDO: &str = "This cannot be undone from here: it is not done, or it changed nothing.";
/// What is said where it is too late to undo.
pub const BOOKS_UNDO_LATE: &str = "This was done more than 24 hours ago, so it is not undone from here any more. Make the change the other way round.";
/// The reason of an undoing.
pub const BOOKS_UNDO_REASON: &str = "Undone";
/// What is said of a change that waits for a decision.
pub const BOOKS_DECIDE_FIRST: &str =
    "Somebody changed the same in QuickBooks. Decide first which of the two stays.";
/// What is said of a change that is over.
pub const BOOKS_OVER: &str = "This change is over: it is done, or was given up. Make a new one.";
/// What is said of a change on its way.
pub const BOOKS_ON_ITS_WAY: &str =
    "This is on its way to QuickBooks. Whether it arrived is known in a moment; then it can be undone.";
/// What is said where there is nothing to decide.
pub const BOOKS_NO_CONFLICT: &str = "There is nothing to decide here: nobody changed the same.";

/// What is said of a body that wants nothing, or several things.
pub const BOOKS_ONE_OF: &str = "Say one of \"set\", \"vendor\" and \"payment\".";
/// What is said of a choice that is none.
pub const BOOKS_KEEP: &str = "Say \"here\" or \"there\".";
/// What is said of a change that met another one.
pub const BOOKS_CONFLICT: &str =
    "Somebody changed the same in QuickBooks. Nothing was sent; decide which of the two stays.";

/// What is said of a change whose outcome was not known several times.
pub fn books_stuck(said: &str) -> String {
    format!(
        "QuickBooks did not say three times whether it took this ({said}). Ask again: under the same key nothing is done twice. Or discard it, after looking in QuickBooks whether it is there."
    )
}

/// What is said of a text that is too long.
pub fn books_too_long(most: usize) -> String {
    format!("QuickBooks takes at most {most} characters here. Make it shorter.")
}

/// Why a control total has a gap: whose documents do not add up, and whether one alone explains it.
pub fn books_gap(gap: &str, has_name: bool, alone: bool) -> String {
    let whose = if has_name { "This name's open documents" } else { "Open documents of nobody" };
    let reason = if alone {
        "One document alone explains it: it may be paid, changed or gone in QuickBooks."
    } else {
        "Look through them in QuickBooks."
    };
    format!("{whose} come to {gap} more than the balance says. {reason}")
}

/// A document that others name and that is not here.
pub fn books_missing(kind: Option<&str>, id: &str) -> String {
    let kind = kind.unwrap_or("document");
    format!(
        "A payment names {kind} {id}, which is not here. Read everything again, or look for it in QuickBooks."
    )
}
/// What is said of a link between a record and itself.
pub const LINK_ITSELF: &str = "This is one and the same record. Choose another one.";
/// What is said of a link that is there.
pub const LINK_IS_THERE: &str = "These two are linked already. Undo the link first, if it is wrong.";
/// What is said of a link between two that somebody called two people.
pub const LINK_TOLD_APART: &str =
    "Somebody decided that these are two people. Take that decision back first, if it is wrong.";
/// What is said of a link of a company's gift to a person.
pub const LINK_OF_COMPANY: &str = "An organisation gave this gift: it is never linked to a person.";
/// What is said of a link that is undone.
pub const LINK_UNDONE: &str = "This link is undone already.";
/// What is said of a link whose two are one record.
pub const LINK_MERGED: &str = "The two records were merged in Twenty, which cannot be undone. What was known of each stands in the journal.";
/// What is said of a decision that is not there.
pub const LINK_NOTHING_SAID: &str = "Nothing was decided about these two yet.";
/// What an undo says of a row that was erased.
pub const LINK_ROW_ERASED: &str = "It was erased since.";
/// What is said of a merge that names somebody twice, or nobody, or too many.
pub const MERGE_WHO: &str = "Choose one record that stays and one to eight others.";
/// What is said of a merge of somebody who is being merged.
pub const MERGE_BUSY: &str =
    "One of these records is part of another merge that is not done. Wait for that one, or take it back.";
/// What is said of a merge of a record with changes on their way.
pub const MERGE_EDIT_BUSY: &str =
    "A change of one of these records is on its way to Twenty. Wait until it is there, then merge.";
/// What is said of a merge of a donor whose gift is being sent.
pub const MERGE_GIFT_BUSY: &str =
    "A gift of one of these donors is being sent to Twenty. Wait until Twenty has answered, then merge.";
/// What is said of a merge of two people.
pub const MERGE_TOLD_APART: &str = "Somebody decided that two of these records are two people. Take that decision back first, if it is wrong.";
/// What is said of a merge that is not shown yet, or not any more.
pub const MERGE_NOT_SHOWN: &str =
    "Look at what would come of this merge first; there is nothing to say yes to now.";
/// What is said of a merge that cannot be taken back any more.
pub const MERGE_UNDER_WAY: &str = "This merge is under way or done. It cannot be taken back any more.";
/// What is said of a merge of a record that is not in Twenty.
pub const MERGE_GONE: &str =
    "One of these records is not in Twenty any more, or in its bin. Look at them again.";
/// What is said of a merge that would change a claim.
pub const MERGE_CLAIMED: &str = "A gift of one of these donors is in a Gift Aid claim that is finalised, or that Twenty does not show to be a draft. The claim names its donor, so the records stay as they are.";
/// What is said of a merge whose records changed since it was shown.
pub const MERGE_MOVED: &str =
    "One of these records changed since this was shown. Look at what would come of the merge now.";
/// What is said of a merge in the middle of which somebody else deleted records.
pub const MERGE_HALF: &str = "Some of these records vanished from Twenty while they were to be merged, and others are still there: somebody else changed them. Nothing more was sent; look at the records.";
/// What stands at the front of Twenty's own reason for refusing a merge.
pub const MERGE_REFUSED: &str = "Twenty refused to merge these records: ";
/// What is said while tasks and notes are not mirrored yet.
pub const MERGE_LINKS_MISSING: &str = "The links of tasks and notes are not all here yet. They are moved before a merge, or Twenty would delete them. Going on when the sync is complete.";
/// What is said of gifts that did not come along.
pub const MERGE_GIFTS_LEFT: &str = "Some gifts did not come along with the merge. Those that are still in Twenty are being pointed to the record that stays; look at the others.";
/// What is said of a merge that brought no answer.
pub const MERGE_LOOKING: &str =
    "It is not known yet whether Twenty merged these records. Looking there before anything is sent again.";
