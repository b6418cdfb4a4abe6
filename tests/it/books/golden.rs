//! Links between somebody of Twenty and a customer or a vendor of the books: made and taken back by people, kept apart from
//! both records, and led on where either side is merged.

use almoner::desk::Refusal;
use almoner::desk::golden::GoldenAsk;
use almoner::desk::people::erase_person;
use almoner::ground::books::golden::{BookName, CrmKind};
use almoner::ground::books::{Entity, EntityId};
use almoner::ground::id::{ForeignId, Object, PersonId, SubjectKey};
use almoner::ground::journal::{Actor, Cause};
use almoner::sim::qbo::{Form, Kind};
use almoner::store::{Changes, Fail, verify};
use serde_json::json;
use uuid::Uuid;

use super::firm::{MINUTE, Office, realm};
use super::writes::{id_of, opened, some};
use crate::world::{block, reviewer};

fn cause() -> Cause {
    Cause { actor: Actor::System, why: "test".into(), request_id: None }
}

fn person(office: &Office, number: u128, email: &str) -> Uuid {
    let id = Uuid::from_u128(number);
    let json = json!({"id": id, "name": {"firstName": "Ada", "lastName": "Example"},
        "emails": {"primaryEmail": email, "additionalEmails": []}, "updatedAt": "2026-11-20T09:00:00.000Z"});
    let written = block(office.means.store.write(move |_| {
        let mut changes = Changes::new(cause());
        changes.seen(SubjectKey::twenty(Object::People, id), json.to_string(), false, None);
        Ok::<_, Fail<()>>((changes, ()))
    }));
    written.unwrap();
    id
}

fn book(company: &str, entity: Entity, id: &str) -> BookName {
    BookName::new(realm(company), entity, EntityId::new(id).unwrap()).unwrap()
}

impl Office {
    fn link(&self, who: Uuid, book: &BookName) -> Result<Uuid, Refusal> {
        let ask =
            GoldenAsk { kind: CrmKind::Person, who, book: book.clone(), note: Some("told by phone".into()) };
        block(self.desk.link_books(&reviewer(), ask))
    }

    fn of_book(&self, company: &str, book: &BookName) -> Vec<Uuid> {
        let company = self.company(company);
        let snapshot = self.means.store.snapshot().unwrap();
        let links = snapshot.ledger().golden_of_book(&company, book).unwrap();
        links.into_iter().map(|link| link.value.who).collect()
    }

    fn of_person(&self, who: Uuid) -> Vec<String> {
        let snapshot = self.means.store.snapshot().unwrap();
        let links = snapshot.ledger().golden_of(CrmKind::Person, who).unwrap();
        links.into_iter().map(|link| link.value.book.record.to_string()).collect()
    }
}

#[test]
fn a_link_is_made_by_a_person_stands_alone_and_is_taken_back() {
    let (firm, company, mut office) = opened(60, 60);
    let (ada, ben) = (person(&office, 1, "ada@example.org"), person(&office, 2, "ben@example.org"));
    let customer = book(&company, Entity::Customer, &id_of(&some(&firm, &company, Kind::Customer, |_| true)));
    let vendor = book(&company, Entity::Vendor, &id_of(&some(&firm, &company, Kind::Vendor, |_| true)));
    let link = office.link(ada, &customer).unwrap();
    assert_eq!(office.link(ada, &customer).unwrap(), link, "said twice, it is one");
    office.link(ada, &vendor).unwrap();
    assert_eq!((office.of_book(&company, &customer), office.of_person(ada).len()), (vec![ada], 2));
    assert!(
        matches!(office.link(ben, &customer), Err(Refusal::Nothing(_))),
        "nobody's link is taken from them"
    );
    assert_eq!(office.of_book(&company, &customer), [ada]);
    block(office.desk.unlink_books(&reviewer(), link)).unwrap();
    assert_eq!((office.of_book(&company, &customer).len(), office.of_person(ada).len()), (0, 1));
    office.link(ben, &customer).unwrap();
    block(office.desk.disconnect_company(&reviewer(), realm(&company))).unwrap();
    office.work(MINUTE);
    assert_eq!(office.of_book(&company, &customer), [ben], "a link outlives the connection");
    let nobody = office.link(Uuid::from_u128(99), &vendor);
    assert!(matches!(nobody, Err(Refusal::NotFound(_))), "{nobody:?}");
    assert!(matches!(
        office.link(ben, &book(&company, Entity::Customer, "999999")),
        Err(Refusal::NotFound(_))
    ));
    assert_eq!(verify(&office.means.store).unwrap().fault, None);
}

#[test]
fn links_lead_on_where_either_side_is_merged() {
    let (firm, company, mut office) = opened(61, 60);
    firm.qbo.set_webhook("https://almoner.example.org/hooks/quickbooks", Form::Cloud, 1_000_000);
    let customers: Vec<String> = firm.qbo.objects(&company, Kind::Customer).iter().map(id_of).collect();
    let (ada, ben) = (person(&office, 1, "ada@example.org"), person(&office, 2, "ada@example.com"));
    let (loser, winner) =
        (book(&company, Entity::Customer, &customers[0]), book(&company, Entity::Customer, &customers[1]));
    office.link(ada, &loser).unwrap();
    assert!(firm.qbo.merge(&company, Kind::Customer, &customers[1], &customers[0]));
    firm.pass(10_000);
    office.hear(&firm.qbo);
    office.work(20 * MINUTE);
    assert_eq!(office.of_book(&company, &winner), [ada], "the customer that stays is Ada's");
    assert_eq!(office.of_book(&company, &loser), [ada]);
    assert!(matches!(office.link(ben, &winner), Err(Refusal::Nothing(_))));
    // Ada's record is merged into Ben's in Twenty.
    let merged = block(office.means.store.write(move |_| {
        let mut changes = Changes::new(cause());
        changes.merged(SubjectKey::twenty(Object::People, ada), &ForeignId::Uuid(ben))?;
        Ok::<_, Fail<()>>((changes, ()))
    }));
    merged.unwrap();
    assert_eq!((office.of_person(ben).len(), office.of_person(ada).len()), (1, 1));
    assert_eq!(verify(&office.means.store).unwrap().fault, None);
}

#[test]
fn who_is_erased_leaves_no_link_and_another_person_can_be_linked() {
    let (firm, company, office) = opened(62, 60);
    let (ada, ben) = (person(&office, 1, "ada@example.org"), person(&office, 2, "ben@example.org"));
    let customer = book(&company, Entity::Customer, &id_of(&some(&firm, &company, Kind::Customer, |_| true)));
    office.link(ada, &customer).unwrap();
    block(erase_person(&office.means.store, cause(), PersonId(ada), "asked".into())).unwrap();
    assert!(office.of_book(&company, &customer).is_empty() && office.of_person(ada).is_empty());
    office.link(ben, &customer).unwrap();
    assert_eq!(office.of_book(&company, &customer), [ben]);
}
