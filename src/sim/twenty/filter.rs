//! The text of `filter=`: its grammar and the traps of its parser.
//!
//! There is no escape character. Parentheses are counted wherever they stand; a quote of either kind
//! flips the switch of its kind, and a bracket flips a third; a comma splits only when none is on.

use super::error::Refusal;
use crate::sim::json::Json;

/// Operators the REST parser knows.
pub(crate) const OPERATORS: [&str; 13] = [
    "eq",
    "neq",
    "in",
    "containsAny",
    "is",
    "gt",
    "gte",
    "lt",
    "lte",
    "startsWith",
    "endsWith",
    "like",
    "ilike",
];

/// Operators only GraphQL can ask for.
const GRAPHQL_OPERATORS: [&str; 3] = ["containsIlike", "isEmptyArray", "search"];

/// A parsed filter, not yet checked against any object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// All of them.
    And(Vec<Node>),
    /// One of them.
    Or(Vec<Node>),
    /// Not this one.
    Not(Box<Node>),
    /// `path[operator]:value`.
    Condition {
        /// Field, sub-field or relation hop, outermost first.
        path: Vec<String>,
        /// Operator name.
        operator: String,
        /// Value as written, outer quotes stripped; list elements likewise.
        value: Json,
    },
}

/// Parses a filter; an empty text matches everything.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    check_parentheses(text)?;
    if conjunction(text).is_some() {
        return node(text).map(Some);
    }
    let items = split(text).into_iter().map(node).collect::<Result<_, _>>()?;
    Ok(Some(Node::And(items)))
}

/// Reads the filter of a GraphQL call, a tree of objects; an empty one matches everything.
pub(crate) fn from_json(filter: &Json) -> Result<Option<Node>, Refusal> {
    let members = filter.as_object().unwrap_or_default();
    if members.is_empty() {
        return Ok(None);
    }
    tree(filter, &[]).map(Some)
}

/// What stands behind a path of fields: conjunctions, more of the path, or an operator.
fn tree(value: &Json, path: &[String]) -> Result<Node, Refusal> {
    let name = || path.join(".");
    let Some(members) = value.as_object() else {
        return Err(Refusal::bad(format!("Filter value for field \"{}\" must be an object", name())));
    };
    let is_operator = |key: &str| OPERATORS.contains(&key) || GRAPHQL_OPERATORS.contains(&key);
    let operators = members.iter().filter(|(key, _)| !path.is_empty() && is_operator(key)).count();
    if operators > 1 {
        return Err(Refusal::bad(format!("Filter for field \"{}\" must have exactly one operator", name())));
    }
    let mut nodes = Vec::new();
    for (key, inner) in members {
        let longer = || path.iter().cloned().chain([key.to_string()]).collect::<Vec<_>>();
        nodes.push(match (key.as_ref(), inner) {
            ("and" | "or", Json::Arr(items)) => {
                let items = items.iter().map(|item| tree(item, path)).collect::<Result<_, _>>()?;
                if key == "and" { Node::And(items) } else { Node::Or(items) }
            }
            ("not", _) => Node::Not(Box::new(tree(inner, path)?)),
            (operator, _) if !path.is_empty() && is_operator(operator) => {
                Node::Condition { path: path.to_vec(), operator: operator.to_owned(), value: inner.clone() }
            }
            _ => tree(inner, &longer())?,
        });
    }
    Ok(Node::And(nodes))
}

fn check_parentheses(text: &str) -> Result<(), Refusal> {
    let opened = text.matches('(').count();
    let closed = text.matches(')').count();
    let (missing, side) =
        if opened > closed { (opened - closed, "close") } else { (closed - opened, "open") };
    if missing == 0 {
        return Ok(());
    }
    let noun = if missing > 1 { "brackets are" } else { "bracket is" };
    Err(Refusal::bad(format!("'filter' invalid. {missing} {side} {noun} missing in the query")))
}

/// The conjunction a text begins with, and what its parentheses hold.
fn conjunction(text: &str) -> Option<(&'static str, &str)> {
    ["and", "or", "not"].into_iter().find_map(|name| {
        let inner = text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
        (!inner.is_empty()).then_some((name, inner))
    })
}

fn node(text: &str) -> Result<Node, Refusal> {
    let Some((name, inner)) = conjunction(text) else {
        return condition(text);
    };
    let mut items = split(inner).into_iter().map(node).collect::<Result<Vec<_>, _>>()?;
    match name {
        "and" => Ok(Node::And(items)),
        "or" => Ok(Node::Or(items)),
        _ => match (items.pop(), items.is_empty()) {
            (Some(only), true) => Ok(Node::Not(Box::new(only))),
            _ => Err(Refusal::bad(
                "'filter' invalid. 'not' conjunction should contain only 1 condition. eg: not(field[eq]:1)",
            )),
        },
    }
}

/// Splits at commas outside parentheses, quotes and brackets.
fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    let (mut single, mut double, mut bracketed) = (false, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '\'' => single = !single,
            '"' => double = !double,
            '[' | ']' => bracketed = !bracketed,
            ',' if depth == 0 && !single && !double && !bracketed => {
                pieces.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces
}

fn condition(text: &str) -> Result<Node, Refusal> {
    let invalid = || Refusal::bad(format!("'filter' invalid for '{text}'. eg: price[gte]:10"));
    let (path, rest) = text.split_once('[').ok_or_else(invalid)?;
    let (operator, value) = rest.split_once("]:").ok_or_else(invalid)?;
    if path.is_empty() || operator.is_empty() || value.is_empty() {
        return Err(invalid());
    }
    if !OPERATORS.contains(&operator) {
        let known = OPERATORS.join(", ");
        return Err(Refusal::bad(format!(
            "'filter' invalid for '{text}', comparator {operator} not in {known}"
        )));
    }
    let path = path.split('.').map(str::to_owned).collect();
    let value = match operator {
        "in" | "containsAny" => list(operator, value)?,
        // The bare word only: quotes would become part of it.
        "is" => Json::text(value),
        _ => Json::text(unquote(value)),
    };
    Ok(Node::Condition { path, operator: operator.to_owned(), value })
}

/// The elements of `[a,b]`; they split at every comma, even inside quotes, and an empty list is a
/// list of one empty text.
fn list(operator: &str, text: &str) -> Result<Json, Refusal> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or_else(|| {
        Refusal::bad(format!(
            "'filter' invalid for '{operator}' operator. Received '{text}' but array value expected eg: 'field[{operator}]:[value_1,value_2]'"
        ))
    })?;
    Ok(Json::Arr(inner.split(',').map(|item| Json::text(unquote(item))).collect()))
}

/// A pair of quotes around the whole value is dropped, whichever they are; a lone one stays.
fn unquote(text: &str) -> String {
    let quote = |letter: char| matches!(letter, '\'' | '"');
    text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Json, Node, parse};

    fn only(text: &str) -> (String, String, Json) {
        match parse(text).expect("a filter") {
            Some(Node::And(items)) => match items.as_slice() {
                [Node::Condition { path, operator, value }] => {
                    (path.join("."), operator.clone(), value.clone())
                }
                other => panic!("one condition expected: {other:?}"),
            },
            other => panic!("a bare list expected: {other:?}"),
        }
    }

    #[test]
    fn one_pair_of_quotes_is_stripped_and_nothing_is_escaped() {
        assert_eq!(only(r#"a[eq]:"Say "hi"""#).2, Json::text(r#"Say "hi""#));
        assert_eq!(only(r#"a[eq]:"back\\slash""#).2, Json::text(r"back\\slash"));
        assert_eq!(only(r#"a[eq]:Say "hi""#).2, Json::text(r#"Say "hi""#));
    }

    #[test]
    fn an_apostrophe_swallows_the_rest_of_the_filter() {
        let (path, _, value) = only(r#"name.lastName[eq]:"O'Brien",jobTitle[eq]:"X""#);
        assert_eq!(path, "name.lastName");
        assert_eq!(value, Json::text(r#"O'Brien",jobTitle[eq]:"X"#));
    }

    #[test]
    fn a_bare_comma_splits_and_a_quoted_one_does_not() {
        let refusal = parse("a[eq]:Smith, Jr.").expect_err("the second half is no condition");
        assert!(refusal.body().to_text().contains("'filter' invalid for ' Jr.'. eg: price[gte]:10"));
        assert_eq!(only(r#"a[eq]:"Smith, Jr.""#).2, Json::text("Smith, Jr."));
    }

    #[test]
    fn parentheses_count_even_inside_quotes() {
        let refusal = parse(r#"a[eq]:"smile :(""#).expect_err("unbalanced");
        assert!(
            refusal.body().to_text().contains("'filter' invalid. 1 close bracket is missing in the query")
        );
        assert_eq!(only("a[eq]:and(x)").2, Json::text("and(x)"));
    }

    #[test]
    fn list_elements_split_at_every_comma() {
        let (_, _, value) = only(r#"a[in]:["x","y, z"]"#);
        assert_eq!(value, Json::Arr(["x", "\"y", " z\""].map(Json::text).to_vec()));
    }

    #[test]
    fn conjunctions_nest() {
        let tree = parse("and(a[eq]:1,or(b[eq]:2,not(c[is]:NULL)))").expect("a filter");
        assert!(matches!(tree, Some(Node::And(items)) if matches!(items.as_slice(), [_, Node::Or(_)])));
        assert!(parse("a[in]:x").is_err());
        assert!(parse("a[foo]:1").is_err());
        assert!(parse("a[eq]:").is_err());
    }
}
