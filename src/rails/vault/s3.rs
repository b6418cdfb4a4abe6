//! Backups in a bucket of an S3-compatible store: four requests, signed with AWS Signature Version 4, addressed by path
//! (which every such store understands). Why not a library: decision 0020.

use std::fmt::Write;
use std::sync::Arc;

use ::http::{HeaderMap, Method, Request, Response, StatusCode};
use bytes::Bytes;
use ring::{digest, hmac};

use super::{Found, VaultError};
use crate::ground::backup::hex;
use crate::ground::world::World;
use crate::rails::Transport;

/// Where a bucket is, and who may use it.
#[derive(Clone)]
pub struct Bucket {
    /// The store's address without a slash at the end: `https://s3.eu-central-1.example.com`.
    pub endpoint: String,
    /// Its region; many stores take any.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What stands before every name, without slashes around it; may be empty.
    pub prefix: String,
    /// The access key's id.
    pub key_id: String,
    /// The access key's secret.
    pub secret: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({}/{}/{})", self.endpoint, self.bucket, self.prefix)
    }
}

/// A bucket with what reaches it.
#[derive(Clone)]
pub struct S3 {
    bucket: Bucket,
    transport: Arc<dyn Transport>,
    world: World,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bucket.fmt(f)
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn keyed(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
}

/// Percent-encoding as the signature wants it: everything but the unreserved characters, and slashes of a path.
fn encoded(text: &str, path: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (path && byte == b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// What is signed of a request.
struct Signing<'s> {
    method: &'s str,
    /// Encoded.
    path: &'s str,
    /// Encoded, in order.
    query: &'s str,
    /// In the order of their names, in small letters.
    headers: &'s [(&'s str, String)],
    /// SHA-256 of the body, in hexadecimal.
    payload: &'s str,
    /// `20130524T000000Z`.
    time: &'s str,
}

/// The value of the `authorization` header.
fn authorization(bucket: &Bucket, signing: &Signing<'_>) -> String {
    let Signing { method, path, query, headers, payload, time } = signing;
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines = headers
        .iter()
        .fold(String::new(), |lines, (name, value)| format!("{lines}{name}:{}\n", value.trim()));
    let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}");
    let day = &time[..time.len().min(8)];
    let scope = format!("{day}/{}/s3/aws4_request", bucket.region);
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut key = keyed(format!("AWS4{}", bucket.secret).as_bytes(), day);
    for part in [bucket.region.as_str(), "s3", "aws4_request"] {
        key = keyed(&key, part);
    }
    let signature = hex(&keyed(&key, &to_sign));
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        bucket.key_id
    )
}

impl S3 {
    /// A bucket reached over `transport`.
    pub fn new(bucket: Bucket, transport: Arc<dyn Transport>, world: World) -> Self {
        Self { bucket, transport, world }
    }

    pub(super) fn shown(&self) -> String {
        let Bucket { endpoint, bucket, prefix, .. } = &self.bucket;
        format!("{endpoint}/{bucket}/{prefix}")
    }

    fn key(&self, name: &str) -> String {
        let prefix = &self.bucket.prefix;
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") }
    }

    fn request(
        &self,
        method: &Method,
        key: &str,
        query: &str,
        body: Vec<u8>,
    ) -> Result<Request<Bytes>, VaultError> {
        let broken = |error: ::http::Error| VaultError::Unreachable(error.to_string());
        let path = match key {
            "" => format!("/{}", self.bucket.bucket),
            key => format!("/{}/{}", self.bucket.bucket, encoded(key, true)),
        };
        let host =
            self.bucket.endpoint.split_once("://").map_or(self.bucket.endpoint.as_str(), |(_, host)| host);
        let second: String = self.world.now().to_string().chars().take(19).collect();
        let time = second.replace(['-', ':'], "") + "Z";
        let payload = sha256(&body);
        let headers = [
            ("host", host.to_owned()),
            ("x-amz-content-sha256", payload.clone()),
            ("x-amz-date", time.clone()),
        ];
        let signing = Signing {
            method: method.as_str(),
            path: &path,
            query,
            headers: &headers,
            payload: &payload,
            time: &time,
        };
        let question = if query.is_empty() { String::new() } else { format!("?{query}") };
        Request::builder()
            .method(method)
            .uri(format!("{}{path}{question}", self.bucket.endpoint))
            .header("x-amz-content-sha256", &payload)
            .header("x-amz-date", &time)
            .header("authorization", authorization(&self.bucket, &signing))
            .body(Bytes::from(body))
            .map_err(broken)
    }

    async fn send(
        &self,
        method: Method,
        key: &str,
        query: &str,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, VaultError> {
        let request = self.request(&method, key, query, body)?;
        let reply = self.transport.send(request).await;
        let reply = reply.map_err(|error| VaultError::Unreachable(error.to_string()))?;
        match reply.status() {
            status if status.is_success() => Ok(reply),
            StatusCode::NOT_FOUND if !key.is_empty() => Err(VaultError::Missing(key.to_owned())),
            status => {
                let said = between(&String::from_utf8_lossy(reply.body()), "Code").unwrap_or_default();
                let told = format!("{} answered {status} {said}", self.shown());
                Err(match status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => VaultError::Denied(told),
                    StatusCode::INSUFFICIENT_STORAGE => VaultError::Full(told),
                    _ => VaultError::Unreachable(told),
                })
            }
        }
    }

    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), VaultError> {
        match self.send(Method::PUT, &self.key(name), "", bytes).await {
            // Nothing is looked for here: what is missing is the bucket.
            Err(VaultError::Missing(_)) => {
                Err(VaultError::Unreachable(format!("{}: there is no such bucket", self.shown())))
            }
            other => other.map(drop),
        }
    }

    pub(super) async fn get(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        let reply =
            self.send(Method::GET, &self.key(name), "", Vec::new()).await.map_err(|error| match error {
                VaultError::Missing(_) => VaultError::Missing(name.to_owned()),
                other => other,
            })?;
        complete(reply.headers(), reply.body())?;
        Ok(reply.into_body().to_vec())
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Found>, VaultError> {
        let (before, mut found, mut from) = (self.key(""), Vec::new(), None::<String>);
        loop {
            let token = from
                .map(|token| format!("continuation-token={}&", encoded(&token, false)))
                .unwrap_or_default();
            let query = format!("{token}list-type=2&prefix={}", encoded(&self.key(prefix), false));
            let reply = self.send(Method::GET, "", &query, Vec::new()).await?;
            let text = String::from_utf8_lossy(reply.body()).into_owned();
            if between(&text, "IsTruncated").is_none() {
                return Err(VaultError::Unreachable(format!("{} does not list its content", self.shown())));
            }
            for item in text.split("<Contents>").skip(1) {
                let (Some(key), Some(bytes)) = (between(item, "Key"), between(item, "Size")) else {
                    continue;
                };
                if let (Some(name), Ok(bytes)) = (key.strip_prefix(before.as_str()), bytes.parse()) {
                    found.push(Found { name: name.to_owned(), bytes });
                }
            }
            from = between(&text, "NextContinuationToken");
            if from.is_none() {
                found.sort();
                return Ok(found);
            }
        }
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), VaultError> {
        match self.send(Method::DELETE, &self.key(name), "", Vec::new()).await {
            Err(VaultError::Missing(_)) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// The text of the first element of this name.
fn between(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(text.replace("&amp;", "&"))
}

/// A body that was cut on its way must not be taken for a damaged file.
fn complete(headers: &HeaderMap, body: &Bytes) -> Result<(), VaultError> {
    let said = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match said {
        Some(said) if said != body.len() => {
            Err(VaultError::Unreachable(format!("{} of {said} bytes arrived", body.len())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Bucket {
        Bucket {
            endpoint: "https://examplebucket.s3.amazonaws.com".into(),
            region: "us-east-1".into(),
            bucket: "examplebucket".into(),
            prefix: String::new(),
            key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        }
    }

    /// The examples of AWS's own documentation of Signature Version 4.
    #[test]
    fn signatures_are_those_of_the_documentation() {
        let (bucket, payload, time) = (example(), sha256(b""), "20130524T000000Z");
        let plain = |name, value: &str| (name, value.to_owned());
        let base = [
            plain("host", "examplebucket.s3.amazonaws.com"),
            plain("x-amz-content-sha256", &payload),
            plain("x-amz-date", time),
        ];
        let ranged = [base[0].clone(), plain("range", "bytes=0-9"), base[1].clone(), base[2].clone()];
        let (base, ranged) = (base.as_slice(), ranged.as_slice());
        let cases = [
            ("/test.txt", "", ranged, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
            ("/", "lifecycle=", base, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            (
                "/",
                "max-keys=2&prefix=J",
                base,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ];
        for (path, query, headers, signature) in cases {
            let signing = Signing { method: "GET", path, query, headers, payload: &payload, time };
            let told = authorization(&bucket, &signing);
            assert!(told.ends_with(&format!("Signature={signature}")), "{path}{query}: {told}");
        }
        assert_eq!(encoded("a b/ü~", true), "a%20b/%C3%BC~");
        assert_eq!(encoded("a/b=", false), "a%2Fb%3D");
        assert_eq!(between("<A><Key>x&amp;y</Key></A>", "Key").as_deref(), Some("x&y"));
    }
}
