//! The stream of changes that open pages listen to.

use futures_util::StreamExt;

use super::*;

#[test]
fn an_open_page_hears_of_a_change() {
    let api = Api::new();
    block(async {
        let request =
            Request::builder().uri("/api/events").header("authorization", format!("Bearer {}", api.token));
        let response =
            api.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        let mut stream = response.into_body().into_data_stream();
        api.process
            .desk
            .take_in(&reviewer(), crate::world::delivery(None, crate::world::gbp("5")))
            .await
            .unwrap();
        let heard = String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap();
        assert!(heard.contains("event: change") && heard.contains("gift_staging"), "{heard}");
    });
}

/// A page that lost its stream is told of what it may have missed, and one that missed nothing is not.
#[test]
fn a_page_that_comes_back_hears_what_it_missed() {
    let api = Api::new();
    api.staged(1_000_000);
    let last = api.process.means.store.snapshot().unwrap().ledger().last_seq().unwrap().0;
    let first = |seen: u64| {
        block(async {
            let request = Request::builder()
                .uri("/api/events")
                .header("authorization", format!("Bearer {}", api.token))
                .header("last-event-id", seen.to_string());
            let request = request.body(axum::body::Body::empty()).unwrap();
            let response = api.router.clone().oneshot(request).await.unwrap();
            let mut stream = response.into_body().into_data_stream();
            let waited = std::time::Duration::from_millis(50);
            let heard = tokio::time::timeout(waited, stream.next()).await.ok()?;
            Some(String::from_utf8(heard.unwrap().unwrap().to_vec()).unwrap())
        })
    };
    let heard = first(last - 1).expect("something happened since");
    assert!(heard.contains("event: change") && heard.contains(&format!("id: {last}")), "{heard}");
    assert!(heard.contains("gift_staging") && heard.contains("\"subjects\":null"), "{heard}");
    assert_eq!(first(last), None, "nothing happened since");
}
