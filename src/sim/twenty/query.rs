//! The query string, read as the server's framework reads it.

/// Decoded parameters in the order of the URL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the text behind the question mark.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// The value of a parameter given exactly once; given twice it is an array, which no reader of
    /// this API accepts, so it counts as absent.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let only = values.next()?;
        values.next().is_none().then_some(only)
    }

    /// The value of a parameter as JavaScript writes it: several are a list with commas.
    pub(crate) fn joined(&self, name: &str) -> Option<String> {
        let values: Vec<&str> =
            self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    /// True when the parameter is exactly `true`; nothing else switches a flag on.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.one(name) == Some("true")
    }

    /// The pairs, for a form body.
    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

/// Percent-decodes; a plus sign is a blank.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let byte = match first {
            b'+' => b' ',
            b'%' => {
                match tail.get(..2).and_then(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()) {
                    Some(byte) => {
                        rest = tail.get(2..).unwrap_or_default();
                        byte
                    }
                    None => b'%',
                }
            }
            other => *other,
        };
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn a_parameter_given_twice_counts_as_absent() {
        let query = Query::parse("filter=a%5Beq%5D:1&limit=3&filter=b");
        assert_eq!(query.one("filter"), None);
        assert_eq!(query.one("limit"), Some("3"));
    }

    #[test]
    fn plus_is_a_blank_and_bytes_decode_as_utf8() {
        let query = Query::parse("a=x+y%20z&b=%F0%9F%8E%81&c=100%");
        assert_eq!(query.one("a"), Some("x y z"));
        assert_eq!(query.one("b"), Some("🎁"));
        assert_eq!(query.one("c"), Some("100%"));
    }
}
