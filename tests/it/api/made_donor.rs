//! The person who was made for a gift that is discarded: offered for removal with the row, removed, and taken back.

use super::*;

impl Api {
    /// A gift of somebody new whose donor was made; answers row and person.
    fn made(&mut self) -> (String, String) {
        let body = json!({ "amount": pounds(5), "giftDate": "2026-11-20", "paymentMethod": "card",
            "donorFirstName": "Grace", "donorLastName": "Newcomer" });
        let reply = self.post("/api/fundraising/gift-staging", &body);
        let row = reply.body["data"]["giftStaging"]["id"].as_str().expect("staged").to_owned();
        let batch = self.post("/api/fundraising/gift-batches", &json!({ "name": "Post", "rowIds": [row] }));
        let batch = batch.body["data"]["createGiftBatch"]["id"].as_str().expect("made").to_owned();
        let making = format!("/api/fundraising/gift-batches/{batch}/donor-match/create-donors/run");
        let reply = self.post(&making, &json!({ "stagingIds": [row] }));
        assert!(reply.status.is_success(), "{}", reply.text);
        self.settle();
        let told = self.row_of(&row);
        assert_eq!((&told["donorCreated"], &told["madeDonor"]), (&json!(true), &Value::Null));
        let person = told["donorId"].as_str().expect("made").to_owned();
        (row, person)
    }

    fn row_of(&self, id: &str) -> Value {
        self.get(&format!("/api/fundraising/gift-staging/{id}")).body["data"]["giftStaging"].clone()
    }

    fn marked(&self, id: &str, word: &str) -> Value {
        let path = format!("/api/fundraising/gift-staging/{id}/status");
        let reply = self.patch(&path, &json!({ "processingStatus": word }));
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body["data"]["giftStaging"].clone()
    }

    fn remove(&self, id: &str) -> Reply {
        self.call_with("DELETE", &format!("/api/fundraising/gift-staging/{id}/made-donor"), "", &[])
    }
}

#[test]
fn discarding_offers_to_remove_them_and_the_removal_can_be_taken_back() {
    let mut api = Api::new();
    let (row, person) = api.made();
    assert_eq!(api.remove(&row).status, 409, "the row is not discarded");
    let offered = api.marked(&row, "discarded")["madeDonor"].clone();
    assert_eq!(
        (&offered["id"], &offered["state"], &offered["removable"], &offered["whyNot"]),
        (&json!(person), &json!("there"), &json!(true), &Value::Null)
    );
    assert_eq!(offered["name"], "Grace Newcomer");
    assert!(offered["url"].as_str().unwrap().ends_with(&format!("/object/person/{person}")));
    let kept = api.remove(&row);
    assert_eq!((kept.status.as_u16(), &kept.body["data"]["recordId"]), (202, &json!(person)));
    let removing = api.row_of(&row)["madeDonor"].clone();
    assert_eq!(
        (&removing["state"], &removing["removable"], &removing["editId"]),
        (&json!("removing"), &json!(false), &kept.body["data"]["id"])
    );
    let edit = format!("/api/sync/edits/{}", kept.body["data"]["id"].as_str().unwrap());
    assert_eq!(api.call_with("DELETE", &edit, "", &[]).status, 204);
    assert_eq!(api.row_of(&row)["madeDonor"], offered, "as if nothing had been asked");
    assert_eq!(api.remove(&row).status, 202);
    api.settle();
    let gone = api.row_of(&row)["madeDonor"].clone();
    assert_eq!(
        (&gone["state"], &gone["removable"], &gone["whyNot"], &gone["editId"]),
        (&json!("removed"), &json!(false), &Value::Null, &Value::Null)
    );
    assert_eq!(api.get(&format!("/api/donors/{person}")).body["data"]["state"], "deleted");
    assert_eq!(api.remove(&row).status, 409);
    let rows = api.get("/api/fundraising/gift-staging").body;
    assert_eq!(rows["data"]["giftStagings"][0]["madeDonor"], Value::Null, "told of one row, not in lists");
}

#[test]
fn what_refers_to_them_is_told_and_refused() {
    let mut api = Api::new();
    let (row, person) = api.made();
    api.outside.create("gifts", &json!({ "name": "G", "donorId": person }));
    api.process.sync_now();
    api.settle();
    let told = api.marked(&row, "discarded")["madeDonor"].clone();
    assert_eq!((&told["state"], &told["removable"]), (&json!("there"), &json!(false)));
    assert!(told["whyNot"].as_str().unwrap().contains("Gifts in Twenty are from this person"));
    let reply = api.remove(&row);
    assert!(reply.status == 409 && reply.text.contains("Gifts in Twenty"), "{}", reply.text);
    let plain = api.staged(3_000_000);
    assert_eq!(api.marked(&plain, "discarded")["madeDonor"], Value::Null);
    assert_eq!(api.remove(&plain).status, 404);
}
