//! JSON whose numbers stay the text they were written as: an amount never passes through a float.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::money::Exact;

/// One JSON value; members keep the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Num(String),
    /// A string.
    Str(String),
    /// An array.
    Arr(Vec<Json>),
    /// An object.
    Obj(Vec<(String, Json)>),
}

/// Members of an object in writing order, each unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Json {
    /// A string.
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Str(value.into())
    }

    /// A whole number.
    pub(crate) fn int(value: impl std::fmt::Display) -> Self {
        Self::Num(value.to_string())
    }

    /// An object.
    pub(crate) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Obj(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// `{"value":id}`, how one object names another.
    pub(crate) fn reference(id: &str) -> Self {
        Self::object([("value", Self::text(id))])
    }

    /// Reads text; `None` when it is no JSON.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        Self::read(serde_json::from_str::<&RawValue>(text).ok()?)
    }

    /// Reads a value whose syntax is proven.
    fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get().trim();
        match text.as_bytes().first()? {
            b'n' => Some(Self::Null),
            b't' => Some(Self::Bool(true)),
            b'f' => Some(Self::Bool(false)),
            b'"' => serde_json::from_str(text).ok().map(Self::Str),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                items.into_iter().map(Self::read).collect::<Option<_>>().map(Self::Arr)
            }
            b'{' => {
                let Members(members) = serde_json::from_str(text).ok()?;
                let member = |(name, raw)| Self::read(raw).map(|value| (name, value));
                members.into_iter().map(member).collect::<Option<_>>().map(Self::Obj)
            }
            _ => Some(Self::Num(text.to_owned())),
        }
    }

    /// Compact text.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Num(number) => out.push_str(number),
            Self::Str(text) => out.push_str(&Value::from(text.as_str()).to_string()),
            Self::Arr(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Obj(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    let _ = write!(out, "{}{}:", if at == 0 { "" } else { "," }, Value::from(name.as_str()));
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as XML, which the server speaks to those who do not ask for JSON.
    pub(crate) fn to_xml(&self, name: &str, out: &mut String) {
        match self {
            Self::Arr(items) => items.iter().for_each(|item| item.to_xml(name, out)),
            Self::Obj(members) => {
                let _ = write!(out, "<{name}>");
                for (inner, value) in members {
                    value.to_xml(inner, out);
                }
                let _ = write!(out, "</{name}>");
            }
            other => {
                let text = other.shown().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let _ = write!(out, "<{name}>{text}</{name}>");
            }
        }
    }

    /// A plain value as text without quotes.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Str(text) | Self::Num(text) => text.clone(),
            other => other.to_text(),
        }
    }

    /// The string, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The flag, if it is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number; some clients send numbers as strings.
    pub(crate) fn exact(&self) -> Option<Exact> {
        match self {
            Self::Num(text) | Self::Str(text) => Exact::parse(text),
            _ => None,
        }
    }

    /// The elements; empty for what is no array.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Arr(items) => items,
            _ => &[],
        }
    }

    /// The members; empty for what is no object.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Obj(members) => members,
            _ => &[],
        }
    }

    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The member of that name for changing it.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Obj(members) => members.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value below, `MetaData.CreateTime`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |value, name| value.get(name))
    }

    /// The string below.
    pub(crate) fn str_at(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// The id a reference names: `id_at("CustomerRef")`, `id_at("CheckPayment.BankAccountRef")`.
    pub(crate) fn id_at(&self, path: &str) -> Option<&str> {
        self.at(path)?.str_at("value")
    }

    /// The amount below in cents; 0 when there is none.
    pub(crate) fn cents_at(&self, path: &str) -> i64 {
        self.at(path).and_then(Self::exact).map_or(0, Exact::cents)
    }

    /// Sets a member, keeping its place when it is there already.
    pub(crate) fn set(&mut self, name: &str, value: Self) {
        if let Self::Obj(members) = self {
            match members.iter_mut().find(|(key, _)| key == name) {
                Some((_, slot)) => *slot = value,
                None => members.push((name.to_owned(), value)),
            }
        }
    }

    /// Sets a member that is not there.
    pub(crate) fn default(&mut self, name: &str, value: Self) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    /// Takes a member away.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Self> {
        let Self::Obj(members) = self else { return None };
        let at = members.iter().position(|(key, _)| key == name)?;
        Some(members.remove(at).1)
    }

    /// Empty text, `null`, `{}` and `[]` count as absent.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Str(text) => text.is_empty(),
            Self::Arr(items) => items.is_empty(),
            Self::Obj(members) => members.is_empty(),
            _ => false,
        }
    }

    /// The same in the tree of `serde_json`.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::from_str(&self.to_text()).unwrap_or_default()
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self::parse(value.to_string().as_bytes()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn numbers_and_order_stay_as_they_were_written() {
        let text = r#"{"b":100.00,"a":[0,-387.5,null,true,"x\"y"],"c":{"z":1.23456789012345678901,"y":{}}}"#;
        assert_eq!(Json::parse(text.as_bytes()).unwrap().to_text(), text);
        assert!(Json::parse(b"{\"a\":1").is_none());
    }
}
