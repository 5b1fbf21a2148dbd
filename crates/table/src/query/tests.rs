use super::*;
use crate::keys::tests::{KINDS, schema, value};
use crate::schema::KeyType;
use fogbank_model::{Clock as _, TestClock, Timestamp};

const PLACE: u64 = 5;
const EQUAL: Comparator = Comparator::Equal;

/// A test of an attribute of this type that more than one value may pass.
fn some_test(kind: KeyType, dice: &TestClock) -> KeyTest {
    let (one, other) = (value(kind, dice), value(kind, dice));
    match (dice.fraction() * 6.0) as usize {
        0 => KeyTest::Compare(Comparator::Less, one),
        1 => KeyTest::Compare(Comparator::LessOrEqual, one),
        2 => KeyTest::Compare(Comparator::Greater, one),
        3 => KeyTest::Compare(Comparator::GreaterOrEqual, one),
        4 if kind != KeyType::N => KeyTest::BeginsWith(one),
        _ => KeyTest::Between(one.clone().min(other.clone()), one.max(other)),
    }
}

/// The keys between the bounds are those of which the tests hold, whatever the attributes' types and however their bytes are alike.
#[test]
fn a_condition_reaches_the_keys_that_satisfy_it() {
    let dice = TestClock::new(Timestamp(0), 11);
    let roll = |sides: usize| (dice.fraction() * sides as f64) as usize;
    let mut found = [0; 2];
    for _ in 0..400 {
        let kinds: Vec<KeyType> = (0..2 + roll(5)).map(|_| KINDS[roll(3)]).collect();
        let hashes = 1 + roll(kinds.len().min(4));
        let keys = schema(&kinds, hashes);
        let like: Item = keys.names().zip(&kinds).map(|(name, kind)| (name.to_owned(), value(*kind, &dice))).collect();
        let asked = hashes + roll(kinds.len() - hashes + 1);
        let equal = |name: &str| (name.to_owned(), KeyTest::Compare(EQUAL, like[name].clone()));
        let mut tests: Vec<_> = keys.names().take(asked).map(equal).collect();
        if asked > hashes && roll(3) > 0 {
            tests[asked - 1].1 = some_test(kinds[asked - 1], &dice);
        }
        let condition = KeyCondition::of(tests.clone());
        assert!(check_condition(None, &keys, &condition).is_ok(), "{tests:?}");
        let span = partition_span(PLACE, &keys, &condition).unwrap();
        for _ in 0..30 {
            // Much as the one that is asked for, so that the condition often holds.
            let mut item = like.clone();
            for (name, kind) in keys.names().zip(&kinds) {
                if roll(4) == 0 {
                    item.insert(name.to_owned(), value(*kind, &dice));
                }
            }
            let key = keys::below(PLACE, &ItemKey::of(&keys, &item).unwrap().0);
            let holds = tests.iter().all(|(name, test)| test.holds(&item[name]));
            found[usize::from(holds)] += 1;
            assert_eq!(span.from <= key && key < span.to, holds, "{tests:?} of {item:?}");
        }
    }
    assert!(found.iter().all(|count| *count > 1000), "{found:?}");
}
