//! How the server says no: the normal fault, and the lower-case envelope of its gateway (contract 10).

use super::tree::Json;

/// A refusal, not yet in the shape of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Status of the answer.
    pub(crate) status: u16,
    code: &'static str,
    message: String,
    detail: String,
    element: Option<String>,
    kind: &'static str,
    /// The lower-case envelope, whose time is a number.
    pub(crate) gateway: bool,
    /// The fault tells no time.
    pub(crate) timeless: bool,
}

impl Refusal {
    /// A validation fault: 400.
    pub(crate) fn new(code: &'static str, message: &str, detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            code,
            message: message.to_owned(),
            detail: detail.into(),
            element: None,
            kind: "ValidationFault",
            gateway: false,
            timeless: false,
        }
    }

    fn on(mut self, element: &str) -> Self {
        self.element = Some(element.to_owned());
        self
    }

    fn gateway(status: u16, code: &'static str, name: &str, detail: &str) -> Self {
        let kind = if status == 401 { "AUTHENTICATION" } else { "SERVICE" };
        let message = format!("message={name}; errorCode=00{code}; statusCode={status}");
        Self { status, kind, gateway: true, ..Self::new(code, &message, detail) }
    }

    /// 401: no access token, or one that is unknown or over.
    pub(crate) fn unauthenticated(detail: &str) -> Self {
        Self::gateway(401, "3200", "AuthenticationFailed", detail)
    }

    /// 403: a token of another company or of the other environment.
    pub(crate) fn unauthorised() -> Self {
        Self::gateway(403, "3100", "ApplicationAuthorizationFailed", "")
    }

    /// 429, also when the meter is used up.
    pub(crate) fn throttled() -> Self {
        Self::gateway(429, "3001", "ThrottleExceeded", "The request limit was reached.  Try again later")
    }

    /// 403: the person who authorised has no rights any more.
    pub(crate) fn locked_out() -> Self {
        let detail = "The user no longer has access to this company";
        let kind = "AuthorizationFault";
        Self { status: 403, kind, ..Self::new("120", "Authorization Failure", detail) }
    }

    /// 403: the subscription is over.
    pub(crate) fn lapsed() -> Self {
        let detail = "Subscription period has ended or canceled or there was a billing problem";
        Self { status: 403, ..Self::new("6190", "Invalid Company Status", detail) }
    }

    /// 500.
    pub(crate) fn broken() -> Self {
        let message = "An application error has occurred while processing your request";
        let detail = "System Failure Error: An application error has occurred while processing your request";
        Self { status: 500, kind: "SystemFault", ..Self::new("10000", message, detail) }
    }

    /// Something that is not there, or was made inactive.
    pub(crate) fn not_found() -> Self {
        let detail = "Object Not Found : Something you're trying to use has been made inactive. \
                      Check the fields with accounts, customers, items, vendors or employees.";
        Self::new("610", "Object Not Found", detail).on("")
    }

    /// A path or an operation that there is not.
    pub(crate) fn unsupported(path: &str) -> Self {
        Self::new("500", "Unsupported Operation", format!("Operation {path} is not supported."))
    }

    /// An id that is no number.
    pub(crate) fn bad_id(id: &str) -> Self {
        let detail = format!("Id should be a valid number. Supplied value:{id}");
        Self { timeless: true, ..Self::new("2030", "Invalid ID", detail).on("Id") }
    }

    /// A write that is based on what is old.
    pub(crate) fn stale(user: &str) -> Self {
        let detail = format!(
            "Stale Object Error : You and {user} were working on this at the same time. \
             {user} finished before you did, so your work was not saved."
        );
        Self::new("5010", "Stale Object Error", detail).on("")
    }

    /// A field that must be there.
    pub(crate) fn missing(element: &str) -> Self {
        let message = "Required param missing, need to supply the required value for the API";
        Self::new("2020", message, format!("Required parameter {element} is missing in the request"))
            .on(element)
    }

    /// A field that there is not.
    pub(crate) fn unknown_property(name: &str, class: &str, known: &[&str]) -> Self {
        let list = known.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let detail = format!(
            "Property Name:Unrecognized field \"{name}\" (class com.intuit.schema.finance.v3.{class}), not marked as \
             ignorable ({} known properties: {list}])\n specified is unsupported or invalid",
            known.len()
        );
        Self::new("2010", "Request has invalid or unsupported property", detail)
    }

    /// A body that is no JSON object.
    pub(crate) fn unreadable() -> Self {
        Self::new(
            "2010",
            "Request has invalid or unsupported property",
            "Property Name:Can not construct instance",
        )
    }

    /// A reference that leads nowhere.
    pub(crate) fn bad_reference(list: &str, id: &str) -> Self {
        let detail = format!("Invalid Reference Id : {list} element id {id} not found");
        Self::new("2500", "Invalid Reference Id", detail)
    }

    /// Text that is too long.
    pub(crate) fn too_long(element: &str, most: usize) -> Self {
        let detail = format!("Max length for {element} is {most}");
        Self::new("2050", "String length is either shorter or longer than supported by specification", detail)
            .on(element)
    }

    /// A number that is none.
    pub(crate) fn bad_number(element: &str) -> Self {
        Self::new("2080", "Invalid Number", format!("{element} should be a valid number")).on(element)
    }

    /// A value outside the list.
    pub(crate) fn bad_value(element: &str) -> Self {
        Self::new("2170", "Invalid Enumeration", format!("{element} has an unsupported value")).on(element)
    }

    /// A rule of the books.
    pub(crate) fn rule(detail: &str) -> Self {
        let message = "A business validation error has occurred while processing your request";
        Self::new("6000", message, format!("Business Validation Error: {detail}")).on("")
    }

    /// Amount is not quantity times price.
    pub(crate) fn wrong_amount() -> Self {
        let detail = "Amount calculation incorrect in the request. Amount is not equal to UnitPrice * Qty";
        Self::new("6070", "Amount calculation incorrect in the request", detail).on("")
    }

    /// A document number that was used.
    pub(crate) fn duplicate_number(number: &str, kind: &str, id: &str) -> Self {
        let detail = format!(
            "Duplicate Document Number Error : You must specify a different number. This number has already been \
             used. DocNumber={number} is assigned to TxnType={kind} with TxnId={id}"
        );
        Self::new("6140", "Duplicate Document Number Error", detail).on("")
    }

    /// A name that is taken.
    pub(crate) fn duplicate_name() -> Self {
        let detail = "The name supplied already exists. : null";
        Self::new("6240", "Duplicate Name Exists Error", detail)
    }

    /// A day in books that are closed.
    pub(crate) fn closed_period() -> Self {
        let detail = "The account period has closed and the account books cannot be updated through the QBO Services \
                      API. Please use the QBO website to make these changes.";
        Self::new("6210", "Account Period Closed, Cannot Update Through Services API", detail).on("")
    }

    /// A payment or receipt that lies in a deposit.
    pub(crate) fn deposited() -> Self {
        let detail = "The transaction has been deposited. If you want to modify or delete it, you must edit the \
                      deposit it appears on and remove it first.";
        Self::new("6540", "Deposited Transaction cannot be changed", detail).on("")
    }

    /// A query that cannot be read.
    pub(crate) fn parse_error(detail: impl Into<String>) -> Self {
        Self::new("4000", "Error parsing query", detail)
    }

    /// A query that asks for what there is not.
    pub(crate) fn invalid_query(detail: impl Into<String>) -> Self {
        Self::new("4001", "Invalid query", format!("QueryValidationError: {}", detail.into()))
    }

    /// The fault alone, as it stands inside of larger answers.
    pub(crate) fn fault(&self) -> Json {
        let mut error = Json::object([
            ("Message", Json::text(&*self.message)),
            ("Detail", Json::text(&*self.detail)),
            ("code", Json::text(self.code)),
        ]);
        if let Some(element) = &self.element {
            error.set("element", Json::text(&**element));
        }
        Json::object([("Error", Json::Arr(vec![error])), ("type", Json::text(self.kind))])
    }

    /// The body of the gateway's refusal at `now`.
    pub(crate) fn envelope(&self, now: i64) -> Json {
        let error = Json::object([
            ("message", Json::text(&*self.message)),
            ("detail", Json::text(&*self.detail)),
            ("code", Json::text(self.code)),
            ("element", Json::Null),
        ]);
        let fault = Json::object([("error", Json::Arr(vec![error])), ("type", Json::text(self.kind))]);
        let nothing = || Json::Arr(Vec::new());
        Json::object([
            ("warnings", Json::Null),
            ("intuitObject", Json::Null),
            ("fault", fault),
            ("report", Json::Null),
            ("queryResponse", Json::Null),
            ("batchItemResponse", nothing()),
            ("attachableResponse", nothing()),
            ("syncErrorResponse", Json::Null),
            ("requestId", Json::Null),
            ("time", Json::int(now / 1_000)),
            ("status", Json::Null),
            ("cdcresponse", nothing()),
        ])
    }
}
