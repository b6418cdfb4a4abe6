//! The weights shipped for bases too small to tell their own: assumptions, written down as such.
//!
//! They begin every estimate and outweigh a base of a few dozen duplicates; a large base overrules them.

use super::compare::{FIELDS, Field, LEVELS};
use super::model::{Kind, Model};

/// Name of the shipped weights. Change it with any number here.
pub const VERSION: &str = "shipped-1";

/// The shipped model for a base of so many records.
pub fn shipped(records: usize) -> Model {
    #[expect(clippy::cast_precision_loss, reason = "a base has far fewer than 2^52 records")]
    let records = (records as f64).max(2.0);
    let mut m = [[0.0; LEVELS]; FIELDS];
    let mut u = [[0.0; LEVELS]; FIELDS];
    for field in Field::ALL {
        let (one, strangers) = levels(field);
        m[field.at()][1..=one.len()].copy_from_slice(one);
        u[field.at()][1..=strangers.len()].copy_from_slice(strangers);
    }
    Model {
        version: VERSION.to_owned(),
        records,
        rate: 0.2 / records,
        moved: 0.1,
        m,
        u,
        others: [household(0.3 / records), namesake_at_home(0.03 / records), namesake(0.05 / records)],
    }
}

/// How often each level is seen, from 1 on: in pairs of one person, in pairs of strangers.
const fn levels(field: Field) -> (&'static [f64], &'static [f64]) {
    match field {
        Field::First => {
            (&[0.04, 0.01, 0.04, 0.02, 0.07, 0.05, 0.77], &[0.91, 0.06, 0.004, 0.006, 0.009, 0.004, 0.007])
        }
        Field::Last => (&[0.05, 0.005, 0.01, 0.06, 0.875], &[0.995, 0.002, 0.0005, 0.001, 0.0015]),
        // The chance that exchanged names agree is counted with the names themselves.
        Field::Order => (&[0.01, 0.99], &[1.0, 1.0]),
        Field::Title => (&[0.01, 0.05, 0.94], &[0.48, 0.18, 0.34]),
        Field::Birth => (&[0.02, 0.05, 0.08, 0.85], &[0.989, 0.01, 0.0009, 0.0001]),
        Field::Email => (&[0.12, 0.02, 0.06, 0.80], &[0.999_95, 0.000_02, 0.000_02, 0.000_01]),
        Field::Phone => (&[0.14, 0.05, 0.81], &[0.999_96, 0.000_03, 0.000_01]),
        Field::Organisation => (&[0.15, 0.05, 0.80], &[0.99, 0.008, 0.002]),
        Field::Number => (&[0.04, 0.05, 0.91], &[0.90, 0.08, 0.02]),
        Field::Street => (&[0.03, 0.05, 0.07, 0.85], &[0.993, 0.005, 0.0005, 0.0015]),
        Field::Extra => (&[0.08, 0.05, 0.07, 0.80], &[0.994, 0.003, 0.0005, 0.0025]),
        Field::Town => (&[0.03, 0.03, 0.06, 0.88], &[0.985, 0.008, 0.001, 0.006]),
        Field::Postcode => (&[0.02, 0.02, 0.05, 0.91], &[0.998, 0.001, 0.0005, 0.0005]),
        Field::Region => (&[0.04, 0.96], &[0.75, 0.25]),
        // Nothing is assumed: what the base shows of strangers holds for all until it shows otherwise.
        Field::EmailKept | Field::PhoneKept => (&[0.4, 0.3, 0.3], &[0.4, 0.3, 0.3]),
    }
}

/// Shares of nothing.
const NOTHING: [f64; FIELDS] = [0.0; FIELDS];

fn household(rate: f64) -> Kind {
    let mut share = NOTHING;
    share[Field::Last.at()] = 0.85;
    share[Field::Phone.at()] = 0.35;
    share[Field::Email.at()] = 0.15;
    share[Field::Organisation.at()] = 0.05;
    Kind { rate, share, place: 1.0 }
}

/// What two people of one name share by having it.
fn of_one_name() -> [f64; FIELDS] {
    let mut share = NOTHING;
    share[Field::First.at()] = 1.0;
    share[Field::Last.at()] = 1.0;
    share[Field::Order.at()] = 1.0;
    share[Field::Title.at()] = 0.7;
    share[Field::Organisation.at()] = 0.3;
    share
}

fn namesake_at_home(rate: f64) -> Kind {
    let mut share = of_one_name();
    share[Field::Phone.at()] = 0.2;
    share[Field::Email.at()] = 0.1;
    Kind { rate, share, place: 1.0 }
}

fn namesake(rate: f64) -> Kind {
    let mut share = of_one_name();
    share[Field::Email.at()] = 0.01;
    Kind { rate, share, place: 0.0 }
}
