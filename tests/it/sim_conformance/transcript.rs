//! Recorded requests and replies, read from their transcripts.

use std::path::Path;

use serde_json::Value;

/// One recorded request with its reply.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) file: String,
    pub(super) title: String,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) status: u16,
    pub(super) content_type: String,
    /// Names of the reply's headers, those of the connection left out.
    pub(super) header_names: Vec<String>,
    /// Seconds since the epoch, from the reply's `Date`.
    pub(super) at: i64,
    pub(super) reply: String,
    /// Number of records the recorder counted.
    pub(super) records: Option<usize>,
}

impl Exchange {
    /// True when the transcript lacks a part of the body.
    pub(super) fn is_cut(&self) -> bool {
        self.reply.contains("characters cut from the transcript")
    }

    /// The request body; the transcript cuts the long batches of `{"name":"sizeN-i"}`, whose size
    /// the title tells, so those are written out again.
    pub(super) fn whole_body(&self) -> String {
        let size = self.title.strip_prefix("batch of ").and_then(|rest| rest.strip_suffix(" gifts"));
        match size.and_then(|size| size.parse::<usize>().ok()) {
            Some(size) => {
                let items: Vec<String> =
                    (0..size).map(|at| format!("{{\"name\":\"size{size}-{at}\"}}")).collect();
                format!("[{}]", items.join(","))
            }
            None => self.body.clone(),
        }
    }
}

pub(super) fn parse_file(name: &str, text: &str) -> Vec<Exchange> {
    text.split("##### ").skip(1).filter_map(|block| parse_block(name, block)).collect()
}

pub(super) fn parse_block(file: &str, block: &str) -> Option<Exchange> {
    let (title, rest) = block.split_once('\n')?;
    let (command, reply) = rest.split_once("\nHTTP/1.1 ")?;
    let command = command.strip_prefix("$ curl ")?;
    let method = command.split_once("-X ")?.1.split(' ').next()?.to_owned();
    let target = command.split_once("'http://127.0.0.1:53000")?.1.split('\'').next()?.to_owned();
    let (head_of_command, body) = command.split_once("--data-binary '").unwrap_or((command, "'"));
    let headers = head_of_command.split("-H '").skip(1).filter_map(|part| part.split('\'').next());
    let headers = headers.filter_map(|line| line.split_once(": ").or_else(|| line.split_once(':')));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (head, body_of_reply) = reply.split_once("\n\n")?;
    let header = |name: &str| {
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    };
    let records =
        body_of_reply.rsplit_once(" records]").and_then(|(front, _)| front.rsplit(' ').next()?.parse().ok());
    let reply = body_of_reply.rsplit_once("\n[").map_or(body_of_reply, |(front, _)| front);
    Some(Exchange {
        file: file.to_owned(),
        title: title.to_owned(),
        method,
        target,
        headers,
        body: body.strip_suffix('\'').unwrap_or(body).to_owned(),
        status: head.split(' ').next()?.parse().ok()?,
        content_type: header("content-type").unwrap_or_default(),
        header_names: names_that_matter(
            head.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(name, _)| name),
        ),
        at: seconds(&header("date").unwrap_or_default()),
        reply: reply.trim().to_owned(),
        records,
    })
}

/// Header names in lower case, sorted, without those of the connection and of the length.
pub(super) fn names_that_matter<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    const OTHERS: [&str; 5] = ["date", "connection", "keep-alive", "content-length", "transfer-encoding"];
    let names = names.map(str::to_lowercase).filter(|name| !OTHERS.contains(&name.as_str()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// `Sun, 22 Nov 2026 06:20:13 GMT` as seconds; all recordings are of one day.
pub(super) fn seconds(date: &str) -> i64 {
    const MIDNIGHT: i64 = 1_795_305_600;
    let clock = date.split(' ').nth(4).unwrap_or("00:00:00");
    clock.split(':').filter_map(|part| part.parse::<i64>().ok()).fold(0, |sum, part| sum * 60 + part)
        + MIDNIGHT
}

pub(super) fn recordings() -> Vec<Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recordings/twenty");
    let entries = std::fs::read_dir(folder).expect("the folder of recordings");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    names.sort();
    let texts = names.iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    texts
        .flat_map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            // One of the files keeps the line ends of HTTP.
            let text = std::fs::read_to_string(path).expect("UTF-8").replace("\r\n", "\n");
            parse_file(&name, &text)
        })
        .collect()
}

/// Records of the demo seed in a reply, cut or not.
pub(super) fn seeds(reply: &str) -> Vec<Value> {
    let starts = reply.match_indices("{\"id\":\"20202020-").map(|(at, _)| at);
    let parsed = starts
        .filter_map(|at| serde_json::Deserializer::from_str(&reply[at..]).into_iter::<Value>().next()?.ok());
    parsed
        .filter(|record| {
            record["createdAt"] == "2026-11-22T06:16:40.617Z" && record["updatedAt"] == record["createdAt"]
        })
        .filter(|record| record.get("emails").is_some() || record.get("domainName").is_some())
        .collect()
}

/// A record that comes after all others and matches no recorded filter.
pub(super) fn filler(model: &Value, number: usize) -> Value {
    let mut record = model.clone();
    record["id"] = format!("2fffffff-0000-4000-8000-{number:012x}").into();
    record["position"] = 1.into();
    if record.get("emails").is_some() {
        // One more Jones, as a recorded page says that another page follows.
        let last = if record["id"].as_str().is_some_and(|id| id.ends_with("300")) { "Jones" } else { "Mmm" };
        record["name"] = serde_json::json!({"firstName": "Filler", "lastName": last});
        record["emails"]["primaryEmail"] = format!("filler{number}@example.com").into();
    } else {
        record["name"] = format!("Filler {number}").into();
        record["domainName"]["primaryLinkUrl"] = format!("filler{number}.example.com").into();
    }
    record
}

/// What the receiver of the webhooks got: header names that matter, and the body.
pub(super) fn received() -> Vec<(Vec<String>, String)> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recordings/twenty/16-webhook-received.txt");
    let text = std::fs::read_to_string(path).expect("UTF-8").replace("\r\n", "\n");
    let blocks = text.split("--- ").skip(1).filter_map(|block| {
        let (head, body) = block.split_once("\n\n")?;
        let names = head.lines().skip(2).filter_map(|line| line.split_once(": ")).map(|(name, _)| name);
        let names = names.filter(|name| !matches!(*name, "Host" | "Accept-Encoding"));
        Some((names_that_matter(names), body.lines().next()?.to_owned()))
    });
    blocks.collect()
}
