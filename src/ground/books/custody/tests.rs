//! The rules of custody one by one (contract 1.5).

use super::*;

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Instant {
    Instant(0).plus_millis(hours * HOUR)
}

fn pair(name: &str, now: Instant) -> Pair {
    Pair {
        access: Secret::new(&format!("access-{name}")).unwrap(),
        access_until: now.plus_millis(HOUR),
        refresh: Secret::new(&format!("refresh-{name}")).unwrap(),
        refresh_until: Some(now.plus_millis(100 * 24 * HOUR)),
        received_at: now,
    }
}

fn connected() -> Custody {
    Custody::connected("310687".parse().unwrap(), pair("a", at(0)))
}

#[test]
fn an_access_token_is_renewed_before_it_ends_or_when_it_was_refused() {
    let custody = connected();
    let minute = |minutes: i64| Instant(0).plus_millis(minutes * 60_000);
    assert!(matches!(custody.next(None, minute(54)), Next::Call(Bearer { revision: 1, .. })));
    assert_eq!(custody.next(None, minute(55)), Next::Refresh);
    assert_eq!(custody.next(Some(1), minute(1)), Next::Refresh);
    let newer = custody.renewed(pair("b", minute(1)));
    assert!(matches!(newer.next(Some(1), minute(2)), Next::Call(_)), "somebody refreshed it already");
    assert_eq!(newer.lost(Lost::AccessRefused, at(1)).next(None, at(1)), Next::Reconnect);
    assert!(!custody.is_idle(at(19)) && custody.is_idle(at(20)));
}

#[test]
fn one_refresher_and_no_older_pair_over_a_newer_one() {
    let stored = connected();
    let mut refresher = Refresher::default();
    let ask = refresher.begin(&stored, at(1)).unwrap();
    assert_eq!(refresher.begin(&stored, at(1)), None, "one is under way");
    let newer = stored.renewed(pair("person", at(1)));
    // Its answer comes after a person has connected the company again.
    assert_eq!(
        refresher.answered(&ask, Answer::Pair(pair("late", at(1))), &newer, at(1)),
        Decision::Keep(at(1))
    );
    assert_eq!(Custody::swap(&newer, stored.renewed(pair("late", at(1)))), Err(Superseded));
    let other = Custody::connected("1".parse().unwrap(), pair("x", at(0)));
    assert_eq!(Custody::swap(&stored, other.renewed(pair("y", at(1)))), Err(Superseded), "another company's");
    assert!(Custody::swap(&newer, newer.renewed(pair("c", at(2)))).is_ok());
}

#[test]
fn a_refusal_counts_for_what_is_stored_only() {
    let stored = connected();
    let newer = stored.renewed(pair("b", at(1)));
    let mut refresher = Refresher::default();
    let ask = refresher.begin(&stored, at(1)).unwrap();
    let Decision::Again(again) = refresher.answered(&ask, Answer::InvalidGrant, &newer, at(1)) else {
        panic!()
    };
    assert_eq!((again.revision, again.refresh.reveal()), (2, "refresh-b"));
    let Decision::Commit(lost) = refresher.answered(&again, Answer::InvalidGrant, &newer, at(1)) else {
        panic!()
    };
    assert_eq!(lost.standing(), Standing::Reconnect { since: at(1), why: Lost::RefreshRefused });
    assert_eq!(refresher.begin(&lost, at(2)), None, "nothing is asked until a person connects it");
}

#[test]
fn no_answer_keeps_the_token_and_waits_longer_each_time() {
    let stored = connected();
    let mut refresher = Refresher::default();
    let mut now = at(1);
    let mut pauses = Vec::new();
    for answer in [Answer::NoAnswer, Answer::InvalidClient, Answer::NoAnswer].into_iter().cycle().take(9) {
        let ask = refresher.begin(&stored, now).unwrap();
        let Decision::Keep(until) = refresher.answered(&ask, answer, &stored, now) else { panic!() };
        assert_eq!(refresher.begin(&stored, until.plus_millis(-1)), None);
        pauses.push(until.micros_since(now) / 1_000_000);
        now = until;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    let ask = refresher.begin(&stored, now).unwrap();
    let decision = refresher.answered(&ask, Answer::Pair(pair("b", now)), &stored, now);
    assert!(matches!(decision, Decision::Commit(_)));
}

#[test]
fn tokens_are_not_shown() {
    let shown = format!("{:?}", connected());
    assert!(!shown.contains("access-a") && !shown.contains("refresh-a"), "{shown}");
}
